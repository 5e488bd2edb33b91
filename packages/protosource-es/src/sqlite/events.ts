/** Records as the table holds them: how they are appended, read and purged. */
import { equalBytes } from "../opaquedata/equal-bytes.js";
import type { History, ScannedRecord, StoredRecord, StreamWrite } from "../store/store.js";
import { isSameRecord } from "../store/stream-checks.js";
import { asBytes, asInteger } from "./columns.js";
import { bytesOf, type Connection, type StoredBytes } from "./connection.js";
import type { Call } from "./failures.js";
import { decodeKey, encodeKey, textOf } from "./key-text.js";

/** Records to append to a stream, with the expiry of each in epoch seconds; 0 for never. */
export interface Append extends StreamWrite {
  readonly ttls: readonly bigint[];
}

/**
 * Why records can't be appended: their first version that exists already, a first one that leaves a gap, or the one
 * before that isn't as it was seen.
 */
export interface Refusal {
  readonly problem: "taken" | "gap" | "changed";
  readonly version: bigint;
}

/** An event as the table holds it. */
export interface StoredEvent {
  readonly version: bigint;
  readonly data: StoredBytes;
  readonly ttl: bigint;
  readonly meta: StoredBytes | null;
}

const MAX_INT64 = 2n ** 63n - 1n;

const IS_ALIVE = "(ttl <= 0 OR ttl > ?)";

