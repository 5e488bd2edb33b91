/** The key store of an address. */
import { existsSync } from "node:fs";
import type { ObservedRequest } from "protosource-es/dynamodb";
import type { KeyStore } from "protosource-es/personal";
import type { SqliteDatabase } from "protosource-es/sqlite";
import { usageError } from "./failure.js";
import { openClient, openForLook } from "./open-store.js";
import { parseStoreUrl } from "./store-url.js";

/** A key store, and what gives back what it holds open. */
export interface OpenKeyStore {
  readonly store: KeyStore;
  readonly close: () => void;
}

export interface OpenKeyStoreOptions {
  /** Opens an SQLite file so that nothing can change it. */
  readonly readOnly?: boolean | undefined;
  /** Is told of each request to DynamoDB. */
  readonly onRequest?: ((request: ObservedRequest) => void) | undefined;
}

/** Opens a key store: `sqlite:keys.db`, or `dynamodb:?region=…&keys=keys`. Throws `invalid_argument`. */
export async function openKeyStore(
  url: string,
  { readOnly = false, onRequest }: OpenKeyStoreOptions = {},
): Promise<OpenKeyStore> {
  const location = parseStoreUrl(url);
  if (location.kind === "sqlite") {
    if (!existsSync(location.path))
      throw usageError("--keys", `there is no file ${location.path}: give that of the keys`);
    const { openSqlite, sqliteKeyStore } = await import("protosource-es/sqlite");
    const database = readOnly ? await openKeysForLook(location.path) : openSqlite(location.path);
    return { store: sqliteKeyStore(database), close: () => database.close() };
  }
  const { dynamoDBKeyStore } = await import("protosource-es/dynamodb");
  const client = await openClient(location);
  return { store: dynamoDBKeyStore(client, { table: location.keysTable, onRequest }), close: () => client.destroy() };
}

/** Opens a file of keys without a change to it. One without their table would be given it by the store. */
async function openKeysForLook(path: string): Promise<SqliteDatabase> {
  const database = await openForLook(path);
  try {
    const tables = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'protosource_keys'").all();
    if (tables.length > 0) return database;
  } catch (cause) {
    database.close();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError("--keys", `${path} can't be read (${reason}): give the file of the keys`, cause);
  }
  database.close();
  throw usageError("--keys", `${path} is an SQLite file without keys: give that of the keys`);
}
