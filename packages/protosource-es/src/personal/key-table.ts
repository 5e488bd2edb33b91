/** What the key stores share: which keys a person has, and what becomes of them. Where they lie is a table's part. */
import type { CallOptions } from "../call-options.js";
import { type Clock, systemClock } from "../clock.js";
import { invalid, ProtosourceError } from "../errors.js";
import { digestText, KEY_BYTES, randomBytes } from "./cipher.js";
import type { CurrentKeyOptions, DataKey, EraseOptions, KeyStatus, KeyStore } from "./key-store.js";

/** What a table keeps of a person. It doesn't hold who that is, but a digest of it. */
export interface KeyEntry {
  /** Grows with each change, from 1. */
  readonly revision: number;
  /** The key, wrapped where keys are; undefined once it was erased. */
  readonly key?: { readonly id: string; readonly bytes: Uint8Array } | undefined;
  /** The ids of the keys that were erased. */
  readonly erased: readonly string[];
  /** When the person was last forgotten, in microseconds since the Unix epoch. */
  readonly erasedAt?: bigint | undefined;
  readonly reason?: string | undefined;
}

/** A table of keys: all that differs between key stores. */
export interface KeyTable {
  /** Reads the entries of some digests, as they are now. Those that there are none of are left out. */
  read(digests: readonly string[], options: CallOptions): Promise<ReadonlyMap<string, KeyEntry>>;

  /**
   * Writes an entry where the one there is of the revision before, or where there is none for the revision 1. False when
   * somebody else was first. Nothing of the entry before is left behind.
   */
  write(digest: string, entry: KeyEntry, options: CallOptions): Promise<boolean>;
}

/** Keeps data keys from lying open in a table, such as by a key of AWS KMS. The id of the key is bound to it. */
export interface KeyWrapping {
  /** Makes a key: its 32 bytes, and what is kept of it. */
  generate(keyId: string, options: CallOptions): Promise<{ readonly bytes: Uint8Array; readonly wrapped: Uint8Array }>;
  /** Gives the bytes of what is kept. */
  unwrap(keyId: string, wrapped: Uint8Array, options: CallOptions): Promise<Uint8Array>;
}

export interface KeyTableOptions {
  /** Tells when a person was forgotten. The machine's clock by default. */
  readonly clock?: Clock | undefined;
  /** Wraps the keys, such as `kmsWrapping`. None by default: then they lie in the table as they are. */
  readonly wrapping?: KeyWrapping | undefined;
}

/** How much of the digest of a person names its entry, in characters of 6 bits: too much for two to have the same. */
const NAME_LENGTH = 22;

/** What tells the keys of one person apart, and those of a table that was lost from those of the next: in bytes. */
const ID_BYTES = 8;

/** How often an entry is looked at again that somebody else changed meanwhile. */
const REREADS = 8;

/** Makes the key store of a table. */
export function tableKeyStore(
  table: KeyTable,
  { clock = systemClock, wrapping = unwrapped }: KeyTableOptions = {},
): KeyStore {
  const readOne = async (name: string, options: CallOptions): Promise<KeyEntry | undefined> =>
    (await table.read([name], options)).get(name);

  /** Changes an entry, unless there is nothing to change, and gives what it is then. */
  const update = async <E extends KeyEntry>(
    subject: string,
    options: CallOptions,
    change: (name: string, before: KeyEntry | undefined) => Promise<{ readonly entry: E; readonly isNew: boolean }>,
  ): Promise<E> => {
    checkSubject(subject);
    const name = entryName(subject);
    for (let reread = 0; reread <= REREADS; reread++) {
      const { entry, isNew } = await change(name, await readOne(name, options));
      if (!isNew || (await table.write(name, entry, options))) return entry;
    }
    throw new ProtosourceError(
      "unavailable",
      "the key of a person was changed again and again by others: try again later",
      { operation: "KeyStore", reasons: ["contention"], outcome: "not_applied" },
    );
  };

  return {
    async current(subject: string, options: CurrentKeyOptions = {}): Promise<DataKey> {
      let made: DataKey | undefined;
      const entry = await update(subject, options, async (name, before) => {
        if (before?.key !== undefined) return { entry: before, isNew: false };
        if (before !== undefined && !options.renew) throw subjectErased(subject);
        const id = `${name}.${hex(randomBytes(ID_BYTES))}`;
        const { bytes, wrapped } = await wrapping.generate(id, options);
        made = { id, bytes };
        return { entry: { ...next(before), key: { id, bytes: wrapped } }, isNew: true };
      });
      const { id, bytes } = entry.key as NonNullable<KeyEntry["key"]>;
      return made?.id === id ? made : { id, bytes: await wrapping.unwrap(id, bytes, options) };
    },

    async find(keyIds, options = {}) {
      const entries = await table.read([...new Set(keyIds.map(nameOfKey))], options);
      const found = new Map<string, DataKey | "erased">();
      await Promise.all(
        keyIds.map(async (id) => {
          const entry = entries.get(nameOfKey(id));
          if (entry?.erased.includes(id)) found.set(id, "erased");
          else if (entry?.key?.id === id) {
            found.set(id, { id, bytes: await wrapping.unwrap(id, entry.key.bytes, options) });
          }
        }),
      );
      return found;
    },

    async erase(subject: string, options: EraseOptions = {}): Promise<KeyStatus> {
      const entry = await update(subject, options, async (_name, before) => {
        if (before !== undefined && before.key === undefined) return { entry: before, isNew: false };
        const { key: _key, erased, ...rest } = next(before);
        const ids = before?.key === undefined ? erased : [...erased, before.key.id];
        return { entry: { ...rest, erased: ids, erasedAt: clock.now(), reason: options.reason }, isNew: true };
      });
      return statusOf(entry);
    },

    async status(subject: string, options: CallOptions = {}): Promise<KeyStatus | undefined> {
      checkSubject(subject);
      const entry = await readOne(entryName(subject), options);
      return entry && statusOf(entry);
    },
  };
}

/** Makes the error of a person who was forgotten, and of whom something is to be sealed. */
export function subjectErased(subject: string): ProtosourceError<"subject_erased"> {
  return new ProtosourceError(
    "subject_erased",
    `${subject} was forgotten, and nothing of it is stored any more: leave its personal fields empty, or take a new key with "renew"`,
    { subject },
  );
}

const unwrapped: KeyWrapping = {
  async generate() {
    const bytes = randomBytes(KEY_BYTES);
    return { bytes, wrapped: bytes };
  },
  async unwrap(_keyId, wrapped) {
    return wrapped;
  },
};

function next(before: KeyEntry | undefined): KeyEntry {
  return { erased: [], ...before, revision: (before?.revision ?? 0) + 1 };
}

function statusOf({ key, erased, erasedAt, reason }: KeyEntry): KeyStatus {
  return { hasKey: key !== undefined, erasedKeys: erased.length, erasedAt, reason };
}

function entryName(subject: string): string {
  return digestText(subject).slice(0, NAME_LENGTH);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function nameOfKey(keyId: string): string {
  return keyId.slice(0, keyId.indexOf("."));
}

function checkSubject(subject: string): void {
  if (typeof subject === "string" && subject !== "") return;
  throw invalid("subject", "the subject is empty: say whose fields they are");
}
