/** Rows as the table holds them: how they are written, read and found. */

import type { CursorPosition } from "../opaquedata/cursor.js";
import {
  GSI_NUMBERS,
  indexAttributes,
  KEY_ATTRIBUTES,
  type KeyAttribute,
  NO_KEY,
} from "../opaquedata/key-attribute.js";
import { emptyRow, rowKeys } from "../opaquedata/opaque-data.js";
import type { OpaqueKey, OpaqueQuery, OpaqueRow } from "../opaquedata/opaque-store.js";
import type { SortCondition } from "../opaquedata/sort-condition.js";
import { type KeptRow, rowConflict } from "../store/positions.js";
import type { RowWrite } from "../store/store.js";
import { asBytes, asInteger } from "./columns.js";
import { bytesOf, type Connection, type StoredBytes, type StoredValue } from "./connection.js";
import type { Call } from "./failures.js";
import { afterPrefix, decodeKey, encodeKey } from "./key-text.js";
import { indexName } from "./schema.js";
import type { SqliteValue } from "./sqlite-database.js";

type StoredRow = Readonly<Record<string, StoredValue>>;

const COLUMNS: readonly string[] = ["t", "version", "body", ...KEY_ATTRIBUTES];

const SELECT = `SELECT ${asInteger("t")}, ${asInteger("version")}, ${["body", ...KEY_ATTRIBUTES].map(asBytes).join(", ")}
  FROM protosource_rows`;

const SELECT_ROW = `${SELECT} WHERE pk = ? AND sk = ? AND (t = 0 OR t > ?)`;

const SCAN = `${SELECT} WHERE (pk, sk) > (?, ?) ORDER BY protosource_rows.pk, protosource_rows.sk LIMIT ?`;

const SELECT_VERSION = "SELECT version FROM protosource_rows WHERE pk = ? AND sk = ? AND (t = 0 OR t > ?)";

/** Replaces every column, and keeps the row's place: only the indexes of which a key changed are written. */
const UPSERT = `INSERT INTO protosource_rows (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})
  ON CONFLICT (pk, sk) DO UPDATE SET ${COLUMNS.slice(0, -2)
    .map((name) => `${name} = excluded.${name}`)
    .join(", ")}`;

const DELETE = "DELETE FROM protosource_rows WHERE pk = ? AND sk = ?";

/**
 * Writes a row, unless the table holds one of a later version. To be called in a transaction. `now` is in epoch
 * seconds. Tells whether it wrote. Throws `row_conflict` when the row in its place isn't as it was read.
 */
export function putRow(connection: Connection, call: Call, write: RowWrite, now: bigint): boolean {
  const { row, versionOf, was, remove } = write;
  const key = [encodeKey(row.pk), encodeKey(row.sk)] as const;
  if (was !== undefined) {
    const [stored] = connection.all<{ version: bigint }>(call, SELECT_VERSION, ...key, now);
    const isAsRead = was === 0n ? stored === undefined : stored?.version === was;
    if (!isAsRead) throw rowConflict(row);
    if (remove) {
      connection.run(call, DELETE, ...key);
      return true;
    }
  } else if (row.version > 0n) {
    const [stored] = connection.all<{ version: bigint }>(call, SELECT_VERSION, ...key, now);
    const version =
      stored?.version === 0n && versionOf ? toldVersion(connection, call, row, now, versionOf) : stored?.version;
    if (version !== undefined && version > row.version) return false;
  }
  connection.run(call, UPSERT, ...columnsOf(row));
  return true;
}

/** Writes the row that a position is kept in, or takes it away. To be called in a transaction that has looked. */
export function putKept(connection: Connection, call: Call, { key, row }: KeptRow): void {
  if (row === undefined) connection.run(call, DELETE, encodeKey(key.pk), encodeKey(key.sk));
  else connection.run(call, UPSERT, ...columnsOf(row));
}

/** Reads a row that hasn't expired. */
export function readRow(connection: Connection, call: Call, key: OpaqueKey, now: bigint): OpaqueRow | undefined {
  const [stored] = connection.all<StoredRow>(call, SELECT_ROW, encodeKey(key.pk), encodeKey(key.sk), now);
  return stored && rowOf(stored);
}

/** Reads the first of all rows behind a position, expired ones too: `limit` of them at most. */
export function scanRows(connection: Connection, call: Call, after: OpaqueKey, limit: bigint): OpaqueRow[] {
  return connection
    .all<StoredRow>(call, SCAN, encodeKey(after.pk), encodeKey(after.sk), limit)
    .map((stored) => rowOf(stored));
}

