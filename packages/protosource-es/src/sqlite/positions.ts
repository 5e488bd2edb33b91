/** How far subscriptions have come, as the table holds it. */
import {
  canMove,
  moved,
  NO_POSITION,
  type PositionMove,
  positionConflict,
  type StoredPosition,
} from "../store/positions.js";
import { asBytes, asInteger } from "./columns.js";
import { bytesOf, type Connection, type StoredBytes } from "./connection.js";
import type { Call } from "./failures.js";
import { decodeKey, encodeKey } from "./key-text.js";

interface PositionRow {
  readonly stream: StoredBytes;
  readonly version: bigint;
  readonly memo: StoredBytes;
  readonly expiry: bigint;
  readonly parked_version: bigint;
  readonly parked_error: StoredBytes | null;
  readonly parked_since: bigint;
  readonly parked_tries: bigint;
}

const SELECT = `SELECT ${["stream", "memo", "parked_error"].map(asBytes).join(", ")},
  ${["version", "expiry", "parked_version", "parked_since", "parked_tries"].map(asInteger).join(", ")}
  FROM protosource_positions WHERE subscription = ?`;

const READ = `${SELECT} AND stream = ?`;

const SCAN = `${SELECT} AND stream > ? ORDER BY protosource_positions.stream LIMIT ?`;

const SCAN_PARKED = `${SELECT} AND stream > ? AND parked_version IS NOT NULL ORDER BY protosource_positions.stream LIMIT ?`;

const PUT = `INSERT OR REPLACE INTO protosource_positions (subscription, stream, version, memo, expiry,
  parked_version, parked_error, parked_since, parked_tries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const DELETE = "DELETE FROM protosource_positions WHERE subscription = ? AND stream = ?";

const READ_MARK = `SELECT ${asInteger("value")} FROM protosource_marks WHERE subscription = ? AND mark = ?`;

const PUT_MARK = "INSERT OR REPLACE INTO protosource_marks (subscription, mark, value) VALUES (?, ?, ?)";

const DELETE_MARK = "DELETE FROM protosource_marks WHERE subscription = ? AND mark = ?";

/** Reads how far a subscription has come in a stream. */
export function readPosition(
  connection: Connection,
  call: Call,
  subscription: string,
  streamId: string,
): StoredPosition {
  const [row] = connection.all<PositionRow>(call, READ, encodeKey(subscription), encodeKey(streamId));
  return row ? positionOf(row) : { ...NO_POSITION, streamId };
}

/** Reads the positions of a subscription behind a stream, in the order of the streams: `limit` of them at most. */
export function scanPositions(
  connection: Connection,
  call: Call,
  subscription: string,
  after: string,
  { parked, limit }: { readonly parked: boolean; readonly limit: bigint },
): StoredPosition[] {
  return connection
    .all<PositionRow>(call, parked ? SCAN_PARKED : SCAN, encodeKey(subscription), encodeKey(after), limit)
    .map(positionOf);
}

/** Moves a position. To be called in a transaction. Throws `position_conflict` when it isn't where the move begins. */
export function movePosition(connection: Connection, call: Call, move: PositionMove): void {
  const { subscription, streamId } = move;
  const stored = readPosition(connection, call, subscription, streamId);
  if (!canMove(move, stored)) throw positionConflict(move, stored);
  const key = [encodeKey(subscription), encodeKey(streamId)] as const;
  if (move.to === 0n && move.park === undefined) {
    connection.run(call, DELETE, ...key);
    return;
  }
  const { version, memo, expiry, parked } = moved(move);
  const parking = parked
    ? [parked.version, encodeKey(parked.error), parked.since, BigInt(parked.tries)]
    : [null, null, null, null];
  connection.run(call, PUT, ...key, version, memo, expiry, ...parking);
}

/** Reads a number that is kept beside a subscription; 0 when there is none. */
export function readMark(connection: Connection, call: Call, subscription: string, mark: string): bigint {
  const [row] = connection.all<{ value: bigint }>(call, READ_MARK, encodeKey(subscription), encodeKey(mark));
  return row?.value ?? 0n;
}

/** Writes such a number; 0 takes it away. To be called in a transaction. */
export function writeMark(connection: Connection, call: Call, subscription: string, mark: string, value: bigint): void {
  const key = [encodeKey(subscription), encodeKey(mark)] as const;
  if (value === 0n) connection.run(call, DELETE_MARK, ...key);
  else connection.run(call, PUT_MARK, ...key, value);
}

function positionOf(row: PositionRow): StoredPosition {
  const { version, expiry } = row;
  const position = { streamId: decodeKey(row.stream), version, memo: bytesOf(row.memo), expiry };
  if (row.parked_error === null) return position;
  const parked = {
    version: row.parked_version,
    error: decodeKey(row.parked_error),
    since: row.parked_since,
    tries: Number(row.parked_tries),
  };
  return { ...position, parked };
}
