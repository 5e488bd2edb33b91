/** Reading page by page: until all is read, it was stopped, or something went wrong. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { NoAnswer } from "./ask.js";

/** What was read so far. */
export type Pages<T> = T & {
  /** `idle` before the first page is asked for. */
  readonly stage: "idle" | "reading" | "stopped" | "done";
  /** Why it stopped, where nobody told it to. */
  readonly error: NoAnswer | undefined;
};

export interface PagesOptions<T> {
  /** What is read: whatever changes in it begins anew. */
  readonly of: readonly (string | boolean | undefined)[];
  /** What is known before the first page. */
  readonly nothing: T;
  /** Reads the next page, and joins it to what was read before. */
  readonly next: (read: T, signal: AbortSignal) => Promise<T>;
  /** Whether it goes on by itself. Where reading is charged for, it doesn't. */
  readonly goesOn: (read: T) => boolean;
  /** Whether it begins by itself. True by default. */
  readonly begins?: boolean | undefined;
}

export interface PagesRead<T> {
  readonly read: Signal<Pages<T>>;
  /** Begins anew. */
  readonly begin: () => void;
  /** Goes on where it stopped. */
  readonly readOn: () => void;
  readonly stop: () => void;
}

/** Reads pages for as long as a screen is shown. */
export function usePages<T extends { readonly cursor: string | undefined }>(options: PagesOptions<T>): PagesRead<T> {
  const { of, nothing, next, goesOn, begins = true } = options;
  const idle: Pages<T> = { ...nothing, stage: "idle", error: undefined };
  const read = useSignal(idle);
  const abort = useSignal(new AbortController());
  const readOn = async (): Promise<void> => {
    abort.peek().abort();
    abort.value = new AbortController();
    const { signal } = abort.peek();
    do {
      read.value = { ...read.peek(), stage: "reading", error: undefined };
      try {
        const joined = await next(read.peek(), signal);
        if (signal.aborted) return;
        read.value = { ...joined, stage: joined.cursor === undefined ? "done" : "stopped", error: undefined };
      } catch (error) {
        if (!signal.aborted) read.value = { ...read.peek(), stage: "stopped", error: error as NoAnswer };
        return;
      }
    } while (read.peek().cursor !== undefined && goesOn(read.peek()));
  };
  const begin = (): void => {
    read.value = idle;
    void readOn();
  };
  const stop = (): void => {
    abort.peek().abort();
    read.value = { ...read.peek(), stage: "stopped" };
  };
  useEffect(() => {
    if (begins) begin();
    else read.value = idle;
    return () => abort.peek().abort();
  }, of);
  return { read, begin, readOn: () => void readOn(), stop };
}
