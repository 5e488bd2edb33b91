/** Step 1: the state of an aggregate, from the end of its stream where that is enough. */
import type { Message } from "@bufbuild/protobuf";
import { type Aggregate, applyEvent, derive, emptyAggregate } from "../aggregate/aggregate.js";
import { type AggregateMessage, type Behaviour, behaviourOf, type EventMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { type Clock, epochSeconds } from "../clock.js";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { decompress } from "../gzip/gzip.js";
import type { Serializer } from "../serializer/serializer.js";
import type { LoadOptions, SnapshotTailStore, Store, StoredRecord } from "../store/store.js";
import { corruptStream } from "../store/stream-checks.js";
import type { Call } from "./observed-operation.js";
import { pause } from "./pause.js";
import type { Setup } from "./setup.js";

/** Where streams are read from, and how. */
export interface StreamSource {
  readonly store: Pick<Store, "load"> & Partial<SnapshotTailStore>;
  readonly serializer: Serializer;
  readonly clock: Clock;
}

/** The state of an aggregate, or why there is none. */
export interface LoadedState<T extends AggregateTypes = AggregateTypes> {
  /** With its derived fields; undefined when there is no aggregate. */
  readonly aggregate: T["aggregate"] | undefined;
  /** The highest version that is stored, expired or not; 0 when nothing is. */
  readonly version: bigint;
  /** When the last record expires, in epoch seconds; 0 for never. */
  readonly expiry: bigint;
  /** When the first of the records behind the state expires, in epoch seconds; 0 for never. */
  readonly firstExpiry: bigint;
  /** How many events the state was computed from: those behind its snapshot, or all. Undefined when there is none. */
  readonly replayed: number | undefined;
  /** Why there is no aggregate. */
  readonly absence: "unknown" | "expired";
}

/** How a state is read. */
export type StateOptions = Pick<LoadOptions, "consistency" | "signal">;

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
  const now = epochSeconds(source.clock);
  let { records, base } = await readFromBase(behaviour, source, streamId, options, now);
  for (let reread = 1; reread <= REREADS && base === undefined && beginsLate(records, now); reread++) {
    await pause(reread, options.signal);
    const strong = { ...options, consistency: "strong" } as const;
    ({ records, base } = await readFromBase(behaviour, source, streamId, strong, now));
  }
  const { version, ttl: expiry } = records.at(-1) ?? { version: 0n, ttl: 0n };
  if (base === undefined) {
    return {
      aggregate: undefined,
      version,
      expiry,
      firstExpiry: 0n,
      replayed: undefined,
      absence: records.length === 0 ? "unknown" : "expired",
    };
  }
  const aggregate: AggregateMessage = emptyAggregate(definition);
  let firstExpiry = 0n;
  let replayed = 0;
  for (const record of records.slice(base)) {
    if (behaviour.events.has(record.event().$typeName)) replayed++;
    if (record.ttl > 0n && (firstExpiry === 0n || record.ttl < firstExpiry)) firstExpiry = record.ttl;
    try {
      applyEvent(definition, aggregate, record.event());
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
  return { aggregate, version, expiry, firstExpiry, replayed, absence: "unknown" };
}

/** Loads the state of an aggregate of a repository, and tells the observer what it was made from. */
export async function readState(
  { definition, store, format }: Setup,
  id: string,
  { signal, facts }: Call,
  consistency?: LoadOptions["consistency"],
): Promise<LoadedState> {
  const loaded = await loadState(definition, { ...format, store }, id, { consistency, signal });
  facts.replayed = loaded.replayed;
  return loaded;
}

/** Reads the event in a record. Throws `unhandled_event` and `corrupt_record` with the record's version. */
export function decodeRecord(
  behaviour: Behaviour,
  serializer: Serializer,
  streamId: string,
  record: StoredRecord,
): EventMessage {
  const key = `version ${record.version} of ${streamId}`;
  let event: Message;
  try {
    event = serializer.deserialize(decompress(record.data, key), behaviour.registry, key);
  } catch (cause) {
    if (isProtosourceError(cause, "unhandled_event"))
      throw unhandledEvent(streamId, record.version, cause.details.typeName);
    if (isProtosourceError(cause, "corrupt_record"))
      throw corruptRecord(streamId, record.version, cause.rawMessage, cause);
    throw cause;
  }
  if (behaviour.events.has(event.$typeName) || behaviour.snapshot?.schema.typeName === event.$typeName) {
    return event as EventMessage;
  }
  throw unhandledEvent(streamId, record.version, event.$typeName);
}

/** A record, and its event once it is asked for. */
interface LazyRecord {
  readonly version: bigint;
  readonly ttl: bigint;
  readonly event: () => EventMessage;
}

interface StreamEnd {
  readonly records: readonly LazyRecord[];
  /** The index of the record from which to compute the state; undefined when there is no state. */
  readonly base: number | undefined;
}

/**
 * Reads as much of a stream as a state needs: where snapshots are written, a tail of as many records as lie between
 * two. One may be missing there, since the interval may have changed and events may have been imported without any.
 */
async function readFromBase(
  behaviour: Behaviour,
  { store, serializer }: StreamSource,
  streamId: string,
  stateOptions: StateOptions,
  now: bigint,
): Promise<StreamEnd> {
  const options = { ...stateOptions, includeExpired: true };
  const interval = behaviour.snapshot?.interval ?? 0;
  if (store.loadTail !== undefined && interval > 0) {
    for (let length = interval; Number.isSafeInteger(length); length *= WIDENING) {
      const { records } = await store.loadTail(streamId, length, options);
      const tail = records.map((record) => lazyRecord(behaviour, serializer, streamId, record));
      const base = findBase(behaviour, streamId, tail, records.length < length, now);
      if (base !== "earlier") return { records: tail, base };
    }
  }
  const history = await store.load(streamId, options);
  const records = history.records.map((record) => lazyRecord(behaviour, serializer, streamId, record));
  return { records, base: findBase(behaviour, streamId, records, true, now) as number | undefined };
}

/**
 * Finds the record from which to compute the state: version 1, the last snapshot, or a creation before which nothing
 * counts any more. No record after it may have expired, for the state would lack that event.
 *
 * Gives `earlier` when these records don't tell because they aren't the `whole` of what is stored.
 */
function findBase(
  { snapshot, events, ttlSeconds }: Behaviour,
  streamId: string,
  records: readonly LazyRecord[],
  whole: boolean,
  now: bigint,
): number | "earlier" | undefined {
  const first = firstAlive(records, now);
  if (snapshot === undefined && records[first]?.version === 1n) return first;
  let creation: number | undefined;
  for (let i = records.length - 1; i >= first; i--) {
    const { version, event } = records[i] as LazyRecord;
    if (version === 1n || snapshot?.stateIn(event()) !== undefined) return i;
    if (events.get(event().$typeName)?.creation) creation = i;
  }
  if (first === 0 && !whole) return "earlier";
  if (creation === undefined && records.length > 0 && ttlSeconds === 0n && records.every(({ ttl }) => ttl === 0n)) {
    throw corruptStream(streamId, { problem: "gap", version: 1n });
  }
  return creation;
}

/**
 * Tells that records begin at one before which none has expired that is still stored. Most likely it was deleted since;
 * but it may also be part of a transaction that a store shows little by little.
 */
function beginsLate(records: readonly LazyRecord[], now: bigint): boolean {
  const first = firstAlive(records, now);
  const begin = records[first];
  return begin !== undefined && records[first - 1]?.version !== begin.version - 1n;
}

/** Finds the first record after which none has expired. */
function firstAlive(records: readonly LazyRecord[], now: bigint): number {
  return records.findLastIndex(({ ttl }) => ttl > 0n && ttl <= now) + 1;
}

function lazyRecord(behaviour: Behaviour, serializer: Serializer, streamId: string, record: StoredRecord): LazyRecord {
  let event: EventMessage | undefined;
  return {
    version: record.version,
    ttl: record.ttl,
    event() {
      event ??= decodeRecord(behaviour, serializer, streamId, record);
      return event;
    },
  };
}

function unhandledEvent(aggregateId: string, version: bigint, typeName: string): ProtosourceError<"unhandled_event"> {
  return new ProtosourceError(
    "unhandled_event",
    `version ${version} of ${aggregateId} is an event of the unknown type ${typeName}: keep the message in the .proto`,
    { typeName, aggregateId, version },
  );
}

function corruptRecord(
  key: string,
  version: bigint,
  message: string,
  cause: ProtosourceError,
): ProtosourceError<"corrupt_record"> {
  return new ProtosourceError("corrupt_record", message, { key, version }, { cause });
}
