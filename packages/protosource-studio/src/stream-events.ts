/** The events of a stream, as they are read, and where among them a version or a time is. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { EventPage, EventSummary } from "protosource-cli/studio";
import { ask, type NoAnswer } from "./ask.js";
import { microsecondsOf } from "./moment.js";

/** Finds the event of a version, or the last one before it; -1 where there is none, and for what is no version. */
export function indexOf(events: readonly EventSummary[], version: string): number {
  const wanted = isVersion(version) ? BigInt(version) : 0n;
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (BigInt((events[middle] as EventSummary).version) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Finds the version that a text means: one, or the last one up to a time. */
export function versionAt(events: readonly EventSummary[], text: string): string | undefined {
  if (isVersion(text)) return text;
  const time = microsecondsOf(text);
  if (time === undefined) return undefined;
  const next = events.findIndex(({ at }) => at !== undefined && BigInt(at) > time);
  return events.at(next === -1 ? -1 : Math.max(0, next - 1))?.version;
}

function isVersion(text: string): boolean {
  return /^\d{1,19}$/.test(text);
}

/** What was read of a stream so far. */
export interface ReadEvents {
  readonly events: readonly EventSummary[];
  readonly unreadable: readonly string[];
  readonly cursor: string | undefined;
  readonly isReading: boolean;
  readonly error: NoAnswer | undefined;
}

const NOTHING: ReadEvents = { events: [], unreadable: [], cursor: undefined, isReading: true, error: undefined };

/** Reads a stream page by page: where reading is charged for, a page at a time. */
export function useEvents(
  id: string,
  isFree: boolean,
): { readonly read: Signal<ReadEvents>; readonly readOn: () => void } {
  const read = useSignal(NOTHING);
  const abort = useSignal<AbortController | undefined>(undefined);
  const start = async (): Promise<void> => {
    const own = new AbortController();
    abort.peek()?.abort();
    abort.value = own;
    do {
      const { cursor } = read.peek();
      read.value = { ...read.peek(), isReading: true, error: undefined };
      try {
        const limit = cursor === undefined ? undefined : "5000";
        const page = await ask<EventPage>("events", { id, cursor, limit }, own.signal);
        if (own.signal.aborted) return;
        const { events, unreadable } = read.peek();
        read.value = {
          events: events.concat(page.events),
          unreadable: [...unreadable, ...page.unreadable],
          cursor: page.cursor,
          isReading: false,
          error: undefined,
        };
      } catch (error) {
        if (own.signal.aborted) return;
        read.value = { ...read.peek(), isReading: false, error: error as NoAnswer };
        return;
      }
    } while (isFree && read.peek().cursor !== undefined);
  };
  useEffect(() => {
    read.value = NOTHING;
    void start();
    return () => abort.peek()?.abort();
  }, [id, isFree]);
  return { read, readOn: () => void start() };
}
