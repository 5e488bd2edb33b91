/** The order in which a store was appended to, where it has one. */
import type { CallOptions } from "../call-options.js";
import { invalid } from "../errors.js";
import { whenAborted } from "../signals.js";
import type { StoredRecord } from "./store.js";

/** A record, and its place among all records of the store. */
export interface FeedEntry {
  /** Counts from 1 in the order of the saves, without a gap. No position is given twice, and none changes. */
  readonly position: bigint;
  readonly aggregateId: string;
  readonly record: StoredRecord;
  /**
   * When the event was saved that got the position, in microseconds, where the feed knows: a record of another time has
   * taken its place since.
   */
  readonly at?: bigint | undefined;
}

export interface FeedOptions extends CallOptions {
  /** The number of records to read at most. 100 by default. */
  readonly limit?: number | undefined;
}

/** A store in which all saves follow each other. */
export interface FeedStore {
  /**
   * Reads what was saved behind a position, in order. What was deleted since is left out.
   *
   * Throws `invalid_argument` for a position below 0 and a limit below 1.
   */
  readFeed(after: bigint, options?: FeedOptions): Promise<readonly FeedEntry[]>;

  /**
   * Waits until something is stored behind a position, or the signal is aborted; then it comes back without an error. What
   * was deleted since doesn't count.
   */
  awaitFeed(after: bigint, options?: CallOptions): Promise<void>;

  /** Gives a position behind which nothing is stored: where one begins who wants to know only what is to come. */
  feedEnd(options?: CallOptions): Promise<bigint>;
}

/** The number of records that are read at once when a limit doesn't say. */
export const FEED_PAGE = 100;

/** Checks the arguments of a read of a feed. Throws `invalid_argument`. */
export function checkFeed(after: bigint, { limit = FEED_PAGE }: FeedOptions): void {
  if (typeof after !== "bigint" || after < 0n) {
    throw invalid("after", `nothing lies behind the position ${after}: give a bigint from 0n`);
  }
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw invalid("limit", `the limit is ${limit}: give a whole number from 1`);
  }
}

/** Lets those who wait know that something was saved, in one process. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Waits until it rings, the time is over or the signal is aborted. */
  async wait(milliseconds: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    let wake = (): void => {};
    let forget = (): void => {};
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiting.add(wake);
      if (milliseconds !== undefined) timer = setTimeout(wake, milliseconds);
      forget = whenAborted(signal, wake);
    });
    clearTimeout(timer);
    this.#waiting.delete(wake);
    forget();
  }
}
