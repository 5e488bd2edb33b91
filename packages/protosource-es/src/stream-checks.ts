/** What every store checks of the records that it has read. */
import { type ErrorDetails, ProtosourceError } from "./errors.js";
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
