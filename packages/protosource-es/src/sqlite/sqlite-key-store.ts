/** Keys in an SQLite file. */
import { ProtosourceError } from "../errors.js";
import type { KeyStore } from "../personal/key-store.js";
import { type KeyEntry, type KeyTableOptions, tableKeyStore } from "../personal/key-table.js";
import { throwIfAborted } from "../store/save-checks.js";
import { bytesOf, type Connection, type StoredBytes } from "./connection.js";
import { connectionOf } from "./connections.js";
import type { Call } from "./failures.js";
import type { SqliteDatabase } from "./sqlite-database.js";

interface StoredEntry {
  readonly revision: bigint;
  readonly key_id: string | null;
  readonly key: StoredBytes | null;
  readonly erased: string;
  readonly erased_at: bigint | null;
  readonly reason: string | null;
}

const READING: Call = { operation: "KeyStore", key: "the keys" };
const WRITING: Call = { operation: "KeyStore", key: "a key" };

const SELECT = "SELECT revision, key_id, key, erased, erased_at, reason FROM protosource_keys WHERE name = ?";

const INSERT = "INSERT OR REPLACE INTO protosource_keys VALUES (?, ?, ?, ?, ?, ?, ?)";

/**
 * Keeps the keys of persons in an SQLite file, in the table `protosource_keys`. Give them a file of their own: a copy of
 * one that holds the events too has both what is sealed and what opens it.
 *
 * A key that is erased is overwritten with zeros in the file. Where a write-ahead log is used it is emptied then, unless
 * another process is reading: so long, the log still has the key.
 *
 * Throws `invalid_argument` for what isn't a database, and for one of a newer version of the tables.
 */
export function sqliteKeyStore(database: SqliteDatabase, options: KeyTableOptions = {}): KeyStore {
  const connection = connectionOf(database);
  return tableKeyStore(
    {
      async read(names, { signal }) {
        throwIfAborted(signal, READING.operation);
        return new Map(names.flatMap((name) => readEntry(connection, name)));
      },
      async write(name, entry, { signal }) {
        throwIfAborted(signal, WRITING.operation);
        const isWritten = overwriting(connection, () =>
          connection.transaction(WRITING, () => {
            const [stored] = readEntry(connection, name);
            if ((stored?.[1].revision ?? 0) !== entry.revision - 1) return false;
            connection.run(WRITING, INSERT, ...columnsOf(name, entry));
            return true;
          }),
        );
        if (isWritten && entry.key === undefined) emptyLog(connection);
        return isWritten;
      },
    },
    options,
  );
}

/** Has what is deleted overwritten with zeros. */
function overwriting<T>(connection: Connection, work: () => T): T {
  const [before] = connection.all<{ secure_delete: bigint }>(WRITING, "PRAGMA secure_delete");
  connection.all(WRITING, "PRAGMA secure_delete = ON");
  try {
    return work();
  } finally {
    connection.all(WRITING, `PRAGMA secure_delete = ${before?.secure_delete ?? 0n}`);
  }
}

/** Moves what is in a write-ahead log into the file, and empties it. */
function emptyLog(connection: Connection): void {
  try {
    connection.all(WRITING, "PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // Another connection holds a lock: the next checkpoint does it, and the key is erased all the same.
  }
}

function readEntry(connection: Connection, name: string): [name: string, entry: KeyEntry][] {
  const rows = connection.all<StoredEntry>(READING, SELECT, name);
  return rows.map(({ revision, key_id, key, erased, erased_at, reason }) => [
    name,
    {
      revision: Number(revision),
      key: key_id === null || key === null ? undefined : { id: key_id, bytes: bytesOf(key).slice() },
      erased: erasedOf(erased),
      erasedAt: erased_at ?? undefined,
      reason: reason ?? undefined,
    },
  ]);
}

function erasedOf(text: string): readonly string[] {
  try {
    return JSON.parse(text) as readonly string[];
  } catch (cause) {
    throw new ProtosourceError(
      "corrupt_record",
      "an entry of protosource_keys is damaged: restore the file from a copy, and erase again what was erased since",
      { key: "protosource_keys" },
      { cause },
    );
  }
}

function columnsOf(name: string, { revision, key, erased, erasedAt, reason }: KeyEntry) {
  return [
    name,
    BigInt(revision),
    key?.id ?? null,
    key?.bytes ?? null,
    JSON.stringify(erased),
    erasedAt ?? null,
    reason ?? null,
  ] as const;
}
