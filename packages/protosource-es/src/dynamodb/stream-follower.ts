/** Follows a stream from record to record, and sees that none is missing. */
import { type Clock, epochSeconds } from "../clock.js";
import { sleep } from "../signals.js";
import { checkAggregateId, throwIfAborted } from "../store/save-checks.js";
import type { EventsOptions, StoredRecord } from "../store/store.js";
import { corruptStream, type StreamProblem } from "../store/stream-checks.js";
import type { ReadRecord } from "./items.js";
import type { StreamReader } from "./stream-reader.js";

/** How often a stream is read again that shows a gap or a part of a transaction, before it counts as corrupt. */
const MAX_REREADS = 5;
const REREAD_PAUSE_MS = 40;

/** How often a range is read again that doesn't begin where it should. A stream may have lost its beginning. */
const BEGINNING_REREADS = 2;

/**
 * Gives the records of a range that count, checked to follow each other. A Query sees transactions only
 * read-committed, so that their last records, or ones in the middle, may still be missing: from there the stream is
 * read again, a few times, before it counts as corrupt.
 */
export async function* followStream(
  read: StreamReader,
  clock: Clock,
  aggregateId: string,
  options: EventsOptions,
  operation: string,
): AsyncGenerator<readonly StoredRecord[], void, undefined> {
  checkAggregateId(aggregateId);
  const { reverse = false, includeExpired = false, signal } = options;
  const step = reverse ? -1n : 1n;
  let { from, to } = options;
  let consistent = options.consistency !== "eventual";
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  // The last record that was seen, and the version that the next one that counts must have.
  let last: ReadRecord | undefined;
  let expected: bigint | undefined;
  for (let rereads = 0; ; rereads++) {
    throwIfAborted(signal, operation);
    const now = epochSeconds(clock);
    let problem: StreamProblem | undefined;
    const range = { from, to, reverse, limit: options.limit && left, consistent };
    for await (const chunk of read(aggregateId, range, signal)) {
      const records: StoredRecord[] = [];
      for (const found of chunk) {
        const { version } = found.record;
        if ((from !== undefined && version < from) || (to !== undefined && version > to)) continue;
        const isFirst = last === undefined;
        if (reverse && isFirst) problem = tornAfter(found, options.to, now);
        if (!reverse && isFirst && rereads < BEGINNING_REREADS) problem = beginningBefore(found, options.from);
        const counts = !isExpired(found.record, now);
        if (counts && expected !== undefined && version !== expected) {
          const isGap = reverse ? version < expected : version > expected;
          problem = isGap ? { problem: "gap", version: expected } : { problem: "overlap", version };
        }
        if (problem || left === 0) break;
        last = found;
        if (counts) expected = version + step;
        if (counts || includeExpired) {
          records.push(found.record);
          left--;
        }
      }
      if (records.length > 0) {
        rereads = 0;
        yield records;
      }
      if (problem || left === 0) break;
    }
    if (left === 0) return;
    if (!problem && !reverse) problem = tornAfter(last, options.to, now);
    if (!problem && reverse && rereads < BEGINNING_REREADS) problem = beginningBefore(last, options.from);
    if (problem === undefined) return;
    if (rereads === MAX_REREADS || problem.problem === "overlap") throw corruptStream(aggregateId, problem);
    await sleep((0.5 + Math.random()) * REREAD_PAUSE_MS * (rereads + 1), signal);
    consistent = true;
    if (last !== undefined && reverse) to = last.record.version - 1n;
    else if (last !== undefined) from = last.record.version + 1n;
  }
}

/** Tells that a transaction was seen in part, when a record that ought to be the last isn't the last of its save. */
function tornAfter(read: ReadRecord | undefined, to: bigint | undefined, now: bigint): StreamProblem | undefined {
  if (read === undefined || read.following === 0 || read.record.version === to) return undefined;
  // What expires isn't deleted at once.
  if (isExpired(read.record, now)) return undefined;
  return { problem: "torn", version: read.record.version + 1n };
}

/**
 * Tells that a range doesn't begin with its lowest version, and nothing says that earlier records have expired: they
 * may be the part of a transaction that isn't seen yet. What isn't seen soon is taken for deleted.
 */
function beginningBefore(lowest: ReadRecord | undefined, from: bigint = 1n): StreamProblem | undefined {
  if (lowest === undefined || lowest.record.version <= from || lowest.record.ttl > 0n) return undefined;
  return { problem: "gap", version: from };
}

function isExpired(record: StoredRecord, nowSeconds: bigint): boolean {
  return record.ttl > 0n && record.ttl <= nowSeconds;
}
