/** The events of a stream, as they are read, and where among them a version or a time is. */
import type { EventPage, EventSummary } from "protosource-cli/studio";
import { ask } from "./ask.js";
import { microsecondsOf } from "./moment.js";
import { type PagesRead, usePages } from "./use-pages.js";

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
  const time = microsecondsOf(text, "9");
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
}

/** Reads a stream: where reading is charged for, a page at a time. */
export function useEvents(id: string, isFree: boolean): PagesRead<ReadEvents> {
  return usePages<ReadEvents>({
    of: [id, isFree],
    nothing: { events: [], unreadable: [], cursor: undefined },
    async next({ events, unreadable, cursor }, signal) {
      const limit = cursor === undefined ? undefined : "5000";
      const page = await ask<EventPage>("events", { id, cursor, limit }, signal);
      return {
        events: events.concat(page.events),
        unreadable: unreadable.concat(page.unreadable),
        cursor: page.cursor,
      };
    },
    goesOn: () => isFree,
  });
}
