import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { MemoryOpaqueStore } from "protosource-es/memory";
import {
  encodeCursor,
  type OpaqueQuery,
  type OpaqueStore,
  opaqueDataFromMessage,
  type PageOptions,
  queryClient,
} from "protosource-es/opaquedata";
import { describe, expect, test } from "vitest";
import {
  BagSchema,
  CreateSchema,
  Kind,
  MarkerSchema,
  SampleLabelSchema,
  SampleSchema,
  SettingSchema,
} from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { type Test, TestSchema } from "../../gen/example/app/test/v1/test_v1_pb.js";
import { sample } from "./samples.js";

/** Makes a store that holds messages. */
async function storeOf<D extends DescMessage>(schema: D, messages: readonly MessageShape<D>[]): Promise<OpaqueStore> {
  const store = new MemoryOpaqueStore();
  for (const message of messages) await store.put(opaqueDataFromMessage(schema, message));
  return store;
}

/** Makes a store that notes the queries it gets. */
function watched(store: OpaqueStore): { readonly store: OpaqueStore; readonly queries: OpaqueQuery[] } {
  const queries: OpaqueQuery[] = [];
  const query: OpaqueStore["query"] = (given) => {
    queries.push(given);
    return store.query(given);
  };
  return { queries, store: { put: store.put, get: (...given) => store.get(...given), delete: store.delete, query } };
}

/** The ids that a query gives, over all its pages. */
async function idsOf(items: AsyncIterable<{ readonly id: string }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of items) ids.push(id);
  return ids;
}

const card = (id: string, init: MessageInitShape<typeof TestSchema>): Test => create(TestSchema, { ...init, id });

