/** What the decoders make of bytes that nobody should have stored: a message or a typed error, at once. */
import { gzipSync } from "node:zlib";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { create, createRegistry, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { isProtosourceError } from "protosource-es";
import { type DynamoDBClientLike, DynamoDBOpaqueStore, DynamoDBStore } from "protosource-es/dynamodb";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { rehydrate } from "protosource-es/opaquedata";
import { OpaqueDataSchema, StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer, compress, decompress, jsonSerializer } from "protosource-es/serializer";
import { describe, expect, test } from "vitest";
import { failure } from "../failure.js";
import {
  file_example_app_order_v1_order_v1,
  ItemAddedSchema,
  OrderSchema,
} from "../gen/example/app/order/v1/order_v1_pb.js";

type Item = Record<string, AttributeValue>;

const registry = createRegistry(file_example_app_order_v1_order_v1);
const event = create(ItemAddedSchema, {
  id: "o-1",
  version: 3n,
  item: { itemId: "i", description: "é".repeat(200), priceCents: -1n },
});

/** A decoder, and something that it reads. */
const decoders = {
  "binary records": {
    valid: binarySerializer.serialize(ItemAddedSchema, event),
    read: (bytes: Uint8Array) => binarySerializer.deserialize(decompress(bytes, "key"), registry, "key"),
  },
  "compressed records": {
    valid: compress(binarySerializer.serialize(ItemAddedSchema, event), 1),
    read: (bytes: Uint8Array) => binarySerializer.deserialize(decompress(bytes, "key"), registry, "key"),
  },
  "JSON records": {
    valid: jsonSerializer.serialize(ItemAddedSchema, event),
    read: (bytes: Uint8Array) => jsonSerializer.deserialize(decompress(bytes, "key"), registry, "key"),
  },
  rows: {
    valid: compress(toBinary(OrderSchema, create(OrderSchema, { id: "o-1", items: { i: { quantity: 3 } } })), 1),
    read: (body: Uint8Array) => rehydrate(OrderSchema, create(OpaqueDataSchema, { pk: "pk", sk: "sk", body })),
  },
};

/** Bytes of which some were replaced, removed or put in. */
function mutated(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat({ max: valid.length }),
    remove: fc.nat({ max: 3 }),
    insert: fc.uint8Array({ maxLength: 3 }),
  });
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => {
    const bytes = [...valid];
    for (const { at, remove, insert } of edits) bytes.splice(at, remove, ...insert);
    return Uint8Array.from(bytes);
  });
}

describe.each(Object.entries(decoders))("%s", (_, { valid, read }) => {
  test("that are damaged, or something else, are read or refused with a typed error", () => {
    const outcomes = { read: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof(mutated(valid), fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          read(bytes);
          outcomes.read++;
        } catch (error) {
          expect(isProtosourceError(error, "corrupt_record") || isProtosourceError(error, "unhandled_event")).toBe(
            true,
          );
          outcomes.refused++;
        }
      }),
      { numRuns: 500 },
    );
    expect(outcomes.refused).toBeGreaterThan(0);
    expect(() => read(valid)).not.toThrow();
  });

  test("that unpack to more than the limit are refused before they fill the memory", () => {
    const bomb = gzipSync(new Uint8Array(200 * 1024 * 1024), { level: 9 });
    expect(bomb.length).toBeLessThan(400 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => read(bomb)).toThrow(expect.objectContaining({ code: "corrupt_record" }));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(128 * 1024 * 1024);
  });
});

