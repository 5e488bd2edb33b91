/** Nothing of a person is in the tables and files where the person's fields were stored, before and after it is forgotten. */
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { Repository, type RepositoryStore } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, dynamoDBKeyStore, ensureTables } from "protosource-es/dynamodb";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { createKeyring, isErased, type KeyStore } from "protosource-es/personal";
import { SqliteOpaqueStore, SqliteStore, sqliteKeyStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engines, freshTables } from "../engines.js";
import { definePerson, PersonQueries, personCommands } from "../gen/example/app/people/v1/people_v1_protosource.js";
import { drivers, testFolder } from "./sqlite/drivers.js";

const EMAIL = "ann.lee@example.org";
const secret = new TextEncoder().encode("a secret of the tests, long enough");
const people = definePerson({ unique: { email: ({ email }) => email } });

/** Stores a person and forgets it, and sees that `dump`, all that is stored beside the keys, stays as it is. */
async function forgetAnn(
  store: RepositoryStore & { readonly opaqueStore?: OpaqueStore | undefined },
  keys: KeyStore,
  dump: () => Promise<string>,
): Promise<void> {
  const keyring = createKeyring(keys, { secret });
  const repository = new Repository(people, store, { keyring, materialize: "transactional", compressThreshold: 0 });
  const as = { id: "p-1", actor: "clerk" };
  await repository.apply(personCommands.Register({ email: EMAIL, name: "Ann Lee", plan: "gold" }), as);
  const parcel = { parcelId: "b-1", recipientId: "p-1", address: { lines: ["Ann Lee", "Elm Road 1"] }, weight: 3n };
  await repository.apply(personCommands.Send({ parcel }), as);
  for (const plan of ["silver", "basic", "gold"]) await repository.apply(personCommands.ChangePlan({ plan }), as);
  const before = await dump();
  expect(before).toContain("gold");
  expect(before).not.toMatch(/Ann Lee|ann\.lee|Elm Road/);
  expect(await repository.load("p-1")).toMatchObject({ email: EMAIL, parcels: { "b-1": parcel } });
  await keyring.forget("p-1");
  const { version, ...person } = await repository.load("p-1");
  expect(person).toMatchObject({ email: "", name: "", plan: "gold", parcels: { "b-1": { weight: 3n } } });
  expect(version).toBe(6n);
  expect(isErased(person as never)).toBe(true);
  expect(person.parcels["b-1"]?.address).toBeUndefined();
  const queries = new PersonQueries(store.opaqueStore as OpaqueStore, keyring);
  expect((await queries.selectByEmail(EMAIL)).items).toEqual([]);
  expect((await queries.get("p-1"))?.name).toBe("");
  expect(await dump()).toBe(before);
}

test.each(drivers)("SQLite on $name, keys in a file of their own", async ({ driver }) => {
  const folder = testFolder();
  const database = folder.open("store.db", { driver });
  const store = new SqliteStore(database, { opaqueStore: new SqliteOpaqueStore(database) });
  const path = folder.path("store.db");
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dump = async () => {
    const files = readdirSync(join(path, "..")).filter((file) => file.startsWith(name) && !file.endsWith("-shm"));
    return files.map((file) => readFileSync(join(path, "..", file)).toString("latin1")).join("\n");
  };
  await forgetAnn(store, sqliteKeyStore(folder.open("keys.db", { driver })), dump);
  database.close();
  folder.remove();
});

describe.each(engines)("DynamoDB on $name", (engine) => {
  const names = { ...freshTables(), keysTable: `keys-${randomUUID()}` };
  let client: DynamoDBClient;
  beforeAll(async () => {
    client = engine.client();
    await ensureTables(client, names);
  });
  afterAll(() => client.destroy());

  test("keys in a table of their own", async () => {
    const opaqueStore = new DynamoDBOpaqueStore(client, { table: names.aggregatesTable });
    const store = new DynamoDBStore(client, { eventsTable: names.eventsTable, opaqueStore });
    const dump = async () => {
      const tables = [names.eventsTable, names.aggregatesTable].map(async (TableName) => {
        const { Items = [] } = await client.send(new ScanCommand({ TableName }));
        const show = (_name: string, value: unknown) =>
          value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value;
        return Items.map((item) => JSON.stringify(Object.entries(item).sort(), show)).sort();
      });
      return (await Promise.all(tables)).flat().join("\n");
    };
    await forgetAnn(store, dynamoDBKeyStore(client, { table: names.keysTable }), dump);
  });
});
