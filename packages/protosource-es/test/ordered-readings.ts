/** Rows whose numbers sort as numbers in the table itself, and what queries of them must find. */
import { create } from "@bufbuild/protobuf";
import { type GsiNumber, type OpaqueStore, opaqueDataFromMessage, queryClient } from "protosource-es/opaquedata";
import { expect } from "vitest";
import { Grade, type Reading, ReadingSchema } from "./gen/example/app/ordered/v1/ordered_v1_pb.js";

const wide = [-(2n ** 63n), -500n, -50n, -5n, 0n, 7n, 10n, 99n, 100n, 1000n, 2n ** 53n + 1n, 2n ** 63n - 1n];
const floats = [Number.NEGATIVE_INFINITY, -1e300, -1.5, -1e-300, -0, 5e-324, 0.5, 9, 10, 1e21, 1e300, Number.NaN];
const grades = [Grade.POOR, Grade.UNSPECIFIED, Grade.FAIR, Grade.GOOD];

/** Readings in the order of each of their numbers. */
const readings: readonly Reading[] = wide.map((int64Value, i) =>
  create(ReadingSchema, {
    id: `r${String(i).padStart(2, "0")}`,
    bucket: "b#",
    int64Value,
    uint64Value: int64Value + 2n ** 63n,
    int32Value: (i - 6) * 10 ** Math.abs(i - 6),
    doubleValue: floats[i] ?? 0,
    grade: grades[Math.floor(i / 3)] ?? Grade.GOOD,
  }),
);

/** Puts the readings into a store, and expects of each range that one query finds it, in its order both ways. */
export async function expectRanges(store: OpaqueStore): Promise<void> {
  for (const reading of readings) await store.put(opaqueDataFromMessage(ReadingSchema, reading));
  let queries = 0;
  const counting: OpaqueStore = {
    put: (row) => store.put(row),
    get: (key) => store.get(key),
    delete: (key) => store.delete(key),
    query: (query) => {
      queries++;
      return store.query(query);
    },
  };
  const client = queryClient(ReadingSchema, counting);
  const expectRange = async (index: GsiNumber, options: object, from: number, to: number): Promise<void> => {
    for (const reverse of [false, true]) {
      const expected = readings.slice(from, to).map(({ id }) => id);
      if (reverse) expected.reverse();
      queries = 0;
      const { items } = await client.select(index, { bucket: "b#" }, { ...options, reverse });
      expect(queries).toBe(1);
      const found = items.map(({ id }) => id);
      // Readings of one grade come in an order of the store's own.
      if (index === 13) expect(found.toSorted()).toEqual(expected.toSorted());
      else expect(found).toEqual(expected);
    }
  };
  await expectRange(4, {}, 0, 12);
  await expectRange(4, { int64Value: { ge: -50n } }, 2, 12);
  await expectRange(4, { int64Value: { between: [-5n, 100n] } }, 3, 9);
  await expectRange(4, { int64Value: { lt: 0n } }, 0, 4);
  await expectRange(6, { uint64Value: { gt: 2n ** 63n - 50n } }, 3, 12);
  await expectRange(3, { int32Value: { le: 0 } }, 0, 7);
  await expectRange(1, { doubleValue: { lt: 0 } }, 0, 4);
  await expectRange(1, { doubleValue: { eq: 0 } }, 4, 5);
  await expectRange(1, { doubleValue: { gt: 5e-324 } }, 6, 11);
  await expectRange(1, { doubleValue: { between: [-1.5, 10] } }, 2, 9);
  await expectRange(13, { grade: { ge: Grade.FAIR } }, 6, 12);
  await expectRange(13, { grade: { lt: Grade.UNSPECIFIED } }, 0, 3);
  await expectRange(14, { int32Value: 0, doubleValue: { ge: -1 } }, 6, 7);
}
