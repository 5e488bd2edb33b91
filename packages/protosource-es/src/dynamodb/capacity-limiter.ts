import { ProtosourceError } from "../errors.js";
import { sleep } from "../signals.js";
import type { ObservedRequest } from "./sending.js";

/** Keeps the use of a table below a rate, for work that shall leave room for others. */
export interface CapacityLimiter {
  /** Counts a request. To be given to the stores as `onRequest`. */
  readonly onRequest: (request: ObservedRequest) => void;
  /** Returns when there is room for another request, or the signal is aborted. */
  readonly pace: (signal?: AbortSignal | undefined) => Promise<void>;
}

/**
 * Makes a limiter of read and write units per second, together. It counts what DynamoDB says that requests took, so
 * that a large page is made up for by the pause after it: the rate holds on average, not in each second.
 *
 * Throws `invalid_argument` for a rate that isn't above 0.
 */
export function createCapacityLimiter(unitsPerSecond: number): CapacityLimiter {
  if (!(unitsPerSecond > 0)) {
    throw new ProtosourceError(
      "invalid_argument",
      `${unitsPerSecond} units per second aren't possible: give a number above 0`,
      { argument: "unitsPerSecond" },
    );
  }
  let room = unitsPerSecond;
  let counted = performance.now();
  const refill = (): void => {
    const now = performance.now();
    room = Math.min(unitsPerSecond, room + ((now - counted) / 1000) * unitsPerSecond);
    counted = now;
  };
  // All who wait share one pause, so that a signal of many callers isn't listened to by each.
  let pause: Promise<void> | undefined;
  return {
    onRequest({ readUnits, writeUnits }) {
      refill();
      room -= readUnits + writeUnits;
    },
    async pace(signal) {
      for (refill(); room <= 0 && !signal?.aborted; refill()) {
        pause ??= sleep(Math.ceil((-room / unitsPerSecond) * 1000) + 1, signal).finally(() => {
          pause = undefined;
        });
        await pause;
      }
    },
  };
}
