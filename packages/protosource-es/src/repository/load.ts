/** Step 1: the state of an aggregate, from the end of its stream where that is enough. */
import { type Aggregate, applyEvent, derive, emptyAggregate } from "../aggregate/aggregate.js";
import { type AggregateMessage, behaviourOf, type EventMessage } from "../aggregate/behaviour.js";
import { corruptRecord } from "../aggregate/decode-record.js";
import { type EventFormat, eventReader, type ReadEvent } from "../aggregate/event-reader.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { type Clock, epochSeconds } from "../clock.js";
import { type ErrorDetails, isProtosourceError } from "../errors.js";
import type { LoadOptions, SnapshotTailStore, Store, StoredRecord, StreamingStore } from "../store/store.js";
import { corruptStream } from "../store/stream-checks.js";
import { isTombstone } from "../store/tombstone.js";
import { beginsLate, findBase, findBeginning, type LazyRecord, type StreamEnd } from "./life.js";
import { type Moment, upTo } from "./moment.js";
import type { Call } from "./observed-operation.js";
import { pause } from "./pause.js";
import type { Setup } from "./setup.js";

/** Where streams are read from, and how. */
export interface StreamSource extends EventFormat {
  readonly store: Pick<Store, "load"> & Partial<SnapshotTailStore & StreamingStore>;
  readonly clock: Clock;
}

/** The state of an aggregate, or why there is none. */
export interface LoadedState<T extends AggregateTypes = AggregateTypes> {
  /** With its derived fields; undefined when there is no aggregate. */
  readonly aggregate: T["aggregate"] | undefined;
  /** The highest version that is stored, expired or not; 0 when nothing is. */
  readonly version: bigint;
  /** The last record that is stored, expired or not; undefined when nothing is. */
  readonly last: StoredRecord | undefined;
  /** When the first of the records behind the state expires, in epoch seconds; 0 for never. */
  readonly firstExpiry: bigint;
  /** How many events the state was computed from: those behind its snapshot, or all. Undefined when there is none. */
  readonly replayed: number | undefined;
  /** Why there is no aggregate. */
  readonly absence: ErrorDetails["not_found"]["reason"];
}

/** How a state is read, and as of when. */
export interface StateOptions extends Pick<LoadOptions, "consistency" | "signal"> {
  /** By default as it is now. */
  readonly at?: Moment | undefined;
}

/** How often a stream is read again that seems to have lost its beginning. */
const REREADS = 2;

/** How much longer the next tail is when one holds nothing to start from. */
const WIDENING = 4;

/**
 * Loads the state of an aggregate. Any failure is thrown: what can't be read is never taken for absent.
 *
 * Throws `unhandled_event` and `corrupt_record` with the version of the record, and `corrupt_stream`.
 */
export async function loadState<T extends AggregateTypes>(
  definition: Aggregate<T>,
  source: StreamSource,
  id: string,
  options: StateOptions,
): Promise<LoadedState<T>> {
  const behaviour = behaviourOf(definition.schema);
  const streamId = behaviour.streamPrefix + id;
  const { records, base } = await readEnd(definition, source, streamId, options);
  const last = records.at(-1)?.record;
  const version = last?.version ?? 0n;
  if (base === undefined) {
    return {
      aggregate: undefined,
      version,
      last,
      firstExpiry: 0n,
      replayed: undefined,
      absence: isDeleted({ records }) ? "deleted" : records.length === 0 ? "unknown" : "expired",
    };
  }
  const aggregate: AggregateMessage = emptyAggregate(definition);
  let firstExpiry = 0n;
  let replayed = 0;
  for (const [i, { record, event }] of records.slice(base).entries()) {
    const isCurrent = behaviour.events.has(event().$typeName);
    if (isCurrent) replayed++;
    if (record.ttl > 0n && (firstExpiry === 0n || record.ttl < firstExpiry)) firstExpiry = record.ttl;
    try {
      // A snapshot behind the base is one that was passed over.
      if (isCurrent || i === 0) applyEvent(definition, aggregate, event());
    } catch (cause) {
      if (!isProtosourceError(cause, "validation_failed")) throw cause;
      throw corruptRecord(
        streamId,
        record.version,
        `version ${record.version} of ${streamId}: ${cause.rawMessage}`,
        cause,
      );
    }
    aggregate.version = record.version;
  }
  derive(definition, aggregate);
  return { aggregate, version, last, firstExpiry, replayed, absence: "unknown" };
}

/**
 * Tells whether there is an aggregate. It reads what {@link loadState} reads, since each of those records may be the one
 * that has expired, and computes nothing.
 */
export async function findsState<T extends AggregateTypes>(
  definition: Aggregate<T>,
  source: StreamSource,
  id: string,
  options: StateOptions,
): Promise<boolean> {
  const { streamPrefix } = behaviourOf(definition.schema);
  const { base } = await readEnd(definition, source, streamPrefix + id, options);
  return base !== undefined;
}

/**
 * Reads the events of the life that an aggregate is in, oldest first, without snapshots and what has expired; none when
 * there is no aggregate. Throws what {@link loadState} does.
 */
export async function loadHistory<T extends AggregateTypes>(
  definition: Aggregate<T>,
  source: StreamSource,
  id: string,
  options: StateOptions,
): Promise<readonly EventMessage[]> {
  const { streamPrefix, events } = behaviourOf(definition.schema);
  const end = await readEnd(definition, source, streamPrefix + id, { ...options, whole: true });
  if (end.base === undefined) return [];
  return end.records
    .slice(findBeginning(definition, end))
    .map(({ event }) => event())
    .filter(({ $typeName }) => events.has($typeName));
}

