/** A part of an aggregate's history. */
import type { Aggregate } from "../aggregate/aggregate.js";
import { behaviourOf, type EventMessage } from "../aggregate/behaviour.js";
import { eventReader } from "../aggregate/event-reader.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { checkRange } from "../store/save-checks.js";
import type { StoredRecord, StreamingStore } from "../store/store.js";
import { loadHistory, type StreamSource } from "./load.js";
import type { HistoryOptions } from "./repository-options.js";

/**
 * Reads the events of a range of versions of the life that an aggregate is in, without snapshots. Where no event
 * has a time to live and a stream begins with what never expires there is one life, so that nothing else is read;
 * elsewhere all of the stream is.
 */
export async function readHistory<T extends AggregateTypes>(
  definition: Aggregate<T>,
  source: StreamSource & { readonly store: Partial<StreamingStore> },
  id: string,
  options: HistoryOptions,
): Promise<readonly EventMessage[]> {
  const { from, to, limit = Number.POSITIVE_INFINITY, reverse = false, signal } = options;
  checkRange(options);
  const isWhole = from === undefined && to === undefined && limit === Number.POSITIVE_INFINITY;
  const { store } = source;
  const behaviour = behaviourOf(definition.schema);
  const streamId = behaviour.streamPrefix + id;
  const expires = behaviour.ttlSeconds > 0n;
  if (isWhole || store.events === undefined || expires || (await mayBeginAnew(store, streamId, signal))) {
    const events = await loadHistory(definition, source, id, { signal });
    const found = events.filter(({ version }) => version >= (from ?? version) && version <= (to ?? version));
    return (reverse ? found.toReversed() : found).slice(0, limit);
  }
  const range = { from, to, reverse, limit, signal };
  const events: EventMessage[] = [];
  for await (const record of recordsOf(store.events.bind(store), streamId, behaviour.snapshot?.interval ?? 0, range)) {
    const read = await eventReader(definition, source, streamId, [record], { signal });
    const event = read(record);
    if (behaviour.events.has(event.$typeName)) events.push(event);
    if (events.length >= limit) break;
  }
  return events;
}

/**
 * Reads the records of a range, and of those little more than a number of events needs: each part is as long as these
 * are with the snapshots that lie between them, one for `interval` versions.
 */
async function* recordsOf(
  events: StreamingStore["events"],
  streamId: string,
  interval: number,
  { limit, ...range }: HistoryOptions & { readonly limit: number },
): AsyncIterable<StoredRecord> {
  const snapshots = interval === 0 ? 0 : Math.ceil(limit / Math.max(1, interval - 1));
  const length = Number.isSafeInteger(limit + snapshots) ? limit + snapshots : undefined;
  let { from = 1n, to } = range;
  while (to === undefined || from <= to) {
    let given = 0;
    for await (const record of events(streamId, { ...range, from, to, limit: length })) {
      given++;
      yield record;
      if (range.reverse) to = record.version - 1n;
      else from = record.version + 1n;
    }
    if (given !== length) return;
  }
}

/** Tells whether a stream may hold the end of one life and the beginning of another. */
async function mayBeginAnew(
  store: Partial<StreamingStore>,
  streamId: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const first = { limit: 1, includeExpired: true, signal };
  for await (const { version, ttl } of store.events?.(streamId, first) ?? []) return version !== 1n || ttl > 0n;
  return false;
}
