/** Streams and rows in an SQLite file, on libsql, better-sqlite3 or `node:sqlite`: the embedded default. */
export { provideOpaqueStore, providerSet, provideStore, SQLITE_DATABASE } from "./providers.js";
export {
  type OpenSqliteOptions,
  openSqlite,
  type SqliteDatabase,
  type SqliteStatement,
  type SqliteValue,
} from "./sqlite-database.js";
export { sqliteKeyStore } from "./sqlite-key-store.js";
export { SqliteOpaqueStore, type SqliteOpaqueStoreOptions } from "./sqlite-opaque-store.js";
export { SqliteStore, type SqliteStoreOptions } from "./sqlite-store.js";
