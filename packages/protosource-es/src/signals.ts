/** Waiting for signals that many calls share, such as the one that ends a program. */

interface Listening {
  readonly waiting: Set<() => void>;
  readonly listener: () => void;
}

const listening = new WeakMap<AbortSignal, Listening>();

/**
 * Calls a function when a signal is aborted, or at once if it is, unless the one that is given back was called before.
 * All who wait for a signal share one listener: Node warns of more than ten, and a signal that ends a program has many
 * calls. Whoever waits no longer must say so, since a signal that lives long keeps all that it calls.
 */
export function whenAborted(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal?.aborted) run();
  if (!signal || signal.aborted) return () => {};
  let found = listening.get(signal);
  if (!found) {
    const waiting = new Set<() => void>();
    const listener = (): void => {
      for (const one of waiting) one();
    };
    found = { waiting, listener };
    listening.set(signal, found);
    signal.addEventListener("abort", found.listener, { once: true });
  }
  const { waiting, listener } = found;
  // Two may wait with the same function.
  const one = (): void => run();
  waiting.add(one);
  return () => {
    waiting.delete(one);
    if (waiting.size > 0) return;
    signal.removeEventListener("abort", listener);
    listening.delete(signal);
  };
}

/** Lets timers and signals have their turn, which a store that answers at once never does. */
export function otherTurns(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Waits, or until the signal is aborted. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  let forget = (): void => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    forget = whenAborted(signal, resolve);
  });
  clearTimeout(timer);
  forget();
}

/**
 * Runs work with a signal that is aborted when one of two is, and keeps nothing with them once the work has ended. What
 * `AbortSignal.any` gives, Node 20 keeps with a signal as long as that lives.
 */
export async function withEither<T>(
  first: AbortSignal | undefined,
  second: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (!first) return run(second);
  const either = new AbortController();
  const forgets = [first, second].map((signal) => whenAborted(signal, () => either.abort(signal.reason)));
  try {
    return await run(either.signal);
  } finally {
    for (const forget of forgets) forget();
  }
}
