import type { Clock } from "../clock.js";

/** Where a {@link FakeClock} stands when nothing else is said: the beginning of 2026, in microseconds. */
const DEFAULT_START = 1_767_225_600_000_000n;

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #now: bigint;

  /** `start` is in microseconds since the Unix epoch; by default the beginning of 2026. */
  constructor(start: bigint = DEFAULT_START) {
    this.#now = start;
  }

  now(): bigint {
    return this.#now;
  }

  /** Moves the clock on by whole seconds, or back by a negative number of them. */
  advanceSeconds(seconds: number): void {
    this.advanceMicros(BigInt(seconds) * 1_000_000n);
  }

  /** Moves the clock on by microseconds, or back by a negative number of them. */
  advanceMicros(micros: bigint): void {
    this.#now += micros;
  }
}
