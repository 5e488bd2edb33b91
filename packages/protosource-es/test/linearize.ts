/** Tells whether calls that overlapped can have happened one after another: the search of Wing and Gong, with a memory. */

/** A call as its caller saw it. */
export interface Call<S> {
  /** Times of one clock that all callers share. */
  readonly begun: number;
  /** Infinity when nobody heard how it ended. */
  readonly ended: number;
  /** Gives the state behind it, the same object for a call that only reads; undefined when it can't happen in a state. */
  readonly next: (state: S) => S | undefined;
}

/** Tells whether the calls have an order that agrees with time, and in which each can follow the one before. */
export function canBeOrdered<S>(calls: readonly Call<S>[], initial: S, nameOf: (state: S) => string): boolean {
  const sorted = calls.toSorted((a, b) => a.begun - b.begun);
  const tried = new Set<string>();

  const goesOn = (state: S, placed: ReadonlySet<number>): boolean => {
    const now = new Set(placed);
    let choices: readonly number[];
    do choices = possible(sorted, now);
    while (
      // A read that is right by now can't be in anybody's way.
      choices.some((i) => sorted[i]?.next(state) === state && now.add(i))
    );
    if (now.size === sorted.length) return true;
    const name = `${[...now].sort((a, b) => a - b)} ${nameOf(state)}`;
    if (tried.has(name)) return false;
    tried.add(name);
    return choices.some((i) => {
      const next = sorted[i]?.next(state);
      return next !== undefined && goesOn(next, new Set(now).add(i));
    });
  };
  return goesOn(initial, new Set());
}

/** The calls that may come next: those that began before any other that is left had ended. */
function possible<S>(sorted: readonly Call<S>[], placed: ReadonlySet<number>): readonly number[] {
  const left = [...sorted.keys()].filter((i) => !placed.has(i));
  const end = left.reduce((least, i) => Math.min(least, sorted[i]?.ended ?? 0), Number.POSITIVE_INFINITY);
  return left.filter((i) => (sorted[i]?.begun ?? 0) <= end);
}
