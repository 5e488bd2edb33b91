/** Which of the records behind a position are handled at once. */
import { beginsLife } from "../aggregate/aggregate.js";
import type { EventMessage } from "../aggregate/behaviour.js";
import { ProtosourceError } from "../errors.js";
import type { SaveMeta } from "../store/meta.js";
import type { StoredPosition } from "../store/positions.js";
import type { StoredRecord } from "../store/store.js";
import { isTombstone } from "../store/tombstone.js";
import type { Engine } from "./engine.js";
import { eventsOf } from "./event-of.js";
import { endedMemo, isEnded, readRecords } from "./find-events.js";
import type { EventRun, SubscriptionSource } from "./subscription.js";

/** A run, and when the last of its events expires. */
export interface NextRun {
  readonly run: EventRun;
  readonly expiry: bigint;
}

/** A version that can't be handled, whatever the subscription. */
export interface Poison {
  readonly version: bigint;
  readonly error: ProtosourceError;
}

/**
 * Makes the next run of records behind a position: of one life, of events that can be read, and with `maxEvents` that the
 * subscription handles. The end of a life is a run of its own. Gives the poison where the very first record is one.
 */
export async function nextRun(
  engine: Engine,
  source: SubscriptionSource,
  position: StoredPosition,
  records: readonly StoredRecord[],
  maxEvents: number,
): Promise<NextRun | Poison> {
  const { streamId, version: from } = position;
  const { definition, behaviour } = source;
  const hadLife = from > 0n && !isEnded(position);
  const events: EventMessage[] = [];
  const metas = new Map<bigint, SaveMeta>();
  let before: EventMessage | undefined;
  let to = from;
  let expiry = position.expiry;
  const eventOf = await eventsOf(engine, source, streamId, records);
  for (const record of records) {
    if (isTombstone(record)) {
      if (to > from) break;
      if (hadLife) return { run: endOf(source, position), expiry };
      return { run: { ...runOf(source, position), to: record.version, memo: endedMemo() }, expiry: record.ttl };
    }
    const read = eventOf(record);
    if ("error" in read) {
      if (to === from) return { version: record.version, error: read.error };
      break;
    }
    const { event, meta } = read;
    // Neither a snapshot nor an event that is ignored.
    const happened = behaviour.events.has(event.$typeName);
    if (happened && to === from && hadLife) before = await eventBefore(engine, source, position, event);
    const begins = happened && beginsLife(definition, event, before);
    if (begins && to > from && before !== undefined) break;
    if (begins && to === from && hadLife) return { run: endOf(source, position), expiry };
    if (to === from && record.version !== from + 1n && !begins) {
      // Whoever skips it goes on with what is there.
      return { version: record.version - 1n, error: historyLost(streamId, from + 1n, record.version) };
    }
    if (source.handles.has(event.$typeName)) {
      if (events.length === maxEvents) break;
      events.push(event);
      if (meta !== undefined) metas.set(record.version, meta);
    }
    if (happened) before = event;
    to = record.version;
    expiry = record.ttl;
  }
  const memo = isEnded(position) ? new Uint8Array() : position.memo;
  return { run: { ...runOf(source, position), to, events, metas, memo }, expiry };
}

/** Makes the run that ends the life that a position is in. */
export function endOf(source: SubscriptionSource, position: StoredPosition): EventRun {
  return { ...runOf(source, position), ended: true };
}

function runOf(source: SubscriptionSource, { streamId, version, memo, kept }: StoredPosition): EventRun {
  const id = streamId.slice(source.behaviour.streamPrefix.length);
  return { source, streamId, id, from: version, to: version, events: [], metas: new Map(), ended: false, memo, kept };
}

/**
 * Reads the event before the first of a run where that tells whether it begins a life: a creation command may emit the
 * same event twice.
 */
async function eventBefore(
  engine: Engine,
  source: SubscriptionSource,
  { streamId, version }: StoredPosition,
  event: EventMessage,
): Promise<EventMessage | undefined> {
  const { behaviour } = source;
  const found = behaviour.events.get(event.$typeName);
  if (!found?.isFirst || found.follows.size === 0) return undefined;
  // A snapshot may lie between the two, and any number of retired events that are ignored.
  const limit = behaviour.retired.size === 0 ? 2 : undefined;
  const { records } = await readRecords(engine, streamId, { to: version, reverse: true, limit });
  const eventOf = await eventsOf(engine, source, streamId, records);
  for (const record of records) {
    const read = eventOf(record);
    if ("error" in read) return undefined;
    if (behaviour.events.has(read.event.$typeName)) return read.event;
  }
  return undefined;
}

function historyLost(streamId: string, version: bigint, first: bigint): ProtosourceError<"corrupt_stream"> {
  return new ProtosourceError(
    "corrupt_stream",
    `history_lost: ${streamId} goes on at version ${first}, and what came from ${version} on is gone before it was handled: restore it, or skip to there`,
    { aggregateId: streamId, problem: "gap", version },
  );
}