const INSERT = `INSERT INTO protosource_events (stream, version, data, ttl, commit_id, meta, position)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;

const TAKE = `UPDATE protosource_feed SET last = last + ? RETURNING ${asInteger("last")}`;

const FIRST_TWO = "SELECT version FROM protosource_events WHERE stream = ? AND version >= ? ORDER BY version LIMIT 2";

/** Reads an event as {@link recordOf} takes it. */
export const SELECT_EVENT: string = `SELECT ${asInteger("version")}, ${asBytes("data")}, ${asInteger("ttl")}, ${asBytes("meta")}`;

const BY_VERSION = "ORDER BY protosource_events.version";

const OF_COMMIT = `${SELECT_EVENT} FROM protosource_events
  WHERE stream = ? AND version BETWEEN ? AND ? AND commit_id = ? ${BY_VERSION}`;

const LOAD = `${SELECT_EVENT} FROM protosource_events WHERE stream = ? AND ${IS_ALIVE} ${BY_VERSION}`;

const LOAD_ALL = `${SELECT_EVENT} FROM protosource_events WHERE stream = ? ${BY_VERSION}`;

const LOAD_TAIL = `${LOAD} DESC LIMIT ?`;

const LOAD_TAIL_ALL = `${LOAD_ALL} DESC LIMIT ?`;

const RANGE = `${SELECT_EVENT} FROM protosource_events WHERE stream = ? AND version BETWEEN ? AND ?
  ${BY_VERSION} LIMIT ?`;

const RANGE_REVERSE = `${SELECT_EVENT} FROM protosource_events WHERE stream = ? AND version BETWEEN ? AND ?
  ${BY_VERSION} DESC LIMIT ?`;

const SELECT_SCANNED = `${SELECT_EVENT}, ${asBytes("stream")}, ${asBytes("commit_id")}`;

const SCAN = `${SELECT_SCANNED} FROM protosource_events
  WHERE (stream, version) > (?, ?) ORDER BY protosource_events.stream, protosource_events.version LIMIT ?`;

const SCAN_STREAM = `${SELECT_SCANNED} FROM protosource_events
  WHERE stream = ? AND version > ? ${BY_VERSION} LIMIT ?`;

/** Streams that begin with an expired record. */
const EXPIRED_STREAMS = `SELECT DISTINCT ${asBytes("stream")} FROM protosource_events AS expired
  WHERE ttl > 0 AND ttl <= ? AND (
    SELECT ttl > 0 AND ttl <= ? FROM protosource_events WHERE stream = expired.stream ORDER BY version LIMIT 1
  ) LIMIT ?`;

const FIRST_ALIVE = `SELECT version FROM protosource_events WHERE stream = ? AND ${IS_ALIVE} ORDER BY version LIMIT 1`;

const DELETE_STREAM = "DELETE FROM protosource_events WHERE stream = ?";

const DELETE_BEFORE = "DELETE FROM protosource_events WHERE stream = ? AND version < ?";

const DELETE_UP_TO = "DELETE FROM protosource_events WHERE stream = ? AND version <= ?";

const DELETE_FROM = "DELETE FROM protosource_events WHERE stream = ? AND version >= ?";

/** Tells why records can't be appended to their stream, if they can't. */
export function findRefusal(connection: Connection, call: Call, append: Append): Refusal | undefined {
  const { aggregateId, records, after } = append;
  const { first } = endsOf(records);
  const previous = first - 1n;
  // Whatever lies behind is in the way, also where the records in between are gone.
  const stored = connection.all<StoredEvent>(call, FIRST_TWO, encodeKey(aggregateId), previous);
  const follows = stored[0]?.version === previous;
  const taken = follows ? stored[1] : stored[0];
  if (taken) return { problem: "taken", version: taken.version };
  if (!follows && first !== 1n) return { problem: "gap", version: first };
  if (after === undefined) return undefined;
  const [seen] = readRange(connection, call, aggregateId, { from: previous, to: previous, reverse: false, limit: 1 });
  return seen && isSameRecord(seen, after) ? undefined : { problem: "changed", version: after.version };
}

/** Tells whether just these records are stored already, by the save of this id. */
export function isStored(
  connection: Connection,
  call: Call,
  { aggregateId, records }: Append,
  commitId: Uint8Array,
): boolean {
  const { first, last } = endsOf(records);
  const behind = last === MAX_INT64 ? last : last + 1n;
  const stored = connection.all<StoredEvent>(call, OF_COMMIT, encodeKey(aggregateId), first, behind, commitId);
  return (
    stored.length === records.length &&
    records.every(({ version, data }, i) => {
      const one = stored[i];
      return one?.version === version && equalBytes(bytesOf(one.data), data);
    })
  );
}

/** Takes the next positions, and gives the first of them. To be called in the transaction that uses them. */
function takePositions(connection: Connection, call: Call, count: bigint): bigint {
  const [row] = connection.all<{ last: bigint }>(call, TAKE, count);
  return (row?.last ?? 0n) - count + 1n;
}

/** Appends records. To be called in the transaction in which {@link findRefusal} found none. */
export function insertRecords(
  connection: Connection,
  call: Call,
  { aggregateId, records, ttls }: Append,
  commitId: Uint8Array,
): void {
  const stream = encodeKey(aggregateId);
  const first = takePositions(connection, call, BigInt(records.length));
  records.forEach(({ version, data, meta = null }, i) => {
    connection.run(call, INSERT, stream, version, data, ttls[i] ?? 0n, commitId, meta, first + BigInt(i));
  });
}

/** Which records of a stream to read. */
export interface Reading {
  readonly includeExpired: boolean;
  /** The number of records to read from the end; all by default. */
  readonly tail?: number | undefined;
  /** The time at which a record has expired, in epoch seconds. */
  readonly now: bigint;
}

/** Reads records of a stream in ascending order. */
export function readRecords(connection: Connection, call: Call, aggregateId: string, reading: Reading): StoredRecord[] {
  const { includeExpired, tail, now } = reading;
  const stream = encodeKey(aggregateId);
  const alive = includeExpired ? [] : [now];
  if (tail === undefined) {
    return connection.all<StoredEvent>(call, includeExpired ? LOAD_ALL : LOAD, stream, ...alive).map(recordOf);
  }
  const sql = includeExpired ? LOAD_TAIL_ALL : LOAD_TAIL;
  return connection
    .all<StoredEvent>(call, sql, stream, ...alive, BigInt(tail))
    .reverse()
    .map(recordOf);
}

/** Versions of a stream, and how to read them. */
export interface Range {
  readonly from: bigint;
  readonly to: bigint;
  /** Reads from `to` down. */
  readonly reverse: boolean;
  /** The number of records to read at most. */
  readonly limit: number;
}

/** Reads the first records of a range, expired ones too. */
export function readRange(connection: Connection, call: Call, aggregateId: string, range: Range): StoredRecord[] {
  const { from, to, reverse, limit } = range;
  return connection
    .all<StoredEvent>(call, reverse ? RANGE_REVERSE : RANGE, encodeKey(aggregateId), from, to, BigInt(limit))
    .map(recordOf);
}

/** Reads the first records of all streams, or of one, behind a position: `limit` of them at most. */
export function scanRecords(
  connection: Connection,
  call: Call,
  aggregateId: string | undefined,
  after: { readonly aggregateId: string; readonly version: bigint },
  limit: bigint,
): ScannedRecord[] {
  const sql = aggregateId === undefined ? SCAN : SCAN_STREAM;
  return connection
    .all<StoredEvent & { readonly stream: StoredBytes; readonly commit_id: StoredBytes | null }>(
      call,
      sql,
      encodeKey(aggregateId ?? after.aggregateId),
      after.version,
      limit,
    )
    .map((stored) => ({
      aggregateId: decodeKey(stored.stream),
      record: recordOf(stored),
      following: 0,
      commitId: stored.commit_id === null ? undefined : bytesOf(stored.commit_id).join(),
    }));
}

/** Tells whether a record still counts at a time in epoch seconds. */
export function isAlive({ ttl }: StoredRecord, now: bigint): boolean {
  return ttl <= 0n || ttl > now;
}

/** Gives streams that begin with an expired record, as the table names them: `limit` of them at most. */
export function expiredStreams(connection: Connection, call: Call, now: bigint, limit: bigint): string[] {
  return connection
    .all<{ stream: StoredBytes }>(call, EXPIRED_STREAMS, now, now, limit)
    .map(({ stream }) => textOf(stream));
}

/** Deletes the expired records with which a stream begins, and gives their number. */
export function deleteExpired(connection: Connection, call: Call, stream: string, now: bigint): number {
  const [alive] = connection.all<StoredEvent>(call, FIRST_ALIVE, stream, now);
  return alive
    ? connection.run(call, DELETE_BEFORE, stream, alive.version)
    : connection.run(call, DELETE_STREAM, stream);
}

/** Deletes the records of a stream from a version on. */
export function deleteFrom(connection: Connection, call: Call, aggregateId: string, from: bigint): void {
  connection.run(call, DELETE_FROM, encodeKey(aggregateId), from);
}

/** Deletes the records of a stream from a version on. */
export function deleteUpTo(connection: Connection, call: Call, aggregateId: string, from: bigint): void {
  connection.run(call, DELETE_UP_TO, encodeKey(aggregateId), from);
}

/** Makes the message of a stream's records. */
export function historyOf(records: StoredRecord[]): History {
  return { $typeName: "funinthecloud.protosource.history.v1.History", records };
}

/** Gives the record of an event. Written out, because `create` takes several times as long. */
export function recordOf({ version, data, ttl, meta }: StoredEvent): StoredRecord {
  const $typeName = "funinthecloud.protosource.record.v1.Record";
  const record: StoredRecord = { $typeName, version, data: bytesOf(data), ttl };
  if (meta !== null) record.meta = bytesOf(meta);
  return record;
}

function endsOf(records: readonly StoredRecord[]): { readonly first: bigint; readonly last: bigint } {
  return { first: records[0]?.version ?? 0n, last: records.at(-1)?.version ?? 0n };
}
