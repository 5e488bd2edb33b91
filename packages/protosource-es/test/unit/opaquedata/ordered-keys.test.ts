/** Keys whose texts sort as the numbers in them do. */
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { MemoryOpaqueStore } from "protosource-es/memory";
import {
  autoPKSK,
  compareUtf8,
  type GsiNumber,
  type OpaqueStore,
  opaqueDataFromMessage,
  type PageOptions,
  queryClient,
} from "protosource-es/opaquedata";
import { openSqlite, SqliteOpaqueStore } from "protosource-es/sqlite";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { type Reading, ReadingSchema } from "../../gen/example/app/ordered/v1/ordered_v1_pb.js";
import { expectRanges } from "../../ordered-readings.js";

type NumberName = Exclude<keyof Reading, "$typeName" | "$unknown" | "id" | "bucket">;

interface NumberField {
  readonly index: GsiNumber;
  readonly name: NumberName;
  readonly values: fc.Arbitrary<bigint | number>;
}

const double = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE, Number.NaN, 1e21, 9, 10),
);
const float = fc.oneof(fc.float(), fc.constantFrom(0, -0, Number.NaN, 9, 10));

/** Numbers of every length, and the ends of the type. */
function integers(bits: bigint, isSigned: boolean): fc.Arbitrary<bigint> {
  const [low, high] = isSigned ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
  const around = fc
    .tuple(fc.integer({ min: 0, max: 19 }), fc.integer({ min: -2, max: 2 }), fc.boolean())
    .map(([power, step, isBelow]) => (10n ** BigInt(power) + BigInt(step)) * (isBelow ? -1n : 1n))
    .filter((value) => value >= low && value <= high);
  return fc.oneof(around, fc.constantFrom(low, low + 1n, high - 1n, high), fc.bigInt({ min: low, max: high }));
}

const small = (isSigned: boolean): fc.Arbitrary<number> => integers(32n, isSigned).map(Number);

const fields: readonly NumberField[] = [
  { index: 1, name: "doubleValue", values: double },
  { index: 2, name: "floatValue", values: float },
  { index: 3, name: "int32Value", values: small(true) },
  { index: 4, name: "int64Value", values: integers(64n, true) },
  { index: 5, name: "uint32Value", values: small(false) },
  { index: 6, name: "uint64Value", values: integers(64n, false) },
  { index: 7, name: "sint32Value", values: small(true) },
  { index: 8, name: "sint64Value", values: integers(64n, true) },
  { index: 9, name: "fixed32Value", values: small(false) },
  { index: 10, name: "fixed64Value", values: integers(64n, false) },
  { index: 11, name: "sfixed32Value", values: small(true) },
  { index: 12, name: "sfixed64Value", values: integers(64n, true) },
  { index: 13, name: "grade", values: small(true) },
];

const reading = (name: NumberName, value: bigint | number, id = "r"): Reading =>
  create(ReadingSchema, { id, bucket: "b", [name]: value });

/** Compares numbers; NaN comes last. */
function compareNumbers(a: bigint | number, b: bigint | number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : Number(a > b);
}

describe.each(fields)("of $name", ({ index, name, values }) => {
  test("the order of the texts is that of the numbers, and all texts are of one length", () => {
    const key = autoPKSK(ReadingSchema)[`gsi${index}sk`];
    fc.assert(
      fc.property(values, values, (a, b) => {
        const [one, other] = [key(reading(name, a)), key(reading(name, b))];
        expect(Math.sign(compareUtf8(one, other))).toBe(compareNumbers(a, b));
        expect(one).toHaveLength(other.length);
      }),
      { numRuns: 100 },
    );
  });

  test("one query finds a range", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(values, { maxLength: 8 }),
        values.filter((value) => !Number.isNaN(value)),
        fc.constantFrom("eq", "lt", "le", "gt", "ge"),
        fc.boolean(),
        async (stored, bound, operator, reverse) => {
          const memory = new MemoryOpaqueStore();
          for (const [i, value] of stored.entries()) {
            await memory.put(opaqueDataFromMessage(ReadingSchema, reading(name, value, `r${i}`)));
          }
          let queries = 0;
          const store: OpaqueStore = Object.assign(Object.create(memory) as MemoryOpaqueStore, {
            query: (query: Parameters<OpaqueStore["query"]>[0]) => {
              queries++;
              return memory.query(query);
            },
          });
          const condition = { [name]: { [operator]: bound } };
          const { items } = await queryClient(ReadingSchema, store).select(
            index,
            { bucket: "b" },
            { ...condition, reverse },
          );
          const isMeant = (value: bigint | number): boolean => {
            if (Number.isNaN(value)) return false;
            const order = compareNumbers(value, bound);
            return { eq: order === 0, lt: order < 0, le: order <= 0, gt: order > 0, ge: order >= 0 }[operator];
          };
          const expected = stored.filter(isMeant).toSorted(compareNumbers);
          // 0 and -0 are equal, and the order of equal ones is the store's.
          const found = items.map((item) => item[name]).map((value) => (value === 0 ? 0 : value));
          if (reverse) expected.reverse();
          expect(found).toEqual(expected.map((value) => (value === 0 ? 0 : value)));
          expect(queries).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 60 },
    );
  });
});

test("a text is the same for ever", () => {
  const key = (index: GsiNumber, name: NumberName, value: bigint | number): string =>
    autoPKSK(ReadingSchema)[`gsi${index}sk`](reading(name, value)).replace(/^.*#/, "");
  expect([7n, 0n, -1n, -(2n ** 63n)].map((value) => key(4, "int64Value", value))).toEqual([
    "00000000000000000007",
    "00000000000000000000",
    "-9999999999999999999",
    "-0776627963145224192",
  ]);
  expect([7, -1].map((value) => key(3, "int32Value", value))).toEqual(["00000000007", "-9999999999"]);
  expect(key(6, "uint64Value", 2n ** 64n - 1n)).toBe("18446744073709551615");
  expect(key(5, "uint32Value", 7)).toBe("0000000007");
  expect([1.5, -1.5].map((value) => key(1, "doubleValue", value))).toEqual(["bff8000000000000", "4007ffffffffffff"]);
  expect(key(2, "floatValue", 1.5)).toBe("bfc00000");
});

test("ranges on MemoryOpaqueStore", () => expectRanges(new MemoryOpaqueStore()));

test("ranges on SqliteOpaqueStore", async () => {
  const database = openSqlite(":memory:");
  await expectRanges(new SqliteOpaqueStore(database));
  database.close();
});

test.each([
  ["NaN as a bound", 1, { doubleValue: { ge: Number.NaN } }, "doubleValue"],
  ["a bound that isn't a number", 1, { doubleValue: { ge: 1n } }, "doubleValue"],
  ["swapped bounds", 1, { doubleValue: { between: [2, 1] } }, "doubleValue"],
  ["swapped whole bounds", 4, { int64Value: { between: [2n, 1n] } }, "int64Value"],
  ["a beginning", 4, { int64Value: { beginsWith: 1n } }, "int64Value"],
] as const)("%s is refused", async (_, index, options, argument) => {
  const client = queryClient(ReadingSchema, new MemoryOpaqueStore());
  expect(await failure(client.select(index, { bucket: "b" }, options as PageOptions))).toMatchObject({
    code: "invalid_argument",
    details: { argument },
  });
});
