/** What the decoders make of bytes that nobody should have stored: a message or a typed error, at once. */
import { gzipSync } from "node:zlib";
import { create, createRegistry, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { isProtosourceError } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { rehydrate } from "protosource-es/opaquedata";
import { OpaqueDataSchema } from "protosource-es/proto";
import { binarySerializer, compress, decompress, jsonSerializer } from "protosource-es/serializer";
import { describe, expect, test } from "vitest";
import { failure } from "../failure.js";
import {
  file_example_app_order_v1_order_v1,
  ItemAddedSchema,
  OrderSchema,
} from "../gen/example/app/order/v1/order_v1_pb.js";

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