describe("items", () => {
  /** A store before a table of items that it didn't write. */
  const before = (items: readonly Item[]) => {
    const answer = { Items: items, Item: items[0], Count: items.length };
    const client = { send: () => Promise.resolve(answer) } as unknown as DynamoDBClientLike;
    const opaqueStore = new DynamoDBOpaqueStore(client);
    return { opaqueStore, store: new DynamoDBStore(client, { opaqueStore }) };
  };
  /** The items that a save writes. */
  const saved = async (layout: "compatible" | "packed"): Promise<readonly Item[]> => {
    const sent: Item[] = [];
    const client = {
      send({
        input,
      }: {
        readonly input: { readonly Item?: Item; readonly TransactItems?: { Put?: { Item: Item } }[] };
      }) {
        sent.push(...[input.Item ?? [], (input.TransactItems ?? []).map(({ Put }) => Put?.Item ?? [])].flat(2));
        return Promise.resolve({ Items: [] });
      },
    } as unknown as DynamoDBClientLike;
    const opaqueStore = new DynamoDBOpaqueStore(client);
    const store = new DynamoDBStore(client, { opaqueStore, layout, fastPath: false });
    const records = [1n, 2n, 3n].map((version) =>
      create(StoredRecordSchema, { version, data: Buffer.from("data"), ttl: 4_000_000_000n }),
    );
    const row = create(OpaqueDataSchema, {
      pk: "pk",
      sk: "AGG",
      version: 3n,
      t: 4_000_000_000n,
      body: Buffer.from("body"),
    });
    const claims = [{ scope: "scope", value: "v", owner: "o", version: 3n, ttl: 4_000_000_000n }];
    await store.saveAll([{ aggregateId: "o", records }], { rows: [{ row }], claims });
    return sent;
  };
  const value = fc.oneof(
    fc.record({ S: fc.string({ unit: "binary", maxLength: 9 }) }),
    fc.record({ N: fc.oneof(fc.double().map(String), fc.bigInt().map(String), fc.string({ maxLength: 5 })) }),
    fc.record({ B: fc.uint8Array({ maxLength: 9 }) }),
    fc.constantFrom<AttributeValue>({ NULL: true }, { M: {} }, { L: [] }, { SS: ["1"] }, { N: "1E+30" }, { N: "-1" }),
    fc.constant(undefined),
  ) as fc.Arbitrary<AttributeValue | undefined>;
  const damaged = (item: Item): fc.Arbitrary<Item> => {
    const bytes = item["d"]?.B ?? item["body"]?.B;
    const name = fc.constantFrom(...Object.keys(item), "n", "m", "t", "version", "gsi1pk");
    const edits = fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 3 });
    const others = edits.map((edits) => {
      const kept = Object.entries({ ...item, ...Object.fromEntries(edits) }).filter(([, one]) => one !== undefined);
      return Object.fromEntries(kept) as Item;
    });
    if (bytes === undefined) return others;
    const key = item["d"] === undefined ? "body" : "d";
    return fc.oneof(
      others,
      mutated(bytes).map((B) => ({ ...item, [key]: { B } })),
    );
  };

  type Stores = ReturnType<typeof before>;
  const reads: readonly [string, (stores: Stores) => Promise<unknown>][] = [
    ["load", ({ store }) => store.load("o")],
    ["loadTail", ({ store }) => store.loadTail("o", 2)],
    ["scan", ({ store }) => store.scan()],
    ["findClaim", ({ store }) => store.findClaim("scope", "v")],
    ["get", ({ opaqueStore }) => opaqueStore.get({ pk: "pk", sk: "AGG" })],
    ["query", ({ opaqueStore }) => opaqueStore.query({ partition: "pk" })],
    ["scan of rows", ({ opaqueStore }) => opaqueStore.scan()],
  ];

  test.each(["compatible", "packed"] as const)("of the %s layout are read as they were written", async (layout) => {
    const items = await saved(layout);
    const { records } = await before(items.filter(({ d }) => d)).store.load("o");
    expect(records.map(({ version }) => version)).toEqual([1n, 2n, 3n]);
    expect(await before(items.filter(({ owner }) => owner)).store.findClaim("scope", "v")).toMatchObject({
      owner: "o",
    });
    expect(await before(items.filter(({ body }) => body)).opaqueStore.get({ pk: "pk", sk: "AGG" })).toBeDefined();
  });

  test.each(reads)("that are damaged, or of another program, are read or refused: %s", async (_, read) => {
    const items = [...(await saved("compatible")), ...(await saved("packed"))];
    const outcomes = { read: 0, refused: 0 };
    const any = fc.constantFrom(...items).chain(damaged);
    await fc.assert(
      fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 3 }), async (found) => {
        // Streams that look torn are read again, which takes a while.
        const whole = found.map(({ m, ...item }): Item => (m === undefined || Number(m.N) > 0 ? item : { m, ...item }));
        try {
          await read(before(whole));
          outcomes.read++;
        } catch (error) {
          const isTyped = isProtosourceError(error, "corrupt_record") || isProtosourceError(error, "corrupt_stream");
          if (!isTyped) throw error;
          outcomes.refused++;
        }
      }),
      { numRuns: 300 },
    );
    expect(outcomes.read).toBeGreaterThan(0);
  });
});

