/** The keys that one program seals and opens personal fields with. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { CallOptions } from "../call-options.js";
import { type Clock, systemClock } from "../clock.js";
import { invalid, ProtosourceError } from "../errors.js";
import { blindMessage } from "./blind-keys.js";
import { blindText } from "./cipher.js";
import { keyCache } from "./key-cache.js";
import type { DataKey, EraseOptions, KeyStatus, KeyStore } from "./key-store.js";
import { personalPlan } from "./personal-plan.js";
import { addKeyIds, addSubjects, openMessage, sealMessage } from "./sealing.js";

export interface KeyringOptions {
  /**
   * What stands behind the values by which personal fields are found and kept unique: at least 16 bytes that stay the
   * same and that nobody else knows. Needed where a personal field is a key of an index, and where an aggregate with
   * personal fields has unique values.
   */
  readonly secret?: Uint8Array | undefined;
  /**
   * How long a key is kept in memory, in seconds; 60 by default. A person who is forgotten in another process can be
   * read in this one for as long.
   */
  readonly maxAgeSeconds?: number | undefined;
  /** How many keys are kept in memory; 10,000 by default. */
  readonly maxKeys?: number | undefined;
  /**
   * Makes a new key where something of a person is stored who was forgotten. What was before stays erased. Off by
   * default: then it is `subject_erased`.
   */
  readonly renew?: boolean | undefined;
  /** Tells how old keys are. The machine's clock by default. */
  readonly clock?: Clock | undefined;
}

/** A message with its schema. */
export type TypedMessage = readonly [schema: DescMessage, message: Message];

/** Has the keys for some messages. */
export interface Sealer {
  /** Gives a message with its personal fields sealed, for one place. One without any comes back as it is. */
  readonly seal: (schema: DescMessage, message: Message, place: string) => Message;
  /** Gives what the keys of a message's row are made of: an HMAC stands for each personal value in them. */
  readonly blind: (schema: DescMessage, message: Message) => Message;
}

/** Opens the personal fields of a message in place. `key` names the record in errors. */
export type Open = (schema: DescMessage, message: Message, place: string, key: string) => void;

/**
 * The keys that one program seals and opens personal fields with. Give the same one to all that touch the same events and
 * rows: repositories, queries, subscriptions, rebuilds.
 */
export interface Keyring {
  /** Fetches the keys to seal messages with, and makes those that are missing. Throws `subject_erased`. */
  sealer(messages: readonly TypedMessage[], options?: CallOptions): Promise<Sealer>;

  /** Fetches the keys to open messages with, all at once. What it gives throws `key_missing` and `corrupt_record`. */
  opener(messages: readonly TypedMessage[], options?: CallOptions): Promise<Open>;

  /**
   * Gives what stands for a value where it must be found and not read: the same for the same name and value. Throws
   * `not_configured` without a secret.
   */
  readonly blind: (name: string, value: string) => string;

  /** Whether there is a secret, so that values can be blinded. */
  readonly canBlind: boolean;

  /**
   * Forgets a person: erases the key for ever, and with it every personal field of that person in events, snapshots, rows
   * and exports. Nothing else is changed, and nothing needs a rebuild. Here it is so at once, and in other processes
   * after their `maxAgeSeconds`.
   *
   * Throws `invalid_argument` for an empty name, and `unavailable`.
   */
  forget(subject: string, options?: EraseOptions): Promise<KeyStatus>;
}

const MIN_SECRET_BYTES = 16;
const DEFAULT_MAX_AGE_SECONDS = 60;
const DEFAULT_MAX_KEYS = 10_000;

/** Makes the keyring of a key store. Throws `invalid_argument` without one, and for a secret that is too short. */
export function createKeyring(store: KeyStore, options: KeyringOptions = {}): Keyring {
  const { secret, maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS, maxKeys = DEFAULT_MAX_KEYS, renew = false } = options;
  const { clock = systemClock } = options;
  if (!store?.current) throw invalid("store", "the key store is missing: give one, such as a MemoryKeyStore");
  if (secret !== undefined && !(secret instanceof Uint8Array && secret.length >= MIN_SECRET_BYTES)) {
    throw invalid("secret", `the secret is too short: give at least ${MIN_SECRET_BYTES} bytes made by chance`);
  }
  if (!(maxAgeSeconds >= 0))
    throw invalid("maxAgeSeconds", `keys can't be kept ${maxAgeSeconds} seconds: give 0 or more`);
  const bySubject = keyCache<DataKey>(maxKeys, maxAgeSeconds, clock);
  const byId = keyCache<DataKey | "erased">(maxKeys, maxAgeSeconds, clock);
  /** Counts the calls of `forget`: a key that was asked for before one is kept no more. */
  let forgotten = 0;

  const blind: Keyring["blind"] = (name, value) => {
    if (secret !== undefined) return blindText(secret, name, value);
    throw new ProtosourceError(
      "not_configured",
      `${name} is found by what stands for its value: give the keyring a secret to make that of`,
      { option: "secret" },
    );
  };

  return {
    async sealer(messages, callOptions = {}) {
      const subjects = new Set<string>();
      for (const [schema, message] of messages) {
        const plan = personalPlan(schema);
        if (plan !== undefined) addSubjects(plan, message, subjects);
      }
      const keys = new Map<string, DataKey>();
      const unknown: string[] = [];
      for (const subject of subjects) {
        const key = bySubject.get(subject);
        if (key === undefined) unknown.push(subject);
        else keys.set(subject, key);
      }
      if (unknown.length > 0) {
        const before = forgotten;
        const ask = async (subject: string): Promise<void> => {
          const key = await store.current(subject, { ...callOptions, renew });
          keys.set(subject, key);
          if (forgotten === before) bySubject.set(subject, key);
        };
        await Promise.all(unknown.map(ask));
      }
      return {
        seal(schema, message, place) {
          const plan = personalPlan(schema);
          return plan === undefined ? message : sealMessage(plan, message, place, keys);
        },
        blind: (schema, message) => blindMessage(blind, schema, message),
      };
    },

    async opener(messages, callOptions) {
      const keyIds = new Set<string>();
      for (const [schema, message] of messages) {
        const plan = personalPlan(schema);
        if (plan !== undefined) addKeyIds(plan, message, keyIds);
      }
      const keys = new Map<string, DataKey | "erased">();
      const unknown: string[] = [];
      for (const id of keyIds) {
        const key = byId.get(id);
        if (key === undefined) unknown.push(id);
        else keys.set(id, key);
      }
      if (unknown.length > 0) {
        const before = forgotten;
        for (const [id, key] of await store.find(unknown, callOptions)) {
          keys.set(id, key);
          if (forgotten === before) byId.set(id, key);
        }
      }
      return (schema, message, place, key) => {
        const plan = personalPlan(schema);
        if (plan !== undefined) openMessage(plan, message, place, key, keys);
      };
    },

    blind,
    canBlind: secret !== undefined,

    async forget(subject, eraseOptions) {
      try {
        return await store.erase(subject, eraseOptions);
      } finally {
        forgotten++;
        bySubject.clear();
        byId.clear();
      }
    },
  };
}
