/** Scans of several segments at once. */
import { isProtosourceError } from "../errors.js";
import { whenAborted } from "../signals.js";
import { throwIfAborted } from "./save-checks.js";

/**
 * Runs work for each of `count` segments, all at once. One that fails ends the others by their signal, and its error is
 * thrown once all have ended; `cancelled` where the given signal ended them.
 */
export async function eachSegment(
  count: number,
  operation: string,
  signal: AbortSignal | undefined,
  work: (index: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const forget = whenAborted(signal, () => stop.abort(signal?.reason));
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, async (_, index) => {
      try {
        await work(index, stop.signal);
      } catch (error) {
        stop.abort();
        throw error;
      }
    }),
  );
  forget();
  const errors = outcomes.flatMap((outcome): unknown[] => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (errors.length === 0) return;
  throwIfAborted(signal, operation);
  throw errors.find((error) => !isProtosourceError(error, "cancelled")) ?? errors[0];
}
