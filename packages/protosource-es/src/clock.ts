/** Tells the time. */
export interface Clock {
  /** The time now, in microseconds since the Unix epoch. */
  now(): bigint;
}

/** The machine's clock. Two calls in one millisecond may give the same time. */
export const systemClock: Clock = {
  now: () => BigInt(Date.now()) * 1000n,
};

/** The whole seconds since the Unix epoch, which is the unit of every expiry. */
export function epochSeconds(clock: Clock): bigint {
  return clock.now() / 1_000_000n;
}
