/** The order in which records were appended, and who waits for more. */
import { Bell, type FeedEntry } from "../store/feed.js";
import { asBytes, asInteger } from "./columns.js";
import { bytesOf, type Connection, type StoredBytes } from "./connection.js";
import type { Call } from "./failures.js";
import { decodeKey } from "./key-text.js";

/** How often a connection looks whether others have appended, in milliseconds. Its own appends wake at once. */
const LOOK_MS = 20;

const TAKE = `UPDATE protosource_feed SET last = last + ? RETURNING ${asInteger("last")}`;

const LAST = `SELECT ${asInteger("last")} FROM protosource_feed`;

const READ = `SELECT ${["stream", "data"].map(asBytes).join(", ")}, ${["version", "ttl", "position"].map(asInteger).join(", ")}
  FROM protosource_events INDEXED BY protosource_events_position WHERE position > ?
  ORDER BY protosource_events.position LIMIT ?`;

interface FeedRow {
  readonly stream: StoredBytes;
  readonly data: StoredBytes;
  readonly version: bigint;
  readonly ttl: bigint;
  readonly position: bigint;
}

const bells = new WeakMap<Connection, Bell>();

/** Takes the next positions, and gives the first of them. To be called in the transaction that uses them. */
export function takePositions(connection: Connection, call: Call, count: bigint): bigint {
  const [row] = connection.all<{ last: bigint }>(call, TAKE, count);
  return (row?.last ?? 0n) - count + 1n;
}

/** Reads the first records behind a position. */
export function readFeed(connection: Connection, call: Call, after: bigint, limit: bigint): FeedEntry[] {
  return connection.all<FeedRow>(call, READ, after, limit).map(({ stream, data, version, ttl, position }) => ({
    position,
    aggregateId: decodeKey(stream),
    record: { $typeName: "funinthecloud.protosource.record.v1.Record", version, data: bytesOf(data), ttl },
  }));
}

/** Waits until something is behind a position, or the signal is aborted. */
export async function awaitFeed(
  connection: Connection,
  call: Call,
  after: bigint,
  signal: AbortSignal | undefined,
): Promise<void> {
  while (!signal?.aborted) {
    const [row] = connection.all<{ last: bigint }>(call, LAST);
    if ((row?.last ?? 0n) > after) return;
    await bellOf(connection).wait(LOOK_MS, signal);
  }
}

/** Lets those know who wait on this connection that a transaction has appended. */
export function ringFeed(connection: Connection): void {
  bells.get(connection)?.ring();
}

function bellOf(connection: Connection): Bell {
  let bell = bells.get(connection);
  if (bell === undefined) {
    bell = new Bell();
    bells.set(connection, bell);
  }
  return bell;
}
