/** How long what a save brings is stored. */
import type { AggregateMessage, EventMessage } from "../aggregate/behaviour.js";
import { epochSeconds } from "../clock.js";
import { ProtosourceError } from "../errors.js";
import type { StoredRecord } from "../store/store.js";
import { type AppendOptions, takeSnapshot } from "./emit.js";
import type { Setup } from "./setup.js";
import type { WarmState } from "./warm-aggregates.js";

/** What a save comes after. */
type Before = Pick<WarmState, "aggregate" | "version" | "last" | "firstExpiry" | "isKept">;

/** How long before it expires a record is watched: longer than a save takes, with room for clocks that differ. */
const WATCHED_SECONDS = 60n;

/**
 * Gives when each record of a save expires, in epoch seconds; 0 for never: as late as the schema or else the store says,
 * and never before the record before it. So what is still stored of a stream is whole, whatever time to live its writers
 * had and however their clocks differ.
 *
 * What never expires does so only from a record on that needs none before it, since a life ends with its beginning.
 */
export function expiriesOf(setup: Setup, events: readonly EventMessage[], { last, firstExpiry }: Before): bigint[] {
  const own = ownExpiry(setup);
  let before = last?.ttl;
  let ends = firstExpiry > 0n;
  return events.map((event) => {
    ends &&= !isBase(setup, event);
    if (before === undefined) return own;
    if (own > 0n && before > 0n) before = own > before ? own : before;
    else if (!(own === 0n && ends)) before = 0n;
    return before;
  });
}

/**
 * Makes the snapshot that has to follow the events of a save though none is due. When events no longer expire, it
 * carries the state on beyond the end of those that do. And behind what has expired it is the beginning of a life that
 * no creation begins. Gives undefined when none is needed; where the schema has none, a life ends as it would have.
 *
 * Throws `not_created` for a life that would have no beginning.
 */
export function carryOn(
  setup: Setup,
  before: Before,
  events: readonly EventMessage[],
  aggregate: AggregateMessage,
  options: Pick<AppendOptions, "at" | "accepts">,
): EventMessage | undefined {
  if (events.length === 0 || events.some((event) => isBase(setup, event))) return undefined;
  const lacksBeginning = before.aggregate === undefined && before.version > 0n;
  const outlives = before.firstExpiry > 0n && ownExpiry(setup) === 0n;
  if (!lacksBeginning && !outlives) return undefined;
  const snapshot = takeSnapshot(setup.definition, aggregate, options);
  if (snapshot !== undefined || !lacksBeginning) return snapshot;
  const { id } = aggregate;
  throw new ProtosourceError(
    "not_created",
    `${setup.behaviour.schema.typeName} ${id} has expired, and isn't deleted yet: create it by a creation command`,
    { aggregateId: id },
  );
}

/**
 * Gives the record that must be stored still, just as it was read, for a save to come after it: one that has expired or
 * soon does, which a store may delete at any moment, so that the id is created anew behind the writer's back; and one
 * that a state in the cache stands on. Any other stays where it is.
 */
export function watchedRecord({ clock, options }: Setup, { last, isKept }: Before): StoredRecord | undefined {
  if (last === undefined) return undefined;
  const mayGo = last.ttl > 0n && last.ttl <= epochSeconds(clock) + WATCHED_SECONDS;
  return mayGo || (isKept && (options.guardCache ?? true)) ? last : undefined;
}

/** When the first of the records behind the state after a save expires, in epoch seconds; 0 for never. */
export function firstExpiryAfter(
  setup: Setup,
  { aggregate, firstExpiry }: Before,
  events: readonly EventMessage[],
  records: readonly StoredRecord[],
): bigint {
  const base = events.findLastIndex((event) => isBase(setup, event));
  if (base === -1 && aggregate !== undefined) return firstExpiry;
  return records[Math.max(base, 0)]?.ttl ?? 0n;
}

function ownExpiry({ behaviour, store, clock }: Setup): bigint {
  const seconds = behaviour.ttlSeconds > 0n ? behaviour.ttlSeconds : BigInt(store.ttlSeconds ?? 0);
  return seconds > 0n ? epochSeconds(clock) + seconds : 0n;
}

function isBase({ behaviour }: Setup, { $typeName }: EventMessage): boolean {
  return behaviour.snapshot?.schema.typeName === $typeName || behaviour.events.get($typeName)?.isFirst === true;
}
