import {
  openSqlite,
  provideOpaqueStore,
  providerSet,
  provideStore,
  SQLITE_DATABASE,
  SqliteOpaqueStore,
  SqliteStore,
} from "protosource-es/sqlite";
import { expect, test } from "vitest";

/** A container of a few lines: what the providers must be fit for. */
function resolve(token: unknown, made: Map<unknown, unknown>): unknown {
  if (made.has(token)) return made.get(token);
  const provider = providerSet.find(({ provide }) => provide === token);
  if (!provider) throw new Error(`nothing provides ${String(token)}`);
  const value =
    "useExisting" in provider
      ? resolve(provider.useExisting, made)
      : Reflect.apply(
          provider.useFactory,
          undefined,
          provider.inject.map((dependency) => resolve(dependency, made)),
        );
  made.set(token, value);
  return value;
}

test("the provider set gives one store under all of its tokens, over one OpaqueStore on the database", () => {
  const database = openSqlite(":memory:");
  const made = new Map<unknown, unknown>([[SQLITE_DATABASE, database]]);
  const [opaqueStore, ...stores] = [
    "protosource-es/opaque-store",
    "protosource-es/store",
    "protosource-es/snapshot-tail-store",
    "protosource-es/aggregate-store",
  ].map((name) => resolve(Symbol.for(name), made));
  expect(opaqueStore).toBeInstanceOf(SqliteOpaqueStore);
  expect((opaqueStore as SqliteOpaqueStore).database).toBe(database);
  const store = resolve(SqliteStore, made) as SqliteStore;
  expect(store).toBeInstanceOf(SqliteStore);
  expect(store.opaqueStore).toBe(opaqueStore);
  for (const one of stores) expect(one).toBe(store);
  database.close();
});

test("the factories can be called by hand", () => {
  const database = openSqlite(":memory:");
  const opaqueStore = provideOpaqueStore(database);
  expect(provideStore(database, opaqueStore).opaqueStore).toBe(opaqueStore);
  database.close();
});
