import { whenAborted } from "../signals.js";

/** Where several put what one takes, until a signal is aborted. */
export interface Arrivals<T> {
  /** Puts something there, and waits until it is taken: nobody is more than one ahead. */
  put(item: T): Promise<void>;
  /** Makes `take` throw. */
  fail(error: unknown): void;
  /** Takes all that has arrived, and waits for the first if there is none. Gives nothing when the signal was aborted. */
  take(): Promise<readonly T[]>;
}

/** Makes an empty one. Whoever waits goes on when the signal is aborted. */
export function createArrivals<T>(signal: AbortSignal): Arrivals<T> {
  let waiting: { readonly item: T; readonly taken: () => void }[] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => {};
  const untilAborted = async (wait: (resolve: () => void) => void): Promise<void> => {
    let forget = (): void => {};
    await new Promise<void>((resolve) => {
      wait(resolve);
      forget = whenAborted(signal, resolve);
    });
    forget();
  };
  return {
    async put(item) {
      await untilAborted((taken) => {
        waiting.push({ item, taken });
        wake();
      });
    },
    fail(error) {
      failure ??= { error };
      wake();
    },
    async take() {
      if (waiting.length === 0 && failure === undefined) {
        await untilAborted((resolve) => {
          wake = resolve;
        });
      }
      if (signal.aborted) return [];
      if (failure !== undefined) throw failure.error;
      const all = waiting;
      waiting = [];
      for (const { taken } of all) taken();
      return all.map(({ item }) => item);
    },
  };
}
