import { create } from "@bufbuild/protobuf";
import { DynamoDBOpaqueStore, ensureTables } from "protosource-es/dynamodb";
import { MemoryOpaqueStore } from "protosource-es/memory";
import {
  autoPKSK,
  encodeCursor,
  type GsiNumber,
  type OpaqueStore,
  opaqueDataFromMessage,
  type PageOptions,
  queryClient,
} from "protosource-es/opaquedata";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engines, freshTables } from "../engines.js";
import { Kind, SampleSchema, TodoSchema } from "../gen/example/app/keys/v1/keys_v1_pb.js";
import { expectRanges } from "../ordered-readings.js";
import { sample } from "../unit/opaquedata/samples.js";

const numbers = [-(2n ** 63n), -500n, -50n, -5n, 0n, 7n, 10n, 99n, 100n, 1000n, 2n ** 53n + 1n, 2n ** 63n - 1n];
const texts = ["", "a", "a#region#7", "ab", "é", "\uffff", "\u{10000}", "b"];

const samples = numbers.map((int64Value, i) => {
  const stringValue = texts[i % texts.length] ?? "";
  const createAt = 1_795_351_177_816_750n + BigInt(i);
  const rest = { constructor$: "c", region: i % 3, kind: Kind.LARGE, floatValue: i / 3 };
  return sample({ id: `s${i}`, bucket: "b#", int64Value, stringValue, createAt, ...rest });
});

/** Queries that use each kind of condition: index, partition, options. */
const queries: readonly (readonly [number, object, object])[] = [
  [4, { bucket: "b#" }, {}],
  [4, { bucket: "b#" }, { int64Value: { ge: -50n } }],
  [4, { bucket: "b#" }, { int64Value: { le: 1000n } }],
  [4, { bucket: "b#" }, { int64Value: { between: [8n, 2n ** 60n] } }],
  [4, { bucket: "b#" }, { int64Value: { lt: 0n } }],
  [4, { bucket: "b#" }, { int64Value: { eq: 2n ** 53n + 1n } }],
  [14, { bucket: "b#" }, { stringValue: { gt: "a" } }],
  [14, { bucket: "b#" }, { stringValue: { lt: "" } }],
  [14, { bucket: "b#" }, { stringValue: { between: ["a", "\uffff"] } }],
  [14, { bucket: "b#" }, { stringValue: { beginsWith: "a" } }],
  [2, { bucket: "b#" }, { floatValue: { eq: 1 / 3 } }],
  [16, { bucket: "b#" }, { createAt: { gt: 1_795_351_177_816_753n } }],
  [18, { constructor$: "c", region: 1 }, { kind: Kind.LARGE }],
  [18, { constructor$: "c", region: 1 }, { kind: Kind.LARGE, int64Value: { gt: -100n } }],
  [20, { constructor$: "c" }, { stringValue: "a" }],
  [20, { constructor$: "c" }, { stringValue: "a", region: { ge: 0 } }],
];

function sortKeyOf(index: number, id: string): string | undefined {
  const found = samples.find((one) => one.id === id);
  return found && autoPKSK(SampleSchema)[`gsi${index as GsiNumber}sk`](found);
}

/** The ids that a query gives, page by page. */
async function pagesOf(
  store: OpaqueStore,
  [index, partition, options]: (typeof queries)[number],
  page: PageOptions,
): Promise<string[]> {
  const client = queryClient(SampleSchema, store);
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const { items, cursor: next } = await client.select(index as GsiNumber, partition as { bucket: string }, {
      ...options,
      ...page,
      cursor,
    });
    ids.push(...items.map(({ id }) => id));
    const last = items.at(-1);
    if (next !== undefined) {
      expect(last && encodeCursor(index as GsiNumber, opaqueDataFromMessage(SampleSchema, last))).toBe(next);
    }
    cursor = next;
  } while (cursor !== undefined);
  return ids;
}

describe.each(engines)("queries by fields on $name", (engine) => {
  const client = engine.client();
  const { eventsTable, aggregatesTable } = freshTables();
  const store = new DynamoDBOpaqueStore(client, { table: aggregatesTable });
  const memory = new MemoryOpaqueStore();

  beforeAll(async () => {
    await ensureTables(client, { eventsTable, aggregatesTable });
    for (const one of samples) {
      await store.put(opaqueDataFromMessage(SampleSchema, one));
      await memory.put(opaqueDataFromMessage(SampleSchema, one));
    }
  });
  afterAll(() => client.destroy());

  test.each(queries)("find in index %i %o by %o what they find in memory, in pages of any size", async (...query) => {
    const [index] = query;
    for (const page of [{}, { reverse: true }, { limit: 1 }, { limit: 5, reverse: true }]) {
      const found = await pagesOf(store, query, page);
      const expected = await pagesOf(memory, query, page);
      expect(found.toSorted()).toEqual(expected.toSorted());
      // Each engine has an order of its own for rows of one sort key.
      expect(found.map((id) => sortKeyOf(index, id))).toEqual(expected.map((id) => sortKeyOf(index, id)));
    }
  });

  test("find numbers in their order", async () => {
    const found = await pagesOf(store, [4, { bucket: "b#" }, { int64Value: { ge: -(2n ** 63n) } }], { limit: 5 });
    expect(found).toEqual(samples.map(({ id }) => id));
    expect(await pagesOf(store, [4, { bucket: "b#" }, {}], { limit: 5 })).toEqual(found);
  });

  test("find a range of numbers that sort as such by one query", () => expectRanges(store));

  test("find a row in a sparse index while it has what that needs", async () => {
    const todos = queryClient(TodoSchema, store);
    const found: number[] = [];
    for (const dueAt of [0n, 5n, 0n]) {
      await store.put(opaqueDataFromMessage(TodoSchema, create(TodoSchema, { name: "n", owner: "ann", dueAt })));
      const [dated, all] = [await todos.select(2, { owner: "ann" }), await todos.select(1, { owner: "ann" })];
      found.push(dated.items.length, all.items.length);
    }
    expect(found).toEqual([0, 1, 1, 1, 0, 1]);
  });
});
