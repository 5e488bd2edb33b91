import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { MemoryOpaqueStore } from "protosource-es/memory";
import { beginsWith, between, eachRow, eq, ge, gt, le, lt, type SortCondition } from "protosource-es/opaquedata";
import { OpaqueDataSchema } from "protosource-es/proto";
import { FakeClock } from "protosource-es/testing";
import { expect, test } from "vitest";

const key = fc.string({ unit: fc.constantFrom("a", "b", "é", "\u{FFFD}", "\u{10000}"), minLength: 1, maxLength: 3 });

const sort: fc.Arbitrary<SortCondition | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.tuple(fc.constantFrom(eq, lt, le, gt, ge, beginsWith), key).map(([make, value]) => make(value)),
  fc.tuple(key, key).map(([a, b]) => (compareBytes(a, b) <= 0 ? between(a, b) : between(b, a))),
);

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The conditions once more, on bytes. */
function meets(condition: SortCondition | undefined, value: string): boolean {
  if (condition === undefined) return true;
  if (condition.op === "between") {
    return compareBytes(value, condition.low) >= 0 && compareBytes(value, condition.high) <= 0;
  }
  if (condition.op === "begins_with") {
    const prefix = Buffer.from(condition.value);
    return Buffer.from(value).subarray(0, prefix.length).equals(prefix);
  }
  const order = compareBytes(value, condition.value);
  return { eq: order === 0, lt: order < 0, le: order <= 0, gt: order > 0, ge: order >= 0 }[condition.op];
}

test("law: pages of any size are the rows that meet the condition, in the order of their bytes", async () => {
  const row = fc.record({ sk: key, isExpired: fc.boolean(), isInIndex: fc.boolean() });
  const rows = fc.uniqueArray(row, { selector: ({ sk }) => sk, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      rows,
      sort,
      fc.integer({ min: 1, max: 8 }),
      fc.boolean(),
      fc.constantFrom<0 | 2>(0, 2),
      async (rows, sort, limit, reverse, index) => {
        const clock = new FakeClock();
        const store = new MemoryOpaqueStore({ clock });
        const past = clock.now() / 1_000_000n;
        for (const { sk, isExpired, isInIndex } of rows) {
          const indexKeys = isInIndex ? { gsi2pk: "p", gsi2sk: sk } : {};
          await store.put(create(OpaqueDataSchema, { pk: "p", sk, t: isExpired ? past : 0n, ...indexKeys }));
        }
        const expected = rows
          .filter(({ sk, isExpired, isInIndex }) => !isExpired && (index === 0 || isInIndex) && meets(sort, sk))
          .map(({ sk }) => sk)
          .sort(compareBytes);
        if (reverse) expected.reverse();

        const query = { index, partition: "p", sort, reverse };
        const paged: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.query({ ...query, limit, cursor });
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          paged.push(...page.rows.map(({ sk }) => sk));
          cursor = page.cursor;
        } while (cursor !== undefined);
        expect(paged).toEqual(expected);

        const each: string[] = [];
        for await (const { sk } of eachRow(store, query)) each.push(sk);
        expect(each).toEqual(expected);
      },
    ),
  );
});

test("a query without a limit ends a page after 100 rows", async () => {
  const store = new MemoryOpaqueStore();
  for (let i = 0; i < 150; i++) await store.put(create(OpaqueDataSchema, { pk: "p", sk: String(i + 1000) }));
  const first = await store.query({ partition: "p" });
  const second = await store.query({ partition: "p", cursor: first.cursor });
  expect([first.rows.length, second.rows.length, second.cursor]).toEqual([100, 50, undefined]);
});
