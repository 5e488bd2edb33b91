/** Taking the damaged end off a stream: only what was seen goes, the last of it first. */
import {
  type AttributeValue,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { isProtosourceError, type ScannableStore } from "protosource-es";
import { DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { engines, freshTables } from "../engines.js";
import { failure } from "../failure.js";
import { drivers, testFolder } from "./sqlite/drivers.js";

const record = (version: number, size = 1): StoredRecord =>
  create(StoredRecordSchema, { version: BigInt(version), data: new Uint8Array(size).fill(version) });
const run = (from: number, to: number, size?: number): StoredRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => record(from + i, size));
const versions = (records: readonly StoredRecord[]): number[] => records.map(({ version }) => Number(version));

/** All that a stream holds, as a scan finds it. */
async function stored(store: ScannableStore, aggregateId: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.scan({ aggregateId, cursor });
    records.push(...page.records.map(({ record }) => record));
    cursor = page.cursor;
    if (cursor === undefined) return records;
  }
}

describe.each(engines)("cutDamagedEnd on $name", (engine) => {
  const { eventsTable, aggregatesTable } = freshTables();
  let client: DynamoDBClient;
  let store: DynamoDBStore;
  let packed: DynamoDBStore;
  let ids = 0;
  let id: string;

  const key = (version: number): Record<string, AttributeValue> => ({ a: { S: id }, v: { N: `${version}` } });
  const put = (version: number, data: Uint8Array): Promise<unknown> =>
    client.send(new PutItemCommand({ TableName: eventsTable, Item: { ...key(version), d: { B: data } } }));
  const remove = (version: number): Promise<unknown> =>
    client.send(new DeleteItemCommand({ TableName: eventsTable, Key: key(version) }));

  beforeAll(async () => {
    client = engine.client();
    await ensureTables(client, { eventsTable, aggregatesTable });
    store = new DynamoDBStore(client, { eventsTable });
    packed = new DynamoDBStore(client, { eventsTable, layout: "packed" });
  });
  afterAll(() => client.destroy());
  beforeEach(() => {
    id = `cut#${ids++}`;
  });

  it("deletes what lies behind a gap, and nothing else", async () => {
    for (const save of [run(1, 2), run(3, 3), run(4, 6)]) await store.save(id, save);
    await remove(3);
    const behind = (await stored(store, id)).slice(2);
    expect(versions(behind)).toEqual([4, 5, 6]);
    await store.cutDamagedEnd(id, behind);
    expect(versions((await store.load(id)).records)).toEqual([1, 2]);
    await store.save(id, [record(3)]);
  });

  it("deletes packed items, and single ones that overlap them", async () => {
    await packed.save(id, [record(1)]);
    await packed.save(id, run(2, 4));
    await put(3, Uint8Array.of(9));
    const behind = (await stored(store, id)).slice(1);
    expect(versions(behind)).toEqual([2, 3, 4, 3]);
    await store.cutDamagedEnd(id, behind);
    expect(versions((await store.load(id)).records)).toEqual([1]);
  });

  it("refuses a part of a packed item, and records that aren't the last ones", async () => {
    await packed.save(id, [record(1)]);
    await packed.save(id, run(2, 4));
    for (const wrong of [run(3, 4), run(1, 3), [record(1)], run(5, 6)]) {
      expect(isProtosourceError(await failure(store.cutDamagedEnd(id, wrong)), "version_conflict")).toBe(true);
    }
    expect(versions((await store.load(id)).records)).toEqual([1, 2, 3, 4]);
  });

  it("refuses when a record was changed or appended meanwhile", async () => {
    await store.save(id, run(1, 3));
    const seen = await stored(store, id);
    await put(2, Uint8Array.of(7));
    expect(isProtosourceError(await failure(store.cutDamagedEnd(id, seen)), "version_conflict")).toBe(true);
    const changed = await stored(store, id);
    await store.save(id, [record(4)]);
    expect(isProtosourceError(await failure(store.cutDamagedEnd(id, changed)), "version_conflict")).toBe(true);
    expect(versions(await stored(store, id))).toEqual([1, 2, 3, 4]);
  });

  it.each(["changed", "appended", "of another save"])(
    "refuses what is %s between its look and its delete",
    async (how) => {
      await store.save(id, run(1, 3));
      const seen = await stored(store, id);
      let looks = 0;
      const racing = new DynamoDBStore(
        {
          send: async (command: unknown, options: unknown) => {
            const output = await (client as unknown as { send(...all: unknown[]): Promise<unknown> }).send(
              command,
              options,
            );
            if (command instanceof QueryCommand && looks++ === 0) {
              if (how === "changed") await put(3, Uint8Array.of(8));
              else if (how === "appended") await put(4, Uint8Array.of(4));
              else {
                const UpdateExpression = "SET c = :c";
                const ExpressionAttributeValues = { ":c": { B: Uint8Array.of(1) } };
                const update = { TableName: eventsTable, Key: key(1), UpdateExpression, ExpressionAttributeValues };
                await client.send(new UpdateItemCommand(update));
              }
            }
            return output;
          },
        } as unknown as DynamoDBClient,
        { eventsTable, fastPath: false },
      );
      const error = await failure(racing.cutDamagedEnd(id, seen));
      expect(isProtosourceError(error, "version_conflict")).toBe(true);
      expect(versions(await stored(store, id)).slice(0, 3)).toEqual([1, 2, 3]);
    },
  );

  it("goes from the end on in several transactions, and can be gone on with", async () => {
    for (const save of [run(1, 99), run(100, 100), run(101, 350)]) await store.save(id, save);
    await remove(100);
    const behind = (await stored(store, id)).slice(99);
    const controller = new AbortController();
    const stopping = new DynamoDBStore(client, {
      eventsTable,
      onRequest: ({ operation }) => {
        if (operation === "TransactWriteItems") controller.abort();
      },
    });
    const error = await failure(stopping.cutDamagedEnd(id, behind, { signal: controller.signal }));
    expect(isProtosourceError(error, "cancelled")).toBe(true);
    const left = (await stored(store, id)).slice(99);
    expect(versions(left)).toEqual(versions(run(101, 251)));
    expect(isProtosourceError(await failure(store.load(id)), "corrupt_stream")).toBe(true);
    await store.cutDamagedEnd(id, left);
    expect(versions((await store.load(id)).records)).toEqual(versions(run(1, 99)));
  });

  it("deletes large items in as many transactions as it takes", async () => {
    await store.save(id, run(1, 12, 390_000));
    const all = await stored(store, id);
    expect(all).toHaveLength(12);
    await store.cutDamagedEnd(id, all);
    expect(await stored(store, id)).toEqual([]);
  });

  it("leaves what can't be read", async () => {
    await store.save(id, run(1, 2));
    const seen = await stored(store, id);
    await client.send(new PutItemCommand({ TableName: eventsTable, Item: { ...key(3), d: { S: "text" } } }));
    expect(isProtosourceError(await failure(store.cutDamagedEnd(id, seen)), "corrupt_record")).toBe(true);
    await remove(3);
    expect(versions((await store.load(id)).records)).toEqual([1, 2]);
  });

  it("refuses no records", async () => {
    expect(isProtosourceError(await failure(store.cutDamagedEnd(id, [])), "invalid_argument")).toBe(true);
  });
});

