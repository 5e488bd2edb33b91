/** The order in which records were appended, and who waits for more. */
import { Bell, type FeedEntry } from "../store/feed.js";
import { asBytes, asInteger } from "./columns.js";
import type { Connection, StoredBytes } from "./connection.js";
import { recordOf, SELECT_EVENT, type StoredEvent } from "./events.js";
import type { Call } from "./failures.js";
import { decodeKey } from "./key-text.js";

/** How often a connection looks whether others have appended, in milliseconds. Its own appends wake at once. */
const LOOK_MS = 20;

const IS_BEHIND = `SELECT 1 FROM protosource_events INDEXED BY protosource_events_position WHERE position > ? LIMIT 1`;

const READ = `${SELECT_EVENT}, ${asBytes("stream")}, ${asInteger("position")}
  FROM protosource_events INDEXED BY protosource_events_position WHERE position > ?
  ORDER BY protosource_events.position LIMIT ?`;

const END = `SELECT ${asInteger("position")} FROM protosource_events INDEXED BY protosource_events_position
  WHERE position > 0 ORDER BY protosource_events.position DESC LIMIT 1`;

interface FeedRow extends StoredEvent {
  readonly stream: StoredBytes;
  readonly position: bigint;
}

const bells = new WeakMap<Connection, Bell>();

/** Reads the first records behind a position. */
export function readFeed(connection: Connection, call: Call, after: bigint, limit: bigint): FeedEntry[] {
  return connection
    .all<FeedRow>(call, READ, after, limit)
    .map((row) => ({ position: row.position, aggregateId: decodeKey(row.stream), record: recordOf(row) }));
}

/** Gives the position of the last record; 0n for none. */
export function feedEnd(connection: Connection, call: Call): bigint {
  return connection.all<Pick<FeedRow, "position">>(call, END)[0]?.position ?? 0n;
}

/** Waits until something is behind a position, or the signal is aborted. */
export async function awaitFeed(
  connection: Connection,
  call: Call,
  after: bigint,
  signal: AbortSignal | undefined,
): Promise<void> {
  while (!signal?.aborted) {
    // What was deleted has had a position too, and would never be waited for in the end.
    if (connection.all(call, IS_BEHIND, after).length > 0) return;
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