describe("a packed item that holds millions of records", () => {
  const before = (n: number, history: Uint8Array): DynamoDBStore => {
    const item = { v: { N: "1" }, n: { N: String(n) }, d: { B: gzipSync(history) } };
    return new DynamoDBStore({ send: async () => ({ Items: [item] }) } as unknown as DynamoDBClientLike);
  };

  test("and says two is refused before one of them is made", async () => {
    const empty = Buffer.alloc(2 * 4_000_000);
    for (let at = 0; at < empty.length; at += 2) empty[at] = 10;
    const store = before(2, empty);
    const mostBefore = process.resourceUsage().maxRSS;
    expect(await failure(store.load("id"))).toMatchObject({ code: "corrupt_record" });
    const grown = process.resourceUsage().maxRSS - mostBefore;
    expect(grown).toBeLessThan(150 * 1024);
  });

  test("and says so is refused where no writer packs as many", async () => {
    const count = 1_700_000;
    expect(await failure(before(count, numbered(count)).load("id"))).toMatchObject({ code: "corrupt_record" });
  });
});

/** The bytes of a history of so many records, with a version each, in three bytes at most. */
function numbered(count: number): Uint8Array {
  const history = Buffer.alloc(6 * count);
  let at = 0;
  for (let version = 1; version <= count; version++) {
    const length = version < 2 ** 7 ? 1 : version < 2 ** 14 ? 2 : 3;
    history.set([10, length + 1, 8], at);
    at += 3;
    for (let i = 0; i < length; i++) history[at++] = ((version >> (7 * i)) & 127) | (i < length - 1 ? 128 : 0);
  }
  return history.subarray(0, at);
}

test("an Any of a type that isn't registered is named, and nothing is made of it", () => {
  const any = toBinary(AnySchema, anyPack(OpaqueDataSchema, create(OpaqueDataSchema, { pk: "x" })));
  expect(() => binarySerializer.deserialize(any, registry, "key")).toThrow(
    expect.objectContaining({ code: "unhandled_event", details: { typeName: OpaqueDataSchema.typeName } }),
  );
});

test("JSON can't change the prototype of anything", () => {
  fc.assert(
    fc.property(fc.constantFrom("__proto__", "constructor", "prototype", "toString"), fc.jsonValue(), (name, value) => {
      const hostile = `{"@type":"type.googleapis.com/${ItemAddedSchema.typeName}","${name}":${JSON.stringify(value)}}`;
      expect(() => jsonSerializer.deserialize(new TextEncoder().encode(hostile), registry, "key")).toThrow(
        expect.objectContaining({ code: "corrupt_record" }),
      );
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
  );
});

describe("cursors", () => {
  const store = new MemoryStore();
  const rows = new MemoryOpaqueStore();
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.base64String({ maxLength: 80 }),
    fc.json().map((json) => Buffer.from(json).toString("base64url")),
  );

  test.each([
    ["of a query", (cursor: string) => rows.query({ partition: "p", cursor })],
    ["of an index", (cursor: string) => rows.query({ index: 3, partition: "p", cursor })],
    ["of a scan of records", (cursor: string) => store.scan({ cursor })],
    ["of a scan of rows", (cursor: string) => rows.scan({ cursor })],
  ] as const)("%s that nobody made are invalid_argument", async (_, read) => {
    await fc.assert(
      fc.asyncProperty(text, async (cursor) => {
        const error = await failure(read(cursor));
        expect(isProtosourceError(error, "invalid_argument") && error.details.argument).toBe("cursor");
      }),
    );
  });
});

test("no query of one tenant gives a row of another, whatever their names", async () => {
  const name = fc.oneof(
    fc.constantFrom("a", "a#", "a#b", "#", "NA", "\u0000", "é", "e\u0301"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 8 }),
  );
  const wellFormed = name.filter((text) => !/\p{Surrogate}/u.test(text));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(wellFormed, { minLength: 2, maxLength: 5 }), wellFormed, async (tenants, sk) => {
      const rows = new MemoryOpaqueStore();
      for (const tenant of tenants) {
        await rows.put(
          create(OpaqueDataSchema, {
            pk: tenant,
            sk: "AGG",
            gsi1pk: `t#${tenant}`,
            gsi1sk: sk,
            body: Buffer.from(tenant),
          }),
        );
      }
      for (const tenant of tenants) {
        for (const query of [{ partition: tenant }, { index: 1, partition: `t#${tenant}` }] as const) {
          const { rows: found } = await rows.query(query);
          expect(found.map(({ body }) => Buffer.from(body).toString())).toEqual([tenant]);
        }
      }
    }),
  );
});