describe("get", () => {
  const store = storeOf(SampleSchema, [sample({ id: "a", bucket: "x" })]);

  test("reads the message of an id", async () => {
    const samples = queryClient(SampleSchema, await store);
    expect((await samples.get("a"))?.bucket).toBe("x");
    expect((await samples.get({ id: "a" }))?.bucket).toBe("x");
    expect(await samples.get("b")).toBeUndefined();
  });

  test("reads a projection beside its aggregate", async () => {
    const both = await storeOf(SampleSchema, [sample({ id: "a" })]);
    await both.put(opaqueDataFromMessage(SampleLabelSchema, create(SampleLabelSchema, { id: "a", bucket: "y" })));
    expect((await queryClient(SampleLabelSchema, both).get("a"))?.bucket).toBe("y");
    expect((await queryClient(SampleSchema, both).get("a"))?.bucket).toBe("");
  });

  test("doesn't give a message of other fields that make the same key", async () => {
    const held = create(SettingSchema, { scope: "a#name#b", name: "c", revision: 1n });
    const settings = queryClient(SettingSchema, await storeOf(SettingSchema, [held]));
    expect(await settings.get({ scope: "a#name#b", name: "c", revision: 1n })).toEqual(held);
    expect(await settings.get({ scope: "a", name: "b#name#c", revision: 1n })).toBeUndefined();
  });

  test("tells lists apart that are spelled alike", async () => {
    const held = create(BagSchema, { blob: new Uint8Array([1]), words: ["a b"] });
    const bags = queryClient(BagSchema, await storeOf(BagSchema, [held]));
    expect(await bags.get({ blob: new Uint8Array([1]), words: ["a b"] })).toEqual(held);
    expect(await bags.get({ blob: new Uint8Array([1]), words: ["a", "b"] })).toBeUndefined();
  });

  test("passes its options to the store", async () => {
    const samples = queryClient(SampleSchema, await store);
    await expect(samples.get("a", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
  });

  test("refuses an empty id", async () => {
    await expect(queryClient(SampleSchema, await store).get("")).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("a partition", () => {
  test("is read in pages that continue each other", async () => {
    const ids = ["a", "b", "c", "d", "e"];
    const store = await storeOf(
      TestSchema,
      ids.map((id) => card(id, { color: "red", shape: id })),
    );
    const tests = queryClient(TestSchema, store);
    const first = await tests.select(1, { color: "red" }, { limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(["a", "b"]);
    const rest = await tests.select(1, { color: "red" }, { cursor: first.cursor });
    expect(rest.items.map(({ id }) => id)).toEqual(["c", "d", "e"]);
    expect(rest.cursor).toBeUndefined();
    const last = await tests.select(1, { color: "red" }, { limit: 2, reverse: true });
    expect(last.items.map(({ id }) => id)).toEqual(["e", "d"]);
    expect(await idsOf(tests.each(1, { color: "red" }, { limit: 4 }))).toEqual(["a", "b", "c", "d"]);
  });

  test("of the table holds the rows of its own message only", async () => {
    const store = await storeOf(SampleSchema, [sample({ id: "a" })]);
    await store.put(opaqueDataFromMessage(SampleLabelSchema, create(SampleLabelSchema, { id: "a", bucket: "y" })));
    const { items } = await queryClient(SampleLabelSchema, store).select(0, { id: "a" });
    expect(items.map(({ bucket }) => bucket)).toEqual(["y"]);
  });

  test("of the table is sorted by the fields of the sort key", async () => {
    const revisions = [1n, 2n, 10n, 20n, 100n];
    const settings = revisions.map((revision) => create(SettingSchema, { scope: "a", name: "b", revision }));
    const client = queryClient(SettingSchema, await storeOf(SettingSchema, settings));
    const { items } = await client.select(0, { scope: "a", name: "b" }, {
      revision: { ge: 2n },
      reverse: true,
      limit: 3,
      consistent: true,
    } as PageOptions);
    expect(items.map(({ revision }) => revision)).toEqual([100n, 20n, 10n]);
  });

  test("isn't left open by values that make the same key", async () => {
    const mine = card("mine", { number: "1#shading#2", shading: "3" });
    const other = card("other", { number: "1", shading: "2#shading#3" });
    const store = await storeOf(TestSchema, [mine, other]);
    const rows = await store.query({ index: 3, partition: "example_app_test_v1#test#number#1#shading#2#shading#3" });
    expect(rows.rows).toHaveLength(2);
    const tests = queryClient(TestSchema, store);
    for (const limit of [undefined, 1, 2]) {
      expect(await idsOf(tests.each(3, { number: "1#shading#2", shading: "3" }, { limit }))).toEqual(["mine"]);
      expect(await idsOf(tests.each(3, { number: "1", shading: "2#shading#3" }, { limit }))).toEqual(["other"]);
    }
    // The limit counts what is returned.
    expect((await tests.select(3, { number: "1", shading: "2#shading#3" }, { limit: 1 })).items).toHaveLength(1);
  });

  test("gives nobody another's messages, and everybody all of his own", async () => {
    const word = fc.string({
      unit: fc.constantFrom("1", "#shading#", "#number#", "#shape#", "#create_by#"),
      maxLength: 4,
    });
    const cards = fc.array(fc.record({ number: word, shading: word, shape: word, createBy: word }), { maxLength: 12 });
    const limit = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(cards, limit, fc.boolean(), async (inits, limit, reverse) => {
        const all = inits.map((init, i) => card(`c${i}`, init));
        const tests = queryClient(TestSchema, await storeOf(TestSchema, all));
        for (const { number, shading, shape, createBy } of all) {
          const options: PageOptions & { shape?: string; createBy?: object } = { limit, reverse, shape };
          const wanted = all.filter((c) => c.number === number && c.shading === shading && c.shape === shape);
          expect((await allPages(tests, { number, shading }, options)).sort()).toEqual(wanted.map((c) => c.id).sort());
          const exact = { ...options, createBy: { eq: createBy } };
          const own = wanted.filter((c) => c.createBy === createBy);
          expect((await allPages(tests, { number, shading }, exact)).sort()).toEqual(own.map((c) => c.id).sort());
        }
      }),
    );

    async function allPages(
      tests: ReturnType<typeof queryClient<typeof TestSchema>>,
      partition: { number: string; shading: string },
      options: PageOptions,
    ): Promise<string[]> {
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await tests.select(3, partition, { ...options, cursor });
        ids.push(...page.items.map(({ id }) => id));
        const last = page.items.at(-1);
        // A cursor never carries the key of a row that isn't returned.
        if (page.cursor) expect(last && encodeCursor(3, opaqueDataFromMessage(TestSchema, last))).toBe(page.cursor);
        cursor = page.cursor;
      } while (cursor !== undefined);
      return ids;
    }
  });

  test("may be named by values of any type", async () => {
    const store = await storeOf(SampleSchema, [
      sample({ id: "a", stringValue: "x", boolValue: true, kind: Kind.LARGE, constructor$: "c", region: 4 }),
      sample({ id: "b", stringValue: "x", boolValue: false, kind: Kind.LARGE, constructor$: "c", region: 40 }),
    ]);
    const samples = queryClient(SampleSchema, store);
    expect(await idsOf(samples.each(19, { stringValue: "x", boolValue: true, kind: Kind.LARGE }))).toEqual(["a"]);
    expect(await idsOf(samples.each(18, { constructor$: "c", region: 4 }))).toEqual(["a"]);
  });
});

describe("a text", () => {
  const shapes = ["", "oval", "ovaline", "o", "round", "\uffff", "\u{10000}", "oval#create_by#x"];
  const cards = shapes.map((shape, i) =>
    card(`c${i}`, { color: "red", shape, number: "1", shading: "2", createBy: shape }),
  );
  const tests = storeOf(TestSchema, cards).then((store) => queryClient(TestSchema, store));
  const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

  test("of a composite ends where the next field begins", async () => {
    const { items } = await (await tests).select(3, { number: "1", shading: "2" }, { shape: "oval" } as PageOptions);
    expect(items.map(({ shape }) => shape)).toEqual(["oval"]);
  });

  test.each<[string, (text: string, given: string) => boolean]>([
    ["eq", (text, given) => text === given],
    ["lt", (text, given) => order(text, given) < 0],
    ["le", (text, given) => order(text, given) <= 0],
    ["gt", (text, given) => order(text, given) > 0],
    ["ge", (text, given) => order(text, given) >= 0],
    ["beginsWith", (text, given) => text.startsWith(given)],
  ])("compares by %s", async (operator, meets) => {
    const client = await tests;
    for (const given of [...shapes, "p", "ov"]) {
      for (const reverse of [false, true]) {
        const expected = shapes.filter((shape) => meets(shape, given)).sort(order);
        if (reverse) expected.reverse();
        const condition = { [operator]: given };
        const found = await client.select(1, { color: "red" }, { shape: condition, reverse } as PageOptions);
        expect(found.items.map(({ shape }) => shape)).toEqual(expected);
        for (const shape of shapes) {
          const exact = { shape, createBy: condition, reverse } as PageOptions;
          const composite = await client.select(3, { number: "1", shading: "2" }, exact);
          expect(composite.items.map(({ createBy }) => createBy)).toEqual(meets(shape, given) ? [shape] : []);
        }
      }
    }
  });

  test("lies between two others", async () => {
    const client = await tests;
    for (const low of shapes) {
      for (const high of shapes.filter((shape) => order(low, shape) <= 0)) {
        const expected = shapes.filter((shape) => order(low, shape) <= 0 && order(shape, high) <= 0).sort(order);
        const { items } = await client.select(1, { color: "red" }, { shape: { between: [low, high] } } as PageOptions);
        expect(items.map(({ shape }) => shape)).toEqual(expected);
      }
    }
  });

  test("costs one query", async () => {
    const { store, queries } = watched(await storeOf(TestSchema, cards));
    const client = queryClient(TestSchema, store);
    await client.select(1, { color: "red" }, { shape: { gt: "o" } } as PageOptions);
    await client.select(3, { number: "1", shading: "2" }, { shape: "oval", createBy: { lt: "p" } } as PageOptions);
    const prefix = "example_app_test_v1#test#shape#";
    expect(queries.map(({ sort }) => sort)).toEqual([
      { op: "gt", value: `${prefix}o` },
      { op: "between", low: `${prefix}oval#create_by#`, high: `${prefix}oval#create_by#p` },
    ]);
  });
});

describe("a value whose keys have no useful order", () => {
  test.each<[number, string, (s: ReturnType<typeof sample>) => unknown]>([
    [1, "doubleValue", (s) => s.doubleValue],
    [2, "floatValue", (s) => s.floatValue],
    [13, "boolValue", (s) => s.boolValue],
    [15, "kind", (s) => s.kind],
  ])("is found by equality only (index %i, %s)", async (index, name, value) => {
    const all = [
      sample({ id: "a", bucket: "b", doubleValue: 0.1, floatValue: 0.1, boolValue: true, kind: Kind.LARGE }),
      sample({ id: "b", bucket: "b", doubleValue: -0, floatValue: Number.NaN, boolValue: false, kind: 9 as Kind }),
    ];
    const client = queryClient(SampleSchema, await storeOf(SampleSchema, all));
    for (const wanted of all) {
      const options = { [name]: { eq: value(wanted) } };
      const { items } = await client.select(index as 1, { bucket: "b" }, options);
      expect(items.map(({ id }) => id)).toEqual([wanted.id]);
    }
    await expect(
      client.select(index as 1, { bucket: "b" }, { [name]: { ge: value(all[0] as never) } }),
    ).rejects.toMatchObject({ code: "invalid_argument", details: { argument: name } });
  });
});

describe("a query is refused", () => {
  const client = storeOf(SampleSchema, []).then((store) => queryClient(SampleSchema, store));
  const partition = { bucket: "b" };

  test.each<[string, number, object, object, string]>([
    ["of an index that the message isn't in", 16 + 5, partition, {}, "index"],
    ["without its partition", 3, {}, {}, "bucket"],
    ["with a field of another partition", 3, { ...partition, region: 1 }, {}, "region"],
    ["with a partition of another type", 3, { bucket: 5 }, {}, "bucket"],
    ["with a condition on a field that it isn't sorted by", 3, partition, { int64Value: { eq: 1n } }, "int64Value"],
    ["with a misspelled option", 3, partition, { limits: 5 }, "limits"],
    ["with a value where a comparison is needed", 3, partition, { int32Value: 5 }, "int32Value"],
    ["with no operator", 3, partition, { int32Value: {} }, "int32Value"],
    ["with two operators", 3, partition, { int32Value: { gt: 1, lt: 5 } }, "int32Value"],
    ["with an unknown operator", 3, partition, { int32Value: { like: 1 } }, "int32Value"],
    ["with an operator for texts on a number", 3, partition, { int32Value: { beginsWith: "1" } }, "int32Value"],
    ["with one bound", 3, partition, { int32Value: { between: [1] } }, "int32Value"],
    ["with three bounds", 3, partition, { int32Value: { between: [1, 2, 3] } }, "int32Value"],
    ["with bounds that aren't an array", 3, partition, { int32Value: { between: 1 } }, "int32Value"],
    ["with swapped bounds", 3, partition, { int32Value: { between: [2, 1] } }, "int32Value"],
    ["with swapped texts", 14, partition, { stringValue: { between: ["b", "a"] } }, "stringValue"],
    ["with a fraction", 3, partition, { int32Value: { lt: 1.5 } }, "int32Value"],
    ["with a number that has lost digits", 4, partition, { int64Value: { lt: 2 ** 60 } }, "int64Value"],
    ["with an exact number beyond its type", 3, partition, { int32Value: { eq: 2 ** 31 } }, "int32Value"],
    ["with a number for a text", 14, partition, { stringValue: { ge: 1 } }, "stringValue"],
    ["with a later field alone", 18, { constructor$: "c", region: 1 }, { int64Value: { eq: 1n } }, "int64Value"],
    ["with a leading value of another type", 18, { constructor$: "c", region: 1 }, { kind: "LARGE" }, "kind"],
    ["with a limit of 0", 3, partition, { limit: 0 }, "limit"],
    ["with a consistent read of an index", 3, partition, { consistent: true }, "consistent"],
    ["with a cursor that isn't one", 3, partition, { cursor: "x" }, "cursor"],
  ])("%s", async (_, index, fields, options, argument) => {
    const query = (await client).select(index as 1, fields as { bucket: string }, options);
    await expect(query).rejects.toMatchObject({ code: "invalid_argument", details: { argument } });
  });

  test("of a message without annotations", async () => {
    const store = await storeOf(SampleSchema, []);
    expect(() => queryClient(CreateSchema, store)).toThrow(expect.objectContaining({ code: "not_keyed" }));
  });

  test("without a store", () => {
    expect(() => queryClient(SampleSchema, undefined as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "store" } }),
    );
  });

  test("of a key that is too long", async () => {
    await expect((await client).select(3, { bucket: "b".repeat(3000) })).rejects.toMatchObject({ code: "too_large" });
  });
});

test("fields that may be unset are found by their zero values", async () => {
  const markers = queryClient(MarkerSchema, await storeOf(MarkerSchema, [create(MarkerSchema, { code: "a" })]));
  const { items } = await markers.select(1, { person: "" }, { kind: { eq: Kind.UNSPECIFIED } } as PageOptions);
  expect(items.map(({ code }) => code)).toEqual(["a"]);
});

test("an expired message isn't found", async () => {
  const store = new MemoryOpaqueStore({ clock: { now: () => 5_000_000n } });
  const clock = { now: (): bigint => 0n };
  await store.put(opaqueDataFromMessage(SampleSchema, sample({ id: "old", bucket: "b" }), { clock, ttlSeconds: 5 }));
  await store.put(opaqueDataFromMessage(SampleSchema, sample({ id: "new", bucket: "b" }), { clock, ttlSeconds: 6 }));
  const samples = queryClient(SampleSchema, store);
  expect(await idsOf(samples.each(3, { bucket: "b" }))).toEqual(["new"]);
  expect(await samples.get("old")).toBeUndefined();
});

test("a row that can't be read is reported, and not left out", async () => {
  const store = new MemoryOpaqueStore();
  await store.put({
    ...opaqueDataFromMessage(SampleSchema, sample({ id: "a", bucket: "b" })),
    body: new Uint8Array([255]),
  });
  await expect(queryClient(SampleSchema, store).select(3, { bucket: "b" })).rejects.toMatchObject({
    code: "corrupt_record",
  });
});
