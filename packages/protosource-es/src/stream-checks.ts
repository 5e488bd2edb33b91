/** What every store checks of the records that it has read. */
import { ProtosourceError } from "./errors.js";
import type { StoredRecord } from "./store.js";

/**
 * Checks that records follow each other, version by version. The first may have any version: earlier ones may have
 * expired.
 *
 * Throws `corrupt_stream`: a `gap` with the first missing version, or an `overlap` with the version that occurs again.
 */
export function checkContiguous(aggregateId: string, records: readonly StoredRecord[]): void {
  let expected: bigint | undefined;
  for (const { version } of records) {
    if (expected !== undefined && version > expected) {
      throw new ProtosourceError(
        "corrupt_stream",
        `${aggregateId} misses version ${expected}, and goes on with ${version}: restore the missing records`,
        { aggregateId, problem: "gap", version: expected },
      );
    }
    if (expected !== undefined && version < expected) {
      throw new ProtosourceError(
        "corrupt_stream",
        `${aggregateId} holds version ${version} more than once: remove the wrong one`,
        { aggregateId, problem: "overlap", version },
      );
    }
    expected = version + 1n;
  }
}