/** Reads the first rows of a query, behind the position of its cursor: `limit` of them at most. */
export function queryRows(
  connection: Connection,
  call: Call,
  query: OpaqueQuery,
  after: CursorPosition | undefined,
  limit: bigint,
  now: bigint,
): OpaqueRow[] {
  const { index = 0, partition, sort, reverse = false } = query;
  // What stands for a missing key is in no index.
  if (index !== 0 && partition === NO_KEY) return [];
  const [pk, sk] = indexAttributes(index);
  const where: Condition[] = [
    { sql: `${pk} = ?`, values: [encodeKey(partition)] },
    { sql: "(t = 0 OR t > ?)", values: [now] },
  ];
  if (sort) where.push(sortCondition(sk, sort));
  const order = index === 0 ? [sk] : [sk, "pk", "sk"];
  if (after) {
    const position = index === 0 ? [after.indexSk] : [after.indexSk, after.pk, after.sk];
    where.push({
      sql: `(${order.join(", ")}) ${reverse ? "<" : ">"} (${order.map(() => "?").join(", ")})`,
      values: position.map(encodeKey),
    });
  }
  // A statement that can't use the index is refused, and never slow.
  const source = index === 0 ? SELECT : `${SELECT} INDEXED BY ${indexName(index)}`;
  const sql = `${source} WHERE ${where.map((condition) => condition.sql).join(" AND ")} ORDER BY ${order
    .map((column) => `protosource_rows.${column}${reverse ? " DESC" : ""}`)
    .join(", ")} LIMIT ?`;
  return connection
    .all<StoredRow>(call, sql, ...where.flatMap(({ values }) => values), limit)
    .map((stored) => rowOf(stored));
}

/** A part of a WHERE clause. */
interface Condition {
  readonly sql: string;
  readonly values: readonly SqliteValue[];
}

function sortCondition(column: string, sort: SortCondition): Condition {
  switch (sort.op) {
    case "eq":
      return { sql: `${column} = ?`, values: [encodeKey(sort.value)] };
    case "lt":
      return { sql: `${column} < ?`, values: [encodeKey(sort.value)] };
    case "le":
      return { sql: `${column} <= ?`, values: [encodeKey(sort.value)] };
    case "gt":
      return { sql: `${column} > ?`, values: [encodeKey(sort.value)] };
    case "ge":
      return { sql: `${column} >= ?`, values: [encodeKey(sort.value)] };
    case "between":
      return { sql: `${column} BETWEEN ? AND ?`, values: [encodeKey(sort.low), encodeKey(sort.high)] };
    case "begins_with": {
      const first = encodeKey(sort.value);
      const end = afterPrefix(first);
      return end === undefined
        ? { sql: `${column} >= ?`, values: [first] }
        : { sql: `${column} >= ? AND ${column} < ?`, values: [first, end] };
    }
  }
}

/** Gives the version of a stored row that has none, as its writer's reader of bodies tells it. */
function toldVersion(
  connection: Connection,
  call: Call,
  key: OpaqueKey,
  now: bigint,
  versionOf: NonNullable<RowWrite["versionOf"]>,
): bigint | undefined {
  const stored = readRow(connection, call, key, now);
  return stored && versionOf(stored);
}

/** Gives the values of {@link COLUMNS}. A key that is missing is NULL; one of an index always has its two halves. */
function columnsOf(row: OpaqueRow): SqliteValue[] {
  const sortKeys = new Map<KeyAttribute, string>();
  for (const index of GSI_NUMBERS) {
    const keys = rowKeys(row, index);
    if (keys) sortKeys.set(indexAttributes(index)[1], keys.sk);
  }
  const keys = KEY_ATTRIBUTES.map((name) => {
    const key = sortKeys.get(name) ?? row[name];
    return key === "" ? null : encodeKey(key);
  });
  return [row.t, row.version, row.body, ...keys];
}

function rowOf(stored: StoredRow): OpaqueRow {
  const row = emptyRow();
  row.t = stored["t"] as bigint;
  row.version = stored["version"] as bigint;
  row.body = bytesOf(stored["body"] as StoredBytes);
  for (const name of KEY_ATTRIBUTES) {
    const key = stored[name] as StoredBytes | null;
    if (key !== null) row[name] = decodeKey(key);
  }
  return row;
}
