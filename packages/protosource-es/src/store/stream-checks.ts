/** What every store checks of the records that it has read. */
import { type ErrorDetails, invalid, ProtosourceError } from "../errors.js";
import { equalBytes } from "../opaquedata/equal-bytes.js";
import { checkAggregateId } from "./save-checks.js";
import type { StoredRecord } from "./store.js";

/** What is wrong with a stream, and at which version: the first missing, or the one that occurs again. */
export type StreamProblem = Pick<ErrorDetails["corrupt_stream"], "problem" | "version">;

/**
 * Finds where records don't follow each other, version by version. The first may have any version: earlier ones may
 * have expired.
 */
export function findProblem(records: readonly StoredRecord[]): StreamProblem | undefined {
  let expected: bigint | undefined;
  for (const { version } of records) {
    if (expected !== undefined && version > expected) return { problem: "gap", version: expected };
    if (expected !== undefined && version < expected) return { problem: "overlap", version };
    expected = version + 1n;
  }
  return undefined;
}

/** Checks that records follow each other. Throws `corrupt_stream` where they don't. */
export function checkContiguous(aggregateId: string, records: readonly StoredRecord[]): void {
  const found = findProblem(records);
  if (found) throw corruptStream(aggregateId, found);
}

/**
 * Makes a check that is given the records of a stream one by one, in ascending order or with `reverse` in descending
 * order. It throws `corrupt_stream` for one that doesn't follow the one before.
 */
export function orderCheck(aggregateId: string, reverse: boolean): (record: StoredRecord) => void {
  let expected: bigint | undefined;
  return ({ version }) => {
    if (expected !== undefined && version !== expected) {
      const isGap = reverse ? version < expected : version > expected;
      throw corruptStream(aggregateId, isGap ? { problem: "gap", version: expected } : { problem: "overlap", version });
    }
    expected = reverse ? version - 1n : version + 1n;
  };
}

/** Gives the error for a stream that can't be read. */
export function corruptStream(aggregateId: string, found: StreamProblem): ProtosourceError<"corrupt_stream"> {
  return new ProtosourceError("corrupt_stream", `${aggregateId} ${explanation(found)}`, { aggregateId, ...found });
}

function explanation({ problem, version }: StreamProblem): string {
  switch (problem) {
    case "gap":
      return `misses version ${version}, and holds later ones: restore the missing records`;
    case "overlap":
      return `holds version ${version} more than once: remove the wrong one`;
    case "torn":
      return `ends before version ${version}, which was saved together with the one before it: restore what is missing`;
  }
}

/**
 * Checks the end of a stream that is to be deleted, and gives its lowest version.
 *
 * Throws `invalid_argument` for an empty id, and without records.
 */
export function checkDamagedEnd(aggregateId: string, records: readonly StoredRecord[]): bigint {
  checkAggregateId(aggregateId);
  const [first] = records;
  if (first === undefined) {
    throw invalid("records", "there are no records to delete: give what a scan found");
  }
  return records.reduce((lowest, { version }) => (version < lowest ? version : lowest), first.version);
}

/**
 * Checks the beginning of a stream that is to be deleted, and gives its highest version.
 *
 * Throws `invalid_argument` for an empty id, and without records.
 */
export function checkBeginning(aggregateId: string, records: readonly StoredRecord[]): bigint {
  checkAggregateId(aggregateId);
  const last = records.at(-1);
  if (last === undefined) throw invalid("records", "there are no records to delete: give what a scan found");
  return last.version;
}

/** Gives the error of a beginning behind which nothing would be left. */
export function nothingLeft(aggregateId: string): ProtosourceError<"invalid_argument"> {
  return invalid("records", `${aggregateId} holds nothing behind these records: leave at least the last one`);
}

/** Checks that what is stored from a version on is what the caller has seen. Throws `version_conflict`. */
export function checkUnchanged(
  aggregateId: string,
  seen: readonly StoredRecord[],
  stored: readonly StoredRecord[],
): void {
  for (let i = 0; i < Math.max(seen.length, stored.length); i++) {
    const [one, other] = [seen[i], stored[i]];
    if (one && other && isSameRecord(one, other)) continue;
    throw changedSince(aggregateId, (other ?? one)?.version ?? 0n);
  }
}

/** Gives the error for a stream that isn't as it was read. */
export function changedSince(aggregateId: string, version: bigint): ProtosourceError<"version_conflict"> {
  return new ProtosourceError(
    "version_conflict",
    `version ${version} of ${aggregateId} was changed since it was read: look at the stream again`,
    { aggregateId, version },
  );
}

/** Tells whether two records are the same, byte for byte. */
export function isSameRecord(a: StoredRecord, b: StoredRecord): boolean {
  return a.version === b.version && a.ttl === b.ttl && equalBytes(a.data, b.data);
}
