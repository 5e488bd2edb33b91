import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { ScannedRecord } from "protosource-es";
import { StoredRecordSchema } from "protosource-es/proto";
import { describe, expect, it } from "vitest";
import { planRepair } from "../../src/repair-plan.js";
import type { Problem, ProblemKind } from "../../src/stream-problems.js";

const EXPIRED = 1n;

const scanned = (version: number, following = 0, ttl = 0n): ScannedRecord => ({
  aggregateId: "p#1",
  following,
  record: create(StoredRecordSchema, { version: BigInt(version), ttl }),
});
/** The records of one save. */
const save = (from: number, to: number): ScannedRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => scanned(from + i, to - from - i));
const problem = (kind: ProblemKind, version?: number): Problem => ({
  kind,
  streamId: "p#1",
  version: version === undefined ? undefined : BigInt(version),
  message: "",
});
const versions = (found: readonly ScannedRecord[] | undefined): number[] | undefined =>
  found?.map(({ record }) => Number(record.version));

describe("planRepair", () => {
  it.each<[what: string, found: ScannedRecord[], problem: Problem, wholeTo: bigint, behind: number[]]>([
    ["a gap", [...save(1, 2), ...save(4, 5)], problem("gap", 3), 2n, [4, 5]],
    ["a gap within a save", [...save(1, 1), ...save(2, 5).filter((_, i) => i !== 1)], problem("gap", 3), 1n, [2, 4, 5]],
    ["a torn end", [...save(1, 2), ...save(3, 5).slice(0, 2)], problem("torn", 5), 2n, [3, 4]],
    ["a torn beginning", save(1, 3).slice(0, 1), problem("torn", 2), 0n, [1]],
    ["an overlap", [...save(1, 1), ...save(2, 4), ...save(3, 3)], problem("overlap", 3), 1n, [2, 3, 4, 3]],
    ["a broken record", [...save(1, 1), ...save(2, 2), ...save(3, 3)], problem("undecodable", 2), 1n, [2, 3]],
    ["a broken record of a save", [...save(1, 1), ...save(2, 4)], problem("undecodable", 4), 1n, [2, 3, 4]],
    ["an item that is no record, at the end", save(1, 2), problem("unreadable", 3), 2n, []],
    ["an item that is no record, between", [...save(1, 1), ...save(3, 3)], problem("unreadable", 2), 1n, [3]],
    ["a stream whose beginning has gone", [...save(5, 6), ...save(8, 8)], problem("gap", 7), 6n, [8]],
    ["a record that has expired", [scanned(1, 0, EXPIRED), ...save(4, 5), ...save(7, 7)], problem("gap", 6), 5n, [7]],
  ])("cuts %s", (_, found, wrong, wholeTo, behind) => {
    const plan = planRepair(found, [wrong]);
    expect(plan).toMatchObject({ wholeTo, cut: wholeTo + 1n });
    expect(versions(plan?.behind)).toEqual(behind);
  });

  it("cuts nothing of a stream that can be loaded", () => {
    const found = [...save(1, 2), ...save(3, 3)];
    expect(planRepair(found, [])).toBeUndefined();
    for (const kind of ["unknown_type", "misplaced", "no_base", "no_recent_snapshot"] as const) {
      expect(planRepair(found, [problem(kind, 1)])).toBeUndefined();
    }
    // What was found by the scan is whole by now.
    expect(planRepair(found, [problem("torn", 4)])).toBeUndefined();
    const expired = [scanned(1, 0, EXPIRED), ...save(2, 3)];
    expect(planRepair(expired, [problem("undecodable", 1)])).toBeUndefined();
  });

  it("goes on with the same cut however much of the end is gone already", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 8 }),
        fc.nat(),
        fc.nat(),
        (lengths, hit, taken) => {
          const found: ScannedRecord[] = [];
          for (const length of lengths) found.push(...save(found.length + 1, found.length + length));
          const broken = problem("undecodable", 1 + (hit % found.length));
          const plan = planRepair(found, [broken]);
          const left = found.slice(0, found.length - (taken % (plan?.behind.length ?? 1)));
          const isLeft = left.some(({ record }) => record.version === broken.version);
          const again = planRepair(left, [isLeft ? broken : problem("torn", left.length + 1)]);
          expect(again?.cut).toBe(plan?.cut);
          expect(found.length - (plan?.behind.length ?? 0)).toBe(Number(plan?.wholeTo));
        },
      ),
    );
  });
});
