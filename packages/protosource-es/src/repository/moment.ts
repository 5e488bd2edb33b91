/** Moments in the past of a stream. */
import { invalid } from "../errors.js";
import { checkVersionIn } from "../store/save-checks.js";
import type { LazyRecord } from "./life.js";

/**
 * A moment in the past of a stream: behind a version; or at a time, by the events' own `at`. A `Date` is the beginning
 * of its millisecond, and `micros` are microseconds since the Unix epoch, as events have them.
 */
export type Moment = bigint | Date | { readonly micros: bigint };

/** Checks a moment. Throws `invalid_argument` for a version or a time that can't be. */
export function checkMoment(at: Moment): void {
  if (typeof at === "bigint") checkVersionIn("at", at);
  else if (!isTime(at)) {
    throw invalid(
      "at",
      "that is no moment: give a version as bigint, a Date, or { micros } as bigint, such as event.at",
    );
  }
}

/** Gives the records of a stream up to a moment: for a time, up to the last whose event isn't later. */
export function upTo(at: Moment, records: readonly LazyRecord[]): readonly LazyRecord[] {
  if (typeof at === "bigint") return records.filter(({ record }) => record.version <= at);
  const time = at instanceof Date ? BigInt(at.getTime()) * 1_000n : at.micros;
  return records.slice(0, records.findLastIndex(({ event }) => event().at <= time) + 1);
}

function isTime(at: Exclude<Moment, bigint>): boolean {
  return at instanceof Date ? !Number.isNaN(at.getTime()) : typeof at?.micros === "bigint";
}

/** Says a moment, for people. */
export function momentText(at: Moment): string {
  if (typeof at === "bigint") return `at version ${at}`;
  return at instanceof Date ? `at ${at.toISOString()}` : `${at.micros} µs after the Unix epoch`;
}