/** Loads the state of an aggregate of a repository, and tells the observer what it was made from. */
export async function readState(
  { definition, store, format }: Setup,
  id: string,
  { signal, facts }: Call,
  options: Omit<StateOptions, "signal"> = {},
): Promise<LoadedState> {
  const loaded = await loadState(definition, { ...format, store }, id, { ...options, signal });
  facts.replayed = loaded.replayed;
  return loaded;
}

/** What was read of a stream. */
interface FoundEnd extends StreamEnd {
  /** The index of the record from which to compute the state; undefined when there is no state. */
  readonly base: number | undefined;
}

/**
 * Reads as much of a stream as a state needs, or `whole`. What seems to have lost its beginning is read again, strongly.
 */
async function readEnd<T extends AggregateTypes>(
  definition: Aggregate<T>,
  source: StreamSource,
  streamId: string,
  options: StateOptions & { readonly whole?: boolean },
): Promise<FoundEnd> {
  let end = await readOnce(definition, source, streamId, options);
  for (let reread = 1; reread <= REREADS && end.base === undefined && !isDeleted(end) && beginsLate(end); reread++) {
    await pause(reread, options.signal);
    end = await readOnce(definition, source, streamId, { ...options, consistency: "strong" });
  }
  return end;
}

/**
 * Reads a stream once: where snapshots are written, a tail of as many records as lie between two. One may be missing
 * there, since the interval may have changed and events may have been imported without any.
 */
async function readOnce<T extends AggregateTypes>(
  definition: Aggregate<T>,
  source: StreamSource,
  streamId: string,
  { consistency, signal, at, whole = false }: StateOptions & { readonly whole?: boolean },
): Promise<FoundEnd> {
  const read = { ...source, streamId, at, options: { consistency, signal, includeExpired: true } };
  const interval = behaviourOf(definition.schema).snapshot?.interval ?? 0;
  if (interval > 0 && !whole) {
    for (let length = interval; Number.isSafeInteger(length); length *= WIDENING) {
      const records = await readTail(read, length);
      if (records === undefined) break;
      const end = await endOf(definition, read, records, records.length < length);
      if (end !== "earlier") return end;
    }
  }
  return (await endOf(definition, read, await readAll(read), true)) as FoundEnd;
}

/** What to read of which stream. */
interface EndRead extends StreamSource, Pick<StateOptions, "at"> {
  readonly streamId: string;
  readonly options: LoadOptions;
}

/** Reads the last records up to a version, or of all; undefined where the store can't without the others. */
async function readTail(
  { store, streamId, at, options }: EndRead,
  length: number,
): Promise<readonly StoredRecord[] | undefined> {
  if (typeof at !== "bigint") return (await store.loadTail?.(streamId, length, options))?.records;
  if (store.events === undefined) return undefined;
  const records: StoredRecord[] = [];
  const tail = { ...options, to: at, reverse: true, limit: length };
  for await (const record of store.events(streamId, tail)) records.push(record);
  return records.reverse();
}

/** Reads all records, or those up to a version where the store can leave out the others. */
async function readAll({ store, streamId, at, options }: EndRead): Promise<readonly StoredRecord[]> {
  if (typeof at !== "bigint" || store.events === undefined) return (await store.load(streamId, options)).records;
  const records: StoredRecord[] = [];
  for await (const record of store.events(streamId, { ...options, to: at })) records.push(record);
  return records;
}

/** Finds the base among records that have just been read. Throws `corrupt_stream` where it must be, and isn't. */
async function endOf<T extends AggregateTypes>(
  definition: Aggregate<T>,
  { clock, streamId, at, options, ...format }: EndRead,
  stored: readonly StoredRecord[],
  isWhole: boolean,
): Promise<FoundEnd | "earlier"> {
  const behaviour = behaviourOf(definition.schema);
  const last = stored.at(-1);
  if (last !== undefined && isTombstone(last)) return endOfDeleted(last, epochSeconds(clock));
  const read = await eventReader(definition, format, streamId, stored, { signal: options.signal });
  const all = stored.map((record) => lazyRecord(record, read));
  const records = at === undefined ? all : upTo(at, all);
  const end = { records, isWhole, now: epochSeconds(clock) };
  const base = findBase(definition, end);
  if (base === "earlier") return base;
  const neverExpires = behaviour.ttlSeconds === 0n && records.every(({ record }) => record.ttl === 0n);
  if (base === undefined && records.length > 0 && neverExpires) {
    throw corruptStream(streamId, { problem: "gap", version: 1n });
  }
  return { ...end, base };
}

/** Tells whether what was read ends with a tombstone. */
function isDeleted({ records }: Pick<StreamEnd, "records">): boolean {
  const last = records.at(-1)?.record;
  return last !== undefined && isTombstone(last);
}

/** What is left of a stream whose aggregate was deleted, whatever of its events is still there. */
function endOfDeleted(tombstone: StoredRecord, now: bigint): FoundEnd {
  const event = (): never => {
    throw new TypeError("a tombstone holds no event");
  };
  return { records: [{ record: tombstone, event }], isWhole: true, now, base: undefined };
}

function lazyRecord(record: StoredRecord, read: ReadEvent): LazyRecord {
  let event: EventMessage | undefined;
  return {
    record,
    event() {
      event ??= read(record);
      return event;
    },
  };
}
