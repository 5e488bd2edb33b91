/** A program that uses the package, to be run in each way in which programs are packed. Prints what it did. */
import { create } from "@bufbuild/protobuf";
import { isProtosourceError } from "protosource-es";
import { StoredRecordSchema } from "protosource-es/proto";
import { openSqlite, type SqliteDatabase, SqliteStore } from "protosource-es/sqlite";

/** The path of a driver's module, or nothing for the one that is installed. */
const [module] = process.argv.slice(2);

async function main(): Promise<void> {
  const driver = module === undefined ? undefined : await driverOf(module);
  const database = openSqlite(":memory:", { driver });
  const store = new SqliteStore(database);
  await store.save("a", [create(StoredRecordSchema, { version: 1n })]);
  const { records } = await store.load("a");
  console.log(`loaded ${records.length}`);
  database.close();
}

async function driverOf(module: string): Promise<(path: string) => SqliteDatabase> {
  const { default: Database } = (await import(module)) as { readonly default: new (path: string) => SqliteDatabase };
  return (path) => new Database(path);
}

main().catch((error: unknown) => {
  console.log(isProtosourceError(error, "not_configured") ? error.message : error);
});
