/** The providers of this backend, for NestJS and containers like it. */
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import { AGGREGATE_STORE, OPAQUE_STORE, type Provider, SNAPSHOT_TAIL_STORE, STORE } from "../store/provider.js";
import type { SqliteDatabase } from "./sqlite-database.js";
import { SqliteOpaqueStore } from "./sqlite-opaque-store.js";
import { SqliteStore } from "./sqlite-store.js";

/** Stands for the database, which the application provides: `openSqlite("…")`. */
export const SQLITE_DATABASE: unique symbol = Symbol.for("protosource-es/sqlite-database");

/** Makes the store of rows. */
export function provideOpaqueStore(database: SqliteDatabase): SqliteOpaqueStore {
  return new SqliteOpaqueStore(database);
}

/** Makes the store of streams. */
export function provideStore(database: SqliteDatabase, opaqueStore: OpaqueStore): SqliteStore {
  return new SqliteStore(database, { opaqueStore });
}

/**
 * Everything that a container needs for this backend, beside the database, which the application provides. `STORE`,
 * `SNAPSHOT_TAIL_STORE` and `AGGREGATE_STORE` are one and the same store.
 */
export const providerSet: Provider[] = [
  { provide: OPAQUE_STORE, useFactory: provideOpaqueStore, inject: [SQLITE_DATABASE] },
  { provide: SqliteStore, useFactory: provideStore, inject: [SQLITE_DATABASE, OPAQUE_STORE] },
  { provide: STORE, useExisting: SqliteStore },
  { provide: SNAPSHOT_TAIL_STORE, useExisting: SqliteStore },
  { provide: AGGREGATE_STORE, useExisting: SqliteStore },
];
