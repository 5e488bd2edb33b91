/** What the feeds table holds of subscriptions, as items and as requests. Nothing here sends. */
import { createHash } from "node:crypto";
import type {
  DeleteItemCommandInput,
  GetItemCommandInput,
  QueryCommandInput,
  ScanCommandInput,
  TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import type { ScanOptions } from "../call-options.js";
import { ProtosourceError } from "../errors.js";
import type { OpaqueKey } from "../opaquedata/opaque-store.js";
import {
  type KeptRow,
  moved,
  NO_POSITION,
  type Parking,
  type Position,
  type PositionMove,
  type StoredPosition,
} from "../store/positions.js";
import { bytesOf, readRow, rowItem, rowKeyItem } from "./items.js";
import type { Item } from "./limits.js";
import { type Put, scanRows } from "./requests.js";

/** Into how many partitions the positions of a subscription are cut, so that none of them gets hot. */
export const SLICES = 256;

/** The longest stream id that is a sort key as it is, in bytes of UTF-8. A longer one is known by its SHA-256. */
const MAX_SORT_KEY_BYTES = 1024;

/** How much longer than its events a position stays, in seconds: DynamoDB may show what has expired for days. */
const GRACE_SECONDS = 7n * 86_400n;

/** What a move does with the items of a position. */
export interface PositionWrites {
  /** The position itself: a put, or what takes it away. */
  readonly position: { readonly put: Put } | { readonly item: TransactWriteItem };
  /** The entry in the list of parked streams, where it comes or goes. */
  readonly parking?: { readonly put: Put } | { readonly item: TransactWriteItem } | undefined;
}

/** The tables that positions are in. */
export interface PositionTables {
  readonly feeds: string;
  /** Where the rows are that positions are kept in; needed for those alone. */
  readonly rows?: string | undefined;
}

/** Gives the writes of a move. A refusal of the first gives the position that is stored. */
export function positionWrites({ feeds: table, rows = "" }: PositionTables, move: PositionMove): PositionWrites {
  const { subscription, streamId, to, park, release = false, kept } = move;
  const position = moved(move);
  const parkedKey = parkedKeyItem(subscription, streamId);
  const forgets = to === 0n && park === undefined;
  const attributes = positionAttributes(streamId, position);
  return {
    position: kept
      ? keptWrite(rows, move, kept, forgets ? {} : attributes)
      : positionWrite(table, move, forgets ? undefined : attributes),
    parking:
      park !== undefined
        ? { put: { TableName: table, Item: { ...attributes, ...(kept ? rowKeyItem(kept.key) : {}), ...parkedKey } } }
        : release
          ? { item: { Delete: { TableName: table, Key: parkedKey } } }
          : undefined,
  };
}

function positionWrite(table: string, move: PositionMove, attributes: Item | undefined): PositionWrites["position"] {
  const key = positionKeyItem(move.subscription, move.streamId);
  const condition = moveCondition(move);
  if (attributes === undefined) return { item: { Delete: { TableName: table, Key: key, ...condition } } };
  return { put: { TableName: table, Item: { ...key, ...attributes }, ...condition } };
}

/** Gives the write of a row with the attributes of the position that it keeps; they stand alone where there is no row. */
function keptWrite(
  table: string,
  move: PositionMove,
  { key, row }: KeptRow,
  attributes: Item,
): PositionWrites["position"] {
  const condition = moveCondition(move);
  if (row !== undefined) {
    // A row stays as long as its stream does.
    const { t: _, ...kept } = attributes;
    return { put: { TableName: table, Item: { ...rowItem(row), ...kept }, ...condition } };
  }
  if (attributes["v"] === undefined)
    return { item: { Delete: { TableName: table, Key: rowKeyItem(key), ...condition } } };
  return { put: { TableName: table, Item: { ...rowKeyItem(key), ...attributes }, ...condition } };
}

/** Reads the position of a stream, consistently. */
export function getPosition(table: string, subscription: string, streamId: string): GetItemCommandInput {
  return { TableName: table, Key: positionKeyItem(subscription, streamId), ConsistentRead: true };
}

/** Reads a page of a slice of the positions of a subscription; the parked ones lie in one partition of their own. */
export function queryPositions(
  table: string,
  subscription: string,
  slice: number | "parked",
  after: string | undefined,
  limit: number | undefined,
): QueryCommandInput {
  const partition = slice === "parked" ? parkedPartition(subscription) : slicePartition(subscription, slice);
  return {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: "#k = :k",
    ExpressionAttributeNames: { "#k": "k" },
    ExpressionAttributeValues: { ":k": { S: partition } },
    Limit: limit,
    ExclusiveStartKey: after === undefined ? undefined : { k: { S: partition }, s: { S: after } },
  };
}

/** Reads a page of the positions that rows keep, consistently: of the rows whose partition keys begin so. */
export function scanKeptPositions(
  table: string,
  prefix: string,
  options: ScanOptions,
  startKey: Item | undefined,
): ScanCommandInput {
  return {
    ...scanRows(table, options, startKey),
    FilterExpression: "begins_with(#pk, :prefix) AND attribute_exists(#v)",
    ExpressionAttributeNames: { "#pk": "pk", "#v": "v" },
    ExpressionAttributeValues: { ":prefix": { S: prefix } },
  };
}

/** Reads a number that is kept beside a subscription, consistently. */
export function getMark(table: string, subscription: string, mark: string): GetItemCommandInput {
  return { TableName: table, Key: markKeyItem(subscription, mark), ConsistentRead: true };
}

/** Gives the number of such an item; 0 for none. */
export function markOf(item: Item | undefined): bigint {
  return item === undefined ? 0n : numberOf(item, "v");
}

/** Writes such a number where it is `was` still. */
export function putMark(
  table: string,
  subscription: string,
  mark: string,
  value: bigint,
  was: bigint | undefined,
): Put {
  const item: Item = { ...markKeyItem(subscription, mark), v: { N: value.toString() } };
  return { TableName: table, Item: item, ...markCondition(was) };
}

/** Takes such a number away where it is `was` still. */
export function deleteMark(
  table: string,
  subscription: string,
  mark: string,
  was: bigint | undefined,
): DeleteItemCommandInput {
  return { TableName: table, Key: markKeyItem(subscription, mark), ...markCondition(was) };
}

/** Gives the position of an item; that of a stream never seen without one. Throws `corrupt_record`, naming the item. */
export function readPosition(item: Item | undefined, streamId: string): StoredPosition {
  if (item === undefined) return { ...NO_POSITION, streamId };
  const version = numberOf(item, "v");
  const memo = bytesOf(item["b"]) ?? NO_POSITION.memo;
  const position = { streamId, version, memo, expiry: item["e"] ? numberOf(item, "e") : 0n };
  return item["x"] === undefined ? position : { ...position, parked: parkingOf(item) };
}

/** Gives the position that an item keeps beside a row, and the row. Throws `corrupt_record`, naming the item. */
export function readKeptPosition(
  item: Item | undefined,
  streamId: string,
  key: OpaqueKey,
  table: string,
): StoredPosition {
  const position = item?.["v"] === undefined ? { ...NO_POSITION, streamId } : readPosition(item, streamId);
  // The item of a position that stands alone has no version of a row.
  const row = item?.["version"] === undefined ? undefined : readRow(item, table);
  return { ...position, kept: { key, row } };
}

/** Gives the position of an item that was found under its partition. */
export function readFoundPosition(item: Item): StoredPosition {
  const streamId = item["a"]?.S;
  if (streamId === undefined) throw corrupt(item, "a must be a string");
  const { pk, sk } = item;
  const position = readPosition(item, streamId);
  if (pk?.S === undefined || sk?.S === undefined) return position;
  return { ...position, kept: { key: { pk: pk.S, sk: sk.S }, row: undefined } };
}

/** The slice of a stream's position. It never changes. */
function sliceOf(streamId: string): number {
  return createHash("sha256").update(streamId).digest()[0] as number;
}

function positionAttributes(streamId: string, { version, memo, expiry, parked }: Position): Item {
  const item: Item = { a: { S: streamId }, v: { N: version.toString() } };
  if (memo.length > 0) item["b"] = { B: memo };
  if (expiry > 0n) {
    item["e"] = { N: expiry.toString() };
    item["t"] = { N: (expiry + GRACE_SECONDS).toString() };
  }
  if (parked !== undefined) {
    item["x"] = { N: parked.version.toString() };
    item["error"] = { S: parked.error };
    item["since"] = { N: parked.since.toString() };
    item["tries"] = { N: parked.tries.toString() };
  }
  return item;
}

function parkingOf(item: Item): Parking {
  return {
    version: numberOf(item, "x"),
    error: item["error"]?.S ?? "",
    since: numberOf(item, "since"),
    tries: Number(numberOf(item, "tries")),
  };
}

type Condition = Pick<
  Put,
  | "ConditionExpression"
  | "ExpressionAttributeNames"
  | "ExpressionAttributeValues"
  | "ReturnValuesOnConditionCheckFailure"
>;

function moveCondition({ from, was, release = false }: PositionMove): Condition {
  const ReturnValuesOnConditionCheckFailure = "ALL_OLD" as const;
  if (from === 0n && !release) {
    return {
      ConditionExpression: "attribute_not_exists(#v)",
      ExpressionAttributeNames: { "#v": "v" },
      ReturnValuesOnConditionCheckFailure,
    };
  }
  const terms = ["#v = :from", `${release ? "attribute_exists" : "attribute_not_exists"}(#x)`];
  const names: Record<string, string> = { "#v": "v", "#x": "x" };
  const values: Item = { ":from": { N: from.toString() } };
  if (was !== undefined) {
    Object.assign(names, { "#b": "b", "#e": "e" });
    terms.push(was.memo.length > 0 ? "#b = :b" : "attribute_not_exists(#b)");
    terms.push(was.expiry > 0n ? "#e = :e" : "attribute_not_exists(#e)");
    if (was.memo.length > 0) values[":b"] = { B: was.memo };
    if (was.expiry > 0n) values[":e"] = { N: was.expiry.toString() };
  }
  return {
    ConditionExpression: terms.join(" AND "),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
    ReturnValuesOnConditionCheckFailure,
  };
}

function markCondition(was: bigint | undefined): Condition {
  if (was === undefined) return {};
  if (was === 0n) return { ConditionExpression: "attribute_not_exists(k)" };
  return {
    ConditionExpression: "#v = :was",
    ExpressionAttributeNames: { "#v": "v" },
    ExpressionAttributeValues: { ":was": { N: was.toString() } },
  };
}

function positionKeyItem(subscription: string, streamId: string): Item {
  return { k: { S: slicePartition(subscription, sliceOf(streamId)) }, s: { S: sortKeyOf(streamId) } };
}

function parkedKeyItem(subscription: string, streamId: string): Item {
  return { k: { S: parkedPartition(subscription) }, s: { S: sortKeyOf(streamId) } };
}

function markKeyItem(subscription: string, mark: string): Item {
  return { k: { S: `m#${subscription}` }, s: { S: mark } };
}

function slicePartition(subscription: string, slice: number): string {
  return `p#${subscription}#${slice.toString(16).padStart(2, "0")}`;
}

function parkedPartition(subscription: string): string {
  return `x#${subscription}`;
}

/** The sort key of a stream's position. */
export function sortKeyOf(streamId: string): string {
  if (Buffer.byteLength(streamId) <= MAX_SORT_KEY_BYTES) return streamId;
  return createHash("sha256").update(streamId).digest("hex");
}

function numberOf(item: Item, name: string): bigint {
  const text = item[name]?.N;
  if (text === undefined || !/^-?\d+$/.test(text)) throw corrupt(item, `${name} must be a whole number`);
  return BigInt(text);
}

function corrupt({ k, s }: Item, problem: string): ProtosourceError<"corrupt_record"> {
  const key = `k=${JSON.stringify(k?.S)}, s=${JSON.stringify(s?.S)}`;
  return new ProtosourceError("corrupt_record", `the item ${key} of the feeds table can't be read: ${problem}`, {
    key,
  });
}
