/** Which records of a stream make up the life of an aggregate, and from which of them its state is computed. */
import { type Aggregate, beginsLife } from "../aggregate/aggregate.js";
import { behaviourOf, type EventMessage } from "../aggregate/behaviour.js";
import { isStaleSnapshot } from "../aggregate/fingerprint.js";
import type { AggregateTypes } from "../aggregate/types.js";
import type { StoredRecord } from "../store/store.js";

/** A record, and its event once it is asked for. */
export interface LazyRecord {
  readonly record: StoredRecord;
  readonly event: () => EventMessage;
}

/** The last records of a stream, or all. */
export interface StreamEnd {
  readonly records: readonly LazyRecord[];
  /** Whether they are all that is stored. */
  readonly isWhole: boolean;
  /** When they had been read, in epoch seconds: an earlier time could find a life that had ended meanwhile. */
  readonly now: bigint;
}

/**
 * Finds the record from which to compute the state: the last one that is a snapshot, has version 1 or begins a life.
 * Neither it nor a record after it may have expired, for the state would lack that event.
 *
 * A snapshot that another domain made is passed over. Where nothing else is left to begin with, as where all before it
 * has expired or is archived, the first of them is as good as it gets: all that follows it is folded anew.
 *
 * Gives undefined when there is none, and `earlier` when these records don't tell because they aren't the whole.
 */
export function findBase<T extends AggregateTypes>(
  definition: Aggregate<T>,
  end: StreamEnd,
): number | "earlier" | undefined {
  return findLast(definition, end, true);
}

/** Finds the first record of the life that a whole stream ends with, or of what hasn't expired of it. */
export function findBeginning<T extends AggregateTypes>(definition: Aggregate<T>, end: StreamEnd): number {
  const found = findLast(definition, end, false);
  return typeof found === "number" ? found : firstAlive(end);
}

/**
 * Tells whether records begin at one before which none has expired that is still stored. Most likely it was deleted
 * since; but it may also be part of a transaction that a store shows little by little.
 */
export function beginsLate(end: StreamEnd): boolean {
  const first = firstAlive(end);
  const begin = end.records[first];
  return begin !== undefined && end.records[first - 1]?.record.version !== begin.record.version - 1n;
}

/**
 * Finds the last record that has version 1 or begins a life, or with `snapshots` has a state, and after which none has
 * expired.
 */
function findLast<T extends AggregateTypes>(
  definition: Aggregate<T>,
  end: StreamEnd,
  snapshots: boolean,
): number | "earlier" | undefined {
  const { records, isWhole } = end;
  const { events, snapshot } = behaviourOf(definition.schema);
  const first = firstAlive(end);
  let stale: number | undefined;
  for (let i = records.length - 1; i >= first; i--) {
    const { record, event } = records[i] as LazyRecord;
    if (record.version === 1n) return i;
    if (snapshots && snapshot?.stateIn(event()) !== undefined) {
      if (!isStaleSnapshot(definition, record)) return i;
      stale = i;
    }
    // What is before it is looked at only where it matters, and what has expired never: that is of a life that has ended.
    const mayGoOn = (events.get(event().$typeName)?.follows.size ?? 0) > 0;
    if (mayGoOn && i === 0 && !isWhole) return "earlier";
    if (beginsLife(definition, event(), mayGoOn ? eventBefore(definition, records, first, i) : undefined)) return i;
  }
  return first === 0 && !isWhole ? "earlier" : stale;
}

/** Finds the event before a record, snapshots left aside, and what is before the first that is alive. */
function eventBefore<T extends AggregateTypes>(
  { schema }: Aggregate<T>,
  records: readonly LazyRecord[],
  firstAlive: number,
  index: number,
): EventMessage | undefined {
  const { events } = behaviourOf(schema);
  const before = records.slice(firstAlive, index);
  return before.findLast(({ event }) => events.has(event().$typeName))?.event();
}

/** Finds the first record after which none has expired: none expires before the one before it. */
function firstAlive({ records, now }: StreamEnd): number {
  return records.findLastIndex(({ record: { ttl } }) => ttl > 0n && ttl <= now) + 1;
}
