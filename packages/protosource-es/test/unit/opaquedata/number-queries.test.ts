import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { MemoryOpaqueStore } from "protosource-es/memory";
import {
  encodeCursor,
  type GsiNumber,
  type OpaqueStore,
  opaqueDataFromMessage,
  type PageOptions,
  queryClient,
} from "protosource-es/opaquedata";
import { describe, expect, test } from "vitest";
import { type Sample, SampleSchema, TodoSchema } from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { sample } from "./samples.js";

interface IntegerField {
  readonly index: GsiNumber;
  readonly name: keyof Sample & string;
  readonly low: bigint;
  readonly high: bigint;
  /** Whether the values are numbers and not bigints. */
  readonly small?: boolean;
}

const int32 = { low: -(2n ** 31n), high: 2n ** 31n - 1n, small: true };
const uint32 = { low: 0n, high: 2n ** 32n - 1n, small: true };
const int64 = { low: -(2n ** 63n), high: 2n ** 63n - 1n };
const uint64 = { low: 0n, high: 2n ** 64n - 1n };

const fields: readonly IntegerField[] = [
  { index: 3, name: "int32Value", ...int32 },
  { index: 4, name: "int64Value", ...int64 },
  { index: 5, name: "uint32Value", ...uint32 },
  { index: 6, name: "uint64Value", ...uint64 },
  { index: 7, name: "sint32Value", ...int32 },
  { index: 8, name: "sint64Value", ...int64 },
  { index: 9, name: "fixed32Value", ...uint32 },
  { index: 10, name: "fixed64Value", ...uint64 },
  { index: 11, name: "sfixed32Value", ...int32 },
  { index: 12, name: "sfixed64Value", ...int64 },
];

/** Numbers of every length: small ones, and those around the powers of ten and the ends of the type. */
function numbers({ low, high }: IntegerField): fc.Arbitrary<bigint> {
  const around = fc
    .tuple(fc.integer({ min: 0, max: 19 }), fc.integer({ min: -2, max: 2 }), fc.boolean())
    .map(([power, step, negative]) => (10n ** BigInt(power) + BigInt(step)) * (negative ? -1n : 1n));
  const ends = fc.constantFrom(low, low + 1n, high - 1n, high);
  return fc
    .oneof(fc.bigInt({ min: -120n, max: 120n }), around, ends, fc.bigInt({ min: low, max: high }))
    .filter((value) => value >= low && value <= high);
}

type Condition = { readonly [operator: string]: bigint | readonly [bigint, bigint] } | undefined;

function conditions(field: IntegerField): fc.Arbitrary<readonly [Condition, (value: bigint) => boolean]> {
  const beyond = fc.constantFrom(field.low - 1n, field.high + 1n, -(10n ** 25n), 10n ** 25n);
  const bound = fc.oneof({ weight: 8, arbitrary: numbers(field) }, { weight: 1, arbitrary: beyond });
  return fc.oneof(
    fc.constant([undefined, () => true] as const),
    numbers(field).map((v) => [{ eq: v }, (x: bigint) => x === v] as const),
    bound.map((v) => [{ lt: v }, (x: bigint) => x < v] as const),
    bound.map((v) => [{ le: v }, (x: bigint) => x <= v] as const),
    bound.map((v) => [{ gt: v }, (x: bigint) => x > v] as const),
    bound.map((v) => [{ ge: v }, (x: bigint) => x >= v] as const),
    fc.tuple(bound, bound).map(([a, b]) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      return [{ between: [low, high] }, (x: bigint) => x >= low && x <= high] as const;
    }),
  );
}

/** What a store was asked, and what it had to read for it. */
interface Cost {
  queries: number;
  rows: number;
}

/** Makes a store of small pages that counts. */
function pagedStore(store: OpaqueStore, pageSize: number, cost: Cost): OpaqueStore {
  return {
    put: (row) => store.put(row),
    get: (key) => store.get(key),
    delete: (key) => store.delete(key),
    async query(query) {
      const page = await store.query({ ...query, limit: Math.min(query.limit ?? pageSize, pageSize) });
      cost.queries++;
      cost.rows += page.rows.length;
      return page;
    },
  };
}

