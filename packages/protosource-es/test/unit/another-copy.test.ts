/** A transaction whose place of rows was made by another copy of the package. */
import { create } from "@bufbuild/protobuf";
import { type DynamoDBClientLike, DynamoDBStore } from "protosource-es/dynamodb";
import { MemoryStore } from "protosource-es/memory";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { OpaqueDataSchema, StoredRecordSchema } from "protosource-es/proto";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { expect, test } from "vitest";
import { failure } from "../failure.js";

/** What a class of this name of another copy makes, as far as it is looked at. */
function elsewhere(name: string): OpaqueStore {
  return { constructor: { name } } as unknown as OpaqueStore;
}

const client = { send: async () => ({ Items: [] }) } as unknown as DynamoDBClientLike;

test.each([
  ["DynamoDBOpaqueStore", (opaqueStore: OpaqueStore) => new DynamoDBStore(client, { opaqueStore })],
  ["MemoryOpaqueStore", (opaqueStore: OpaqueStore) => new MemoryStore({ opaqueStore })],
  ["SqliteOpaqueStore", (opaqueStore: OpaqueStore) => new SqliteStore(openSqlite(":memory:"), { opaqueStore })],
])("is refused for that, where it is a %s", async (name, storeWith) => {
  const row = create(OpaqueDataSchema, { pk: "pk", sk: "AGG" });
  const writes = [{ aggregateId: "id", records: [create(StoredRecordSchema, { version: 1n })] }];
  const save = (opaqueStore: OpaqueStore): Promise<unknown> =>
    failure(storeWith(opaqueStore).saveAll(writes, { rows: [{ row }] }));
  const expected = { code: "invalid_argument", message: expect.stringContaining("another copy") };
  expect(await save(elsewhere(name))).toMatchObject(expected);
  expect(await save(elsewhere("OwnStore"))).not.toMatchObject(expected);
});

test("a packed save that would leave a gap isn't told that its version exists", async () => {
  const store = new DynamoDBStore(client, { layout: "packed" });
  expect(await failure(store.save("id", [create(StoredRecordSchema, { version: 11n })]))).toMatchObject({
    code: "version_conflict",
    message: expect.stringContaining("ends at 0"),
  });
});