describe.each(drivers)("cutDamagedEnd on $name", ({ driver }) => {
  const folder = testFolder();
  afterAll(() => folder.remove());

  it("deletes what lies behind a gap, and refuses what isn't as it was", async () => {
    const database = folder.open("store.db", { driver });
    const store = new SqliteStore(database);
    for (const id of ["a#1", "a#2", "a#3"]) await store.save(id, run(1, 5));
    database.exec("DELETE FROM protosource_events WHERE stream = 'a#2' AND version = 3");
    const behind = (await stored(store, "a#2")).slice(2);
    expect(versions(behind)).toEqual([4, 5]);
    const wrongs = [[record(4), record(5, 2)], [record(4)], [...behind, record(6)], run(3, 5)];
    for (const wrong of wrongs) {
      expect(isProtosourceError(await failure(store.cutDamagedEnd("a#2", wrong)), "version_conflict")).toBe(true);
    }
    expect(isProtosourceError(await failure(store.cutDamagedEnd("a#2", [])), "invalid_argument")).toBe(true);
    expect(await stored(store, "a#2")).toHaveLength(4);
    await store.cutDamagedEnd("a#2", behind);
    expect(versions((await store.load("a#2")).records)).toEqual([1, 2]);
    for (const id of ["a#1", "a#3"]) expect((await store.load(id)).records).toHaveLength(5);
  });
});
