/** Streams up to a moment. */
import type { Moment } from "../moment.js";
import { recordPages } from "../scanning.js";
import { envelopeOf } from "./event-view.js";
import { type ReadEvent, readEvents } from "./read-events.js";
import type { Studio } from "./studio.js";

/**
 * Gives the events of a stream up to a version, or up to the last that isn't later than a time, as a repository loads them:
 * where clocks differ, an earlier one may be later. What tells no time belongs to what is before it. `opens` says whether
 * what is sealed is opened.
 */
export async function* eventsUntil(
  { store, schemas }: Pick<Studio, "store" | "schemas">,
  { id, moment, opens }: { readonly id: string; readonly moment: Moment; readonly opens: boolean },
  signal: AbortSignal,
): AsyncGenerator<ReadEvent, void, undefined> {
  let held: ReadEvent[] = [];
  for await (const { records } of recordPages(store, { aggregateId: id, signal })) {
    for (const one of await readEvents(schemas, records, opens, signal)) {
      const { at } = envelopeOf(one.payload);
      const isPast = moment.isPast(one.scanned.record, at);
      if (isPast && moment.isFinal) return;
      held.push(one);
      if (isPast || (at === undefined && held.length > 1)) continue;
      yield* held;
      held = [];
    }
  }
}