async function fill(samples: readonly Sample[]): Promise<OpaqueStore> {
  const store = new MemoryOpaqueStore();
  for (const one of samples) await store.put(opaqueDataFromMessage(SampleSchema, one));
  return store;
}

async function allPages(
  store: OpaqueStore,
  index: GsiNumber,
  options: PageOptions,
): Promise<{ readonly items: Sample[]; readonly pages: number[] }> {
  const samples = queryClient(SampleSchema, store);
  const items: Sample[] = [];
  const pages: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await samples.select(index, { bucket: "b" }, { ...options, cursor });
    items.push(...page.items);
    pages.push(page.items.length);
    const last = page.items.at(-1);
    if (page.cursor !== undefined) {
      expect(last && encodeCursor(index, opaqueDataFromMessage(SampleSchema, last))).toBe(page.cursor);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { items, pages };
}

describe.each(fields)("$name", (field) => {
  const { index, name, small } = field;
  const typed = (value: bigint): bigint | number => (small ? Number(value) : value);

  test("is found as a number, in the order of numbers, in pages of any size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(numbers(field), { maxLength: 25 }),
        conditions(field),
        fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        async (values, [condition, meets], limit, pageSize, reverse) => {
          const all = values.map((value, i) => sample({ id: `s${i}`, bucket: "b", [name]: typed(value) }));
          const store = pagedStore(await fill(all), pageSize, { queries: 0, rows: 0 });
          const options = { [name]: condition, limit, reverse } as PageOptions;
          const { items, pages } = await allPages(store, index, options);

          const found = items.map((item) => BigInt(item[name] as bigint | number));
          const direction = reverse ? -1 : 1;
          const expected = values.filter(meets).sort((a, b) => direction * (a < b ? -1 : a > b ? 1 : 0));
          expect(found).toEqual(expected);
          expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
          if (limit !== undefined) {
            for (const size of pages.slice(0, -1)) expect(size).toBe(limit);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

test("a number at the end of a composite is found as a number", async () => {
  const values = [-100n, -20n, -3n, 0n, 4n, 50n, 600n, 7000n];
  const all = values.flatMap((int64Value) =>
    [0, 1, 2].map((kind) =>
      sample({ id: `${int64Value}-${kind}`, constructor$: "c", region: 1, kind: kind as 0 | 1 | 2, int64Value }),
    ),
  );
  const samples = queryClient(SampleSchema, await fill(all));
  const options = { kind: 1, int64Value: { between: [-20n, 600n] }, reverse: true } as PageOptions;
  const found: bigint[] = [];
  for await (const { int64Value, kind } of samples.each(18, { constructor$: "c", region: 1 }, options)) {
    expect(kind).toBe(1);
    found.push(int64Value);
  }
  expect(found).toEqual([600n, 50n, 4n, 0n, -3n, -20n]);
});

describe("without a condition", () => {
  const ranks = fc.oneof(fc.integer({ min: -120, max: 120 }), fc.constantFrom(-(2 ** 31), 1000, 99_999, 2 ** 31 - 1));
  const titles = fc.constantFrom("", "1", "#", "#title#", "b", "0#title#9");

  test("a number before another field is in its own order, and equal ones in that of the rest, backwards below 0", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(ranks, titles), { maxLength: 25, selector: String }),
        fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        async (values, limit, pageSize, reverse) => {
          const store = new MemoryOpaqueStore();
          for (const [i, [rank, title]] of values.entries()) {
            const todo = create(TodoSchema, { name: `n${i}`, owner: "ann", rank, title });
            await store.put(opaqueDataFromMessage(TodoSchema, todo));
          }
          const todos = queryClient(TodoSchema, pagedStore(store, pageSize, { queries: 0, rows: 0 }));
          const found: (readonly [number, string])[] = [];
          for await (const { rank, title } of todos.each(1, { owner: "ann" }, { limit, reverse })) {
            found.push([rank, title]);
          }
          const direction = reverse ? -1 : 1;
          const byTitle = ([rank, title]: readonly [number, string], other: string): number =>
            (title < other ? -1 : 1) * (rank < 0 ? -1 : 1);
          const sorted = values.toSorted((a, b) => direction * (a[0] - b[0] || byTitle(a, b[1])));
          expect(found).toEqual(limit === undefined ? sorted : sorted.slice(0, limit));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("textOrder gives the order of the digits, with one query a page", async () => {
    const cost = { queries: 0, rows: 0 };
    const values = [9n, 10n, 100n, -1n];
    const all = await fill(values.map((int64Value) => sample({ id: `s${int64Value}`, bucket: "b", int64Value })));
    const samples = queryClient(SampleSchema, pagedStore(all, 1000, cost));
    const first = await samples.select(4, { bucket: "b" }, { textOrder: true, limit: 2 });
    const { items } = await samples.select(4, { bucket: "b" }, { textOrder: true, cursor: first.cursor });
    expect([...first.items, ...items].map(({ int64Value }) => int64Value)).toEqual([-1n, 10n, 100n, 9n]);
    expect(cost.queries).toBe(2);
  });
});

describe("the cost", () => {
  const now = 1_795_351_177_816_750n;
  const day = 86_400_000_000n;
  const count = 300;
  const all = Array.from({ length: count }, (_, i) => {
    const at = now + (BigInt(i) * day) / 10n;
    return sample({ id: `s${i}`, bucket: "b", createAt: at, modifyAt: at, int64Value: at });
  });
  const filled = fill(all);

  async function costOf(index: GsiNumber, options: object, pageSize = 1000): Promise<Cost & { found: number }> {
    const cost = { queries: 0, rows: 0 };
    const store = pagedStore(await filled, pageSize, cost);
    const { items } = await queryClient(SampleSchema, store).select(index, { bucket: "b" }, options);
    return { ...cost, found: items.length };
  }

  test.each([{ ge: now + day }, { gt: 0n }, { le: now + day }, { lt: now + day }, { between: [0n, now + day] }])(
    "of a range of create_at or modify_at is one query: %o",
    async (condition) => {
      for (const [index, name] of [
        [16, "createAt"],
        [17, "modifyAt"],
      ] as const) {
        const { queries, rows, found } = await costOf(index, { [name]: condition });
        expect(queries).toBe(1);
        expect(rows).toBe(found);
        expect(found).toBeGreaterThan(0);
      }
    },
  );

  test("of a range of other numbers of one length is one query", async () => {
    expect(await costOf(4, { int64Value: { between: [now, now + day] } })).toEqual({ queries: 1, rows: 11, found: 11 });
  });

  test("of one number is one query for its key", async () => {
    expect(await costOf(4, { int64Value: { eq: now } })).toEqual({ queries: 1, rows: 1, found: 1 });
    expect(await costOf(4, { int64Value: { between: [now, now] } })).toEqual({ queries: 1, rows: 1, found: 1 });
  });

  test("of a range in which no number can lie is none", async () => {
    expect(await costOf(5, { uint32Value: { lt: 0 } })).toEqual({ queries: 0, rows: 0, found: 0 });
    expect(await costOf(16, { createAt: { between: [5n, 6n] } })).toEqual({ queries: 0, rows: 0, found: 0 });
  });

  test("of numbers of many lengths is that of one reading when they fit on a page of the store", async () => {
    const { queries, rows, found } = await costOf(4, { int64Value: { ge: 0n }, limit: 10 });
    expect(found).toBe(10);
    // One query meets ten numbers that are too long, and one reads all.
    expect([queries, rows]).toEqual([2, 10 + count]);
    expect(await costOf(4, { int64Value: { le: now + day } })).toMatchObject({
      found: 11,
      queries: expect.any(Number),
    });
  });

  test("of negative numbers is one query when there are none", async () => {
    expect(await costOf(4, { int64Value: { lt: 0n } })).toEqual({ queries: 1, rows: 0, found: 0 });
    expect(await costOf(4, { int64Value: { le: now + day } })).toMatchObject({ queries: 3, found: 11 });
  });

  test("of numbers of many lengths is that of one reading, and of the results, when they don't", async () => {
    for (const reverse of [false, true]) {
      const { queries, rows, found } = await costOf(4, { int64Value: { ge: 0n }, limit: 10, reverse }, 50);
      expect(found).toBe(10);
      expect(queries).toBe(1 + count / 50 + 1);
      expect(rows).toBe(10 + count + 10);
    }
  });

  test("of all numbers, without a condition, is one query where the store has them on one page", async () => {
    expect(await costOf(4, {})).toEqual({ queries: 1, rows: count, found: count });
    expect(await costOf(4, { limit: count + 1, reverse: true })).toEqual({ queries: 1, rows: count, found: count });
    expect(await costOf(16, { limit: 10 }, 50)).toEqual({ queries: 1, rows: 10, found: 10 });
  });

  test("of all numbers, where they aren't on one page, is that of one reading beside the results", async () => {
    const { queries, rows, found } = await costOf(4, {}, 50);
    expect(found).toBe(50);
    expect(rows).toBeLessThanOrEqual(count + 2 * 50);
    expect(queries).toBeLessThanOrEqual(count / 50 + 3);
    const limited = await costOf(4, { limit: 10 }, 50);
    expect(limited.found).toBe(10);
    expect(limited.rows).toBeLessThanOrEqual(count + 4 * 10);
  });

  test("of one length doesn't grow with the longer numbers that lie between as text", async () => {
    const { queries, rows, found } = await costOf(4, { int64Value: { between: [10n, 99n] } }, 50);
    expect(found).toBe(0);
    // All of them begin with 17 or 18: behind each of the two, the rest is skipped.
    expect(queries).toBeLessThanOrEqual(3);
    expect(rows).toBeLessThanOrEqual(100);
  });

  test("of numbers that fill a limit doesn't include the lengths behind them", async () => {
    expect(await costOf(4, { int64Value: { ge: now }, limit: 10 })).toEqual({ queries: 1, rows: 10, found: 10 });
  });
});

describe("create_at", () => {
  test("is found from 2001 to 2286, and when it is unset", async () => {
    const times = [0n, 10n ** 15n, 1_795_351_177_816_750n, 10n ** 16n - 1n];
    const others = [-5n, 7n, 10n ** 15n - 1n, 10n ** 16n];
    const all = [...times, ...others].map((createAt, i) => sample({ id: `s${i}`, bucket: "b", createAt }));
    const samples = queryClient(SampleSchema, await fill(all));
    const select = async (condition: object): Promise<bigint[]> => {
      const { items } = await samples.select(16, { bucket: "b" }, { createAt: condition } as PageOptions);
      return items.map(({ createAt }) => createAt);
    };
    expect(await select({ ge: -100n })).toEqual(times);
    expect(await select({ gt: 0n })).toEqual(times.slice(1));
    expect(await select({ lt: 10n ** 15n })).toEqual([0n]);
    expect(await select({ le: 10n ** 17n })).toEqual(times);
    expect(await select({ between: [1n, 10n ** 15n] })).toEqual([10n ** 15n]);
    for (const one of [...times, ...others]) expect(await select({ eq: one })).toEqual([one]);
  });

  test("is read in pages like any other number", async () => {
    const times = Array.from({ length: 23 }, (_, i) => 1_795_351_177_816_750n + BigInt(i));
    const store = await fill(times.map((createAt, i) => sample({ id: `s${i}`, bucket: "b", createAt })));
    for (const limit of [undefined, 1, 5, 23]) {
      const { items } = await allPages(store, 16, { createAt: { gt: times[2] }, limit, reverse: true } as PageOptions);
      expect(items.map(({ createAt }) => createAt)).toEqual(times.slice(3).reverse());
    }
  });
});

test("a cursor of one range doesn't continue another", async () => {
  const values = [1n, 20n, 300n, 4000n];
  const store = await fill(values.map((int64Value) => sample({ id: `s${int64Value}`, bucket: "b", int64Value })));
  const samples = queryClient(SampleSchema, store);
  const { cursor } = await samples.select(4, { bucket: "b" }, { int64Value: { ge: 20n }, limit: 1 } as PageOptions);
  expect(cursor).toBeDefined();
  const other = samples.select(4, { bucket: "b" }, { int64Value: { ge: 100n }, cursor } as PageOptions);
  await expect(other).rejects.toMatchObject({ code: "invalid_argument", details: { argument: "cursor" } });
});
