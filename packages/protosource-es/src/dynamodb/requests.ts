/** The requests to DynamoDB, as plain data. Nothing here sends. */
import type {
  AttributeValue,
  DeleteItemCommandInput,
  GetItemCommandInput,
  PutItemCommandInput,
  QueryCommandInput,
  ScanCommandInput,
  TransactWriteItem,
  TransactWriteItemsCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { ScanOptions, ScanSegment } from "../call-options.js";
import { CLAIM_PREFIX, CLAIM_SORT_KEY } from "../opaquedata/claim-key.js";
import { indexAttributes } from "../opaquedata/key-attribute.js";
import type { GsiNumber, OpaqueKey, OpaqueQuery, OpaqueRow } from "../opaquedata/opaque-store.js";
import type { SortCondition } from "../opaquedata/sort-condition.js";
import type { Claim, ScannedClaim } from "../store/store.js";
import { bytesOf, claimItem, rowItem, rowKeyItem } from "./items.js";
import type { Item } from "./limits.js";

/** The attributes of an event that are read. */
const EVENT_NAMES = { "#a": "a", "#v": "v", "#d": "d", "#t": "t", "#m": "m", "#n": "n", "#h": "h" };

/** The part of PutItem that a transaction takes too. */
export type Put = NonNullable<TransactWriteItem["Put"]>;

/** The highest number of items that DynamoDB takes for a page, which never holds as many. */
const MAX_LIMIT = 2 ** 31 - 1;

/** Puts an event where none is. A refusal gives the stored item back, at no read cost. */
export function putEvent(table: string, item: Item): Put {
  return {
    TableName: table,
    Item: item,
    ConditionExpression: "attribute_not_exists(a)",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
}

/**
 * Puts a row. One with a version never replaces a later one, unless that has expired; the row that is in its way
 * comes back with the refusal.
 */
export function putRow(table: string, row: OpaqueRow, nowSeconds: bigint): Put {
  const put: Put = { TableName: table, Item: rowItem(row) };
  if (row.version === 0n) return put;
  return {
    ...put,
    ConditionExpression: "attribute_not_exists(pk) OR #version <= :version OR #t BETWEEN :one AND :now",
    ExpressionAttributeNames: { "#version": "version", "#t": "t" },
    ExpressionAttributeValues: {
      ":version": { N: row.version.toString() },
      ":one": { N: "1" },
      ":now": { N: nowSeconds.toString() },
    },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
}

/** Puts a row where one of a version is, or none for 0; one that has expired counts as none. */
export function putRowAt(table: string, row: OpaqueRow, was: bigint, nowSeconds: bigint): Put {
  return { TableName: table, Item: rowItem(row), ...rowAt(was, nowSeconds) };
}

/** Deletes a row of a version. */
export function deleteRowAt(table: string, key: OpaqueKey, was: bigint, nowSeconds: bigint): TransactWriteItem {
  return { Delete: { TableName: table, Key: rowKeyItem(key), ...rowAt(was, nowSeconds) } };
}

function rowAt(was: bigint, nowSeconds: bigint): Omit<Put, "Item" | "TableName"> {
  if (was !== 0n) {
    return {
      ConditionExpression: "#version = :was",
      ExpressionAttributeNames: { "#version": "version" },
      ExpressionAttributeValues: { ":was": { N: was.toString() } },
    };
  }
  return {
    ConditionExpression: "attribute_not_exists(pk) OR #t BETWEEN :one AND :now",
    ExpressionAttributeNames: { "#t": "t" },
    ExpressionAttributeValues: { ":one": { N: "1" }, ":now": { N: nowSeconds.toString() } },
  };
}

/** Puts a row over one without a version, of which the body was seen, unless it was changed since. */
export function putRowOver(table: string, row: OpaqueRow, seen: OpaqueRow): Put {
  const body = seen.body.length > 0;
  return {
    TableName: table,
    Item: rowItem(row),
    ConditionExpression: `${body ? "body = :seen" : "attribute_not_exists(body)"} AND attribute_not_exists(#version)`,
    ExpressionAttributeNames: { "#version": "version" },
    ...(body ? { ExpressionAttributeValues: { ":seen": { B: seen.body } } } : {}),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
}

/**
 * Takes a value for an owner, where nobody has it: an expired claim counts for none. Unless `once` is set, the owner may
 * also take it again. A refusal gives the claim that is in the way.
 */
export function putClaim(table: string, key: OpaqueKey, claim: Claim, commitId: Uint8Array, nowSeconds: bigint): Put {
  return {
    TableName: table,
    Item: claimItem(key, claim, commitId),
    ConditionExpression: `attribute_not_exists(pk) OR #t BETWEEN :one AND :now${claim.once ? "" : " OR #owner = :owner"}`,
    ExpressionAttributeNames: { "#t": "t", ...(claim.once ? {} : { "#owner": "owner" }) },
    ExpressionAttributeValues: {
      ":one": { N: "1" },
      ":now": { N: nowSeconds.toString() },
      ...(claim.once ? {} : { ":owner": { S: claim.owner } }),
    },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
}

/** Frees a value that belongs to an owner, or to nobody. */
export function deleteClaim(table: string, key: OpaqueKey, owner: string): TransactWriteItem {
  return {
    Delete: {
      TableName: table,
      Key: rowKeyItem(key),
      ConditionExpression: "attribute_not_exists(pk) OR #owner = :owner",
      ExpressionAttributeNames: { "#owner": "owner" },
      ExpressionAttributeValues: { ":owner": { S: owner } },
    },
  };
}

/** Requires that nothing was appended to a stream that ended at a version. */
export function checkNothingAfter(table: string, aggregateId: string, version: bigint): TransactWriteItem {
  return {
    ConditionCheck: {
      TableName: table,
      Key: { a: { S: aggregateId }, v: { N: (version + 1n).toString() } },
      ConditionExpression: "attribute_not_exists(a)",
    },
  };
}

/** Requires that an item of a stream is as it was seen, as far as its data and its expiry tell. */
export function checkEvent(table: string, aggregateId: string, { v, d, t }: Item): TransactWriteItem {
  return { ConditionCheck: whileUnchanged(table, aggregateId, v, { d, t }) };
}

/** Deletes an item of a stream while it is as it was read. */
export function deleteEvent(table: string, aggregateId: string, { v, d, c }: Item): TransactWriteItem {
  return { Delete: whileUnchanged(table, aggregateId, v, { d, c }) };
}

/** The condition that an item of a stream has these attributes, or lacks those that are undefined. */
function whileUnchanged(
  table: string,
  aggregateId: string,
  version: AttributeValue | undefined,
  seen: { readonly [name: string]: AttributeValue | undefined },
): NonNullable<TransactWriteItem["ConditionCheck"]> {
  const values = Object.entries(seen).flatMap(([name, value]) => {
    const bytes = bytesOf(value);
    const known = bytes ? { B: bytes } : value;
    return known ? [[`:${name}`, known] as const] : [];
  });
  const conditions = Object.keys(seen).map((name) =>
    seen[name] ? `#${name} = :${name}` : `attribute_not_exists(#${name})`,
  );
  return {
    TableName: table,
    Key: { a: { S: aggregateId }, v: { N: String(version?.N) } },
    ConditionExpression: conditions.join(" AND "),
    ExpressionAttributeNames: Object.fromEntries(Object.keys(seen).map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(values),
  };
}

/** One Put alone: half the price of a transaction of one. */
export function putItem(put: Put): PutItemCommandInput {
  return put as PutItemCommandInput;
}

/** Several items, all or none. The token makes a repeated request of the next 10 minutes the same request. */
export function transaction(items: TransactWriteItem[], token: string): TransactWriteItemsCommandInput {
  return { TransactItems: items, ClientRequestToken: token };
}

/** Which items of a stream to read. */
export interface StreamRange {
  /** The lowest version that an item may begin with. */
  readonly from?: bigint | undefined;
  /** The highest version that an item may begin with. */
  readonly to?: bigint | undefined;
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly consistent: boolean;
}

/** Reads a page of a stream, with no attribute that isn't needed. */
export function queryStream(
  table: string,
  aggregateId: string,
  range: StreamRange,
  startKey: Item | undefined,
): QueryCommandInput {
  const { from, to, reverse = false, limit, consistent } = range;
  const versions =
    from !== undefined && to !== undefined
      ? " AND #v BETWEEN :from AND :to"
      : from !== undefined
        ? " AND #v >= :from"
        : to !== undefined
          ? " AND #v <= :to"
          : "";
  return {
    TableName: table,
    ConsistentRead: consistent,
    KeyConditionExpression: `#a = :a${versions}`,
    ProjectionExpression: "#v, #d, #t, #m, #n, #h",
    ExpressionAttributeNames: EVENT_NAMES,
    ExpressionAttributeValues: {
      ":a": { S: aggregateId },
      ...(from === undefined ? {} : { ":from": { N: from.toString() } }),
      ...(to === undefined ? {} : { ":to": { N: to.toString() } }),
    },
    ScanIndexForward: !reverse,
    Limit: limit && Math.min(limit, MAX_LIMIT),
    ExclusiveStartKey: startKey,
  };
}

/** Reads a page of a stream's items from a version on, consistently, with the commit ids. */
export function queryEnd(
  table: string,
  aggregateId: string,
  from: bigint,
  startKey: Item | undefined,
): QueryCommandInput {
  const query = queryStream(table, aggregateId, { from, consistent: true }, startKey);
  return {
    ...query,
    ProjectionExpression: `${query.ProjectionExpression}, #c`,
    ExpressionAttributeNames: { ...query.ExpressionAttributeNames, "#c": "c" },
  };
}

/** Reads a page of all events, consistently, with the attributes that {@link queryStream} asks for. */
export function scanEvents(table: string, options: ScanOptions, startKey: Item | undefined): ScanCommandInput {
  return {
    ...scanRows(table, options, startKey),
    ProjectionExpression: "#a, #v, #d, #t, #m, #n, #h",
    ExpressionAttributeNames: EVENT_NAMES,
  };
}

/** Reads from some items of a segment what tells the layout of their save. */
export function sampleEvents(table: string, segment: ScanSegment, limit: number): ScanCommandInput {
  return {
    ...scanRows(table, { segment, limit }, undefined),
    ConsistentRead: false,
    ProjectionExpression: "#m, #n",
    ExpressionAttributeNames: { "#m": "m", "#n": "n" },
  };
}

/** Reads a page of all rows, consistently. */
export function scanRows(table: string, { segment, limit }: ScanOptions, startKey: Item | undefined): ScanCommandInput {
  return {
    TableName: table,
    ConsistentRead: true,
    Segment: segment?.index,
    TotalSegments: segment?.of,
    Limit: limit && Math.min(limit, MAX_LIMIT),
    ExclusiveStartKey: startKey,
  };
}

/** Reads a page of all claims, consistently. The rows among them cost as much, and aren't sent. */
export function scanClaims(table: string, options: ScanOptions, startKey: Item | undefined): ScanCommandInput {
  return {
    ...scanRows(table, options, startKey),
    FilterExpression: "begins_with(#pk, :claim)",
    ExpressionAttributeNames: { "#pk": "pk" },
    ExpressionAttributeValues: { ":claim": { S: CLAIM_PREFIX } },
  };
}

/** Frees a value that belongs to an owner since a save. */
export function deleteClaimOf(table: string, { key, owner, commitId }: ScannedClaim): DeleteItemCommandInput {
  return {
    TableName: table,
    Key: rowKeyItem({ pk: key, sk: CLAIM_SORT_KEY }),
    ConditionExpression: "#owner = :owner AND #c = :c",
    ExpressionAttributeNames: { "#owner": "owner", "#c": "c" },
    ExpressionAttributeValues: { ":owner": { S: owner }, ":c": { B: commitId } },
  };
}

/** Reads the item under an event's key, consistently. */
export function getEvent(table: string, aggregateId: string, version: bigint): GetItemCommandInput {
  return {
    TableName: table,
    Key: { a: { S: aggregateId }, v: { N: version.toString() } },
    ConsistentRead: true,
  };
}

/** Reads a row. */
export function getRow(table: string, key: OpaqueKey, consistent: boolean): GetItemCommandInput {
  return { TableName: table, Key: rowKeyItem(key), ConsistentRead: consistent };
}

/** Deletes a row. */
export function deleteRow(table: string, key: OpaqueKey): DeleteItemCommandInput {
  return { TableName: table, Key: rowKeyItem(key) };
}

/** The name of an index. */
export function indexName(index: GsiNumber): string {
  const [pk, sk] = indexAttributes(index);
  return `${pk}-${sk}-index`;
}

/** Reads a page of a partition without its expired rows. `limit` counts the rows that are read, expired ones too. */
export function queryRows(
  table: string,
  query: OpaqueQuery,
  nowSeconds: bigint,
  startKey: Item | undefined,
  limit: number | undefined,
): QueryCommandInput {
  const index = query.index ?? 0;
  const [pk, sk] = indexAttributes(index);
  const sort = query.sort && sortExpression(query.sort);
  return {
    TableName: table,
    IndexName: index === 0 ? undefined : indexName(index),
    ConsistentRead: query.consistent ?? false,
    KeyConditionExpression: sort ? `#pk = :pk AND ${sort.expression}` : "#pk = :pk",
    FilterExpression: "attribute_not_exists(#t) OR #t = :zero OR #t > :now",
    ExpressionAttributeNames: { "#pk": pk, "#t": "t", ...(sort ? { "#sk": sk } : {}) },
    ExpressionAttributeValues: {
      ":pk": { S: query.partition },
      ":zero": { N: "0" },
      ":now": { N: nowSeconds.toString() },
      ...sort?.values,
    },
    ScanIndexForward: !query.reverse,
    Limit: limit && Math.min(limit, MAX_LIMIT),
    ExclusiveStartKey: startKey,
  };
}

const OPERATORS = { eq: "=", lt: "<", le: "<=", gt: ">", ge: ">=" } as const;

function sortExpression(sort: SortCondition): { readonly expression: string; readonly values: Item } {
  switch (sort.op) {
    case "between":
      return {
        expression: "#sk BETWEEN :low AND :high",
        values: { ":low": { S: sort.low }, ":high": { S: sort.high } },
      };
    case "begins_with":
      return { expression: "begins_with(#sk, :sk)", values: { ":sk": { S: sort.value } } };
    default:
      return { expression: `#sk ${OPERATORS[sort.op]} :sk`, values: { ":sk": { S: sort.value } } };
  }
}
