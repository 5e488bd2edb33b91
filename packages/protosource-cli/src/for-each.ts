/** Work on several things at once. */
import { setMaxListeners } from "node:events";

/** Runs work on each item, some at a time. The first failure is thrown once what is under way has ended. */
export async function forEach<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  let hasFailed = false;
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (hasFailed) return;
      try {
        await work(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/**
 * Runs work for each number below `count`, all at once. One that fails ends the others by their signal, and is thrown.
 * Nothing is left on the caller's signal, which lives as long as the program.
 */
export async function allAtOnce(
  count: number,
  signal: AbortSignal,
  work: (number: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const forward = (): void => stop.abort(signal.reason);
  signal.addEventListener("abort", forward, { once: true });
  if (signal.aborted) forward();
  let failure: { readonly error: unknown } | undefined;
  const one = (number: number): Promise<void> =>
    work(number, stop.signal).catch((error: unknown) => {
      failure ??= { error };
      stop.abort();
    });
  await Promise.all(Array.from({ length: count }, (_, number) => one(number)));
  signal.removeEventListener("abort", forward);
  if (failure) throw failure.error;
}
