/** What an item of either table looks like: records and rows as DynamoDB holds them, both ways. */

import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { ProtosourceError } from "../errors.js";
import { HistorySchema } from "../gen/funinthecloud/protosource/history/v1/history_v1_pb.js";
import type { Record as StoredRecord } from "../gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
import { compress, DEFAULT_INFLATE_LIMIT, decompress } from "../gzip/gzip.js";
import { equalBytes } from "../opaquedata/equal-bytes.js";
import { GSI_NUMBERS, indexAttributes, KEY_ATTRIBUTES } from "../opaquedata/key-attribute.js";
import { emptyRow, rowKeys } from "../opaquedata/opaque-data.js";
import type { OpaqueKey, OpaqueRow } from "../opaquedata/opaque-store.js";
import { decodeMessage } from "../serializer/decode-message.js";
import type { Claim, StoredClaim } from "../store/store.js";
import type { Item } from "./limits.js";

/** A record as it was stored, with what tells whether its transaction was seen whole. */
export interface ReadRecord {
  readonly record: StoredRecord;
  readonly following: number;
}

/** Gives the item of a record. The bytes are copied. */
export function eventItem(aggregateId: string, record: StoredRecord): Item {
  const item: Item = {
    a: { S: aggregateId },
    v: { N: record.version.toString() },
    d: { B: new Uint8Array(record.data) },
  };
  if (record.ttl > 0n) item["t"] = { N: record.ttl.toString() };
  if (record.meta !== undefined) item["h"] = { B: new Uint8Array(record.meta) };
  return item;
}

/**
 * Gives the item that holds several records: as one history, gzipped over the whole. It expires with the last of them.
 */
export function packedItem(aggregateId: string, records: readonly StoredRecord[]): Item {
  const [first] = records;
  const history = toBinary(HistorySchema, { $typeName: HistorySchema.typeName, records: [...records] });
  const item: Item = {
    a: { S: aggregateId },
    v: { N: String(first?.version) },
    n: { N: String(records.length) },
    d: { B: compress(history, 1) },
  };
  if (records.every(({ ttl }) => ttl > 0n)) {
    const expiry = records.reduce((latest, { ttl }) => (ttl > latest ? ttl : latest), 0n);
    item["t"] = { N: expiry.toString() };
  }
  return item;
}

/**
 * Marks the items of one stream in one request: the first with the commit id, and each with the number of records
 * that follow. A reader knows a torn transaction by that number, and a writer its own items by the id.
 */
export function markEvents(items: readonly Item[], commitId: Uint8Array): void {
  let following = 0;
  for (const item of items.toReversed()) {
    if (following > 0) item["m"] = { N: following.toString() };
    following += Number(item["n"]?.N ?? 1);
  }
  const [first] = items;
  if (first) first["c"] = { B: commitId };
}

/** What {@link markEvents} adds to an item at most, in bytes. */
export const MARK_BYTES = 12;

/** Tells whether an item carries the commit id. Equal bytes alone would prove nothing: two writers can write them. */
export function isMarked(item: Item | undefined, commitId: Uint8Array | undefined): boolean {
  const stored = bytesOf(item?.["c"]);
  return stored !== undefined && commitId !== undefined && equalBytes(stored, commitId);
}

/** Gives the bytes of a binary attribute: as they are, or as the base64 text that was sent. */
export function bytesOf(value: AttributeValue | undefined): Uint8Array | undefined {
  const bytes: Uint8Array | string | undefined = value?.B;
  if (typeof bytes !== "string") return bytes;
  const buffer = Buffer.from(bytes, "base64");
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/**
 * Adds the records of an item to a list, in ascending order: one, or those of a packed item.
 *
 * Throws `corrupt_record`, naming the item, when `v` is no whole number or `d` isn't what the item says it is.
 */
export function readEvents(item: Item, table: string, aggregateId: string, into: ReadRecord[]): void {
  const { d, t, m, n, h } = item;
  const data = bytesOf(d);
  const { first: version, last } = versionsOf(item, table, aggregateId);
  if (data === undefined) throw noEvent(item, table, aggregateId, "d must be binary");
  if (t !== undefined && !isWhole(t.N)) throw noEvent(item, table, aggregateId, "t must be a whole number");
  if (m !== undefined && !isWhole(m.N)) throw noEvent(item, table, aggregateId, "m must be a whole number");
  const following = m?.N === undefined ? 0 : Number(m.N);
  if (n === undefined) {
    const record = storedRecord(version, data, t?.N === undefined ? 0n : BigInt(t.N));
    if (h !== undefined) record.meta = bytesOf(h) ?? noMeta(item, table, aggregateId);
    into.push({ record, following });
    return;
  }
  const count = Number(last - version) + 1;
  let records: readonly StoredRecord[] | undefined;
  try {
    const history = decompress(data, "d");
    if (holdsRecords(history, count)) ({ records } = decodeMessage(HistorySchema, history));
  } catch (cause) {
    throw noEvent(item, table, aggregateId, "d is no history, or unpacks to more than is allowed", cause);
  }
  if (records?.every((record, i) => record.version === version + BigInt(i)) !== true) {
    throw noEvent(item, table, aggregateId, `it doesn't hold the ${count} versions from v on`);
  }
  records.forEach((record, i) => {
    into.push({ record, following: following + count - 1 - i });
  });
}

function noMeta(item: Item, table: string, aggregateId: string): never {
  throw noEvent(item, table, aggregateId, "h must be binary");
}

/**
 * Gives the first and the last version that an item says it holds. Throws `corrupt_record`, naming the item, when `v` or
 * `n` can't be.
 */
export function versionsOf(
  item: Item,
  table: string,
  aggregateId: string,
): { readonly first: bigint; readonly last: bigint } {
  const { v, n } = item;
  if (!isWhole(v?.N)) throw noEvent(item, table, aggregateId, "v must be a whole number");
  const first = BigInt(v.N);
  if (n === undefined) return { first, last: first };
  if (!isWhole(n.N) || BigInt(n.N) < 1n) throw noEvent(item, table, aggregateId, "n must be a whole number from 1");
  return { first, last: first + BigInt(n.N) - 1n };
}

/** What a packed record is counted for beside its data, in bytes, when an item is written and when it is read. */
export const PACKED_RECORD_BYTES = 40;

/**
 * Tells whether a history holds so many records, and no more than one that was written here can. They are counted before
 * one is made: in two bytes each, a small item says millions.
 */
function holdsRecords(history: Uint8Array, count: number): boolean {
  if (count * PACKED_RECORD_BYTES > DEFAULT_INFLATE_LIMIT) return false;
  const reader = new BinaryReader(history);
  let found = 0;
  while (reader.pos < reader.len && found <= count) {
    const [field, wireType] = reader.tag();
    reader.skip(wireType, field);
    if (field === HistorySchema.field.records.number) found++;
  }
  return found === count;
}

function noEvent(item: Item, table: string, aggregateId: string, problem: string, cause?: unknown): ProtosourceError {
  const version = item["v"]?.N;
  const key = `${table}: a=${JSON.stringify(aggregateId)}, v=${version ?? JSON.stringify(item["v"])}`;
  return new ProtosourceError(
    "corrupt_record",
    `the item ${key} is no event: ${problem}`,
    { key, version: isWhole(version) ? BigInt(version) : undefined },
    { cause },
  );
}

const WHOLE = /^-?\d+$/;

function isWhole(text: string | undefined): text is string {
  return text !== undefined && WHOLE.test(text);
}

function wholeOf({ N }: AttributeValue): bigint | undefined {
  return isWhole(N) ? BigInt(N) : undefined;
}

/** Makes a record. Written out, because `create` takes most of the time of a load. */
function storedRecord(version: bigint, data: Uint8Array, ttl: bigint): StoredRecord {
  return { $typeName: "funinthecloud.protosource.record.v1.Record", version, data, ttl };
}

/** Gives the key of a row. */
export function rowKeyItem(key: OpaqueKey): Item {
  return { pk: { S: key.pk }, sk: { S: key.sk } };
}

/** Gives the item of a row: what is empty or 0 is left out, but a key always has its two halves. */
export function rowItem(row: OpaqueRow): Item {
  const item: Item = {};
  for (const name of KEY_ATTRIBUTES) {
    if (row[name] !== "") item[name] = { S: row[name] };
  }
  for (const index of GSI_NUMBERS) {
    const keys = rowKeys(row, index);
    if (keys) item[indexAttributes(index)[1]] = { S: keys.sk };
  }
  if (row.body.length > 0) item["body"] = { B: row.body };
  if (row.t !== 0n) item["t"] = { N: row.t.toString() };
  if (row.version !== 0n) item["version"] = { N: row.version.toString() };
  return item;
}

/** Tells a row from the position of a stream that stands in its place alone. */
export function isRowItem({ v, version }: Item): boolean {
  return v === undefined || version !== undefined;
}

/** Gives the item of a claim. The commit id tells a writer its own. */
export function claimItem(key: OpaqueKey, claim: Claim, commitId: Uint8Array): Item {
  const { owner, ttl = 0n, version = 0n, purpose } = claim;
  const item: Item = { ...rowKeyItem(key), owner: { S: owner }, c: { B: commitId } };
  if (ttl !== 0n) item["t"] = { N: ttl.toString() };
  if (version !== 0n) item["version"] = { N: version.toString() };
  if (purpose !== undefined) item["p"] = { B: new Uint8Array(purpose) };
  return item;
}

/** Gives the claim of an item. Throws `corrupt_record`, naming the item, without an owner or for another number. */
export function readClaim({ pk, owner, t, version, p }: Item, table: string): StoredClaim {
  const corrupt = (problem: string): never => {
    const key = `${table}: pk=${JSON.stringify(pk?.S)}`;
    throw new ProtosourceError("corrupt_record", `the item ${key} is no claim: ${problem}`, { key });
  };
  const purpose = bytesOf(p);
  return {
    owner: owner?.S ?? corrupt("owner must be a string"),
    version: version === undefined ? 0n : (wholeOf(version) ?? corrupt("version must be a whole number")),
    ttl: t === undefined ? 0n : (wholeOf(t) ?? corrupt("t must be a whole number")),
    ...(purpose === undefined ? {} : { purpose }),
  };
}

/** Gives the row of an item. Throws `corrupt_record`, naming the item, for an attribute of another type. */
export function readRow(item: Item, table: string): OpaqueRow {
  const corrupt = (name: string, type: string): never => {
    const key = `${table}: pk=${JSON.stringify(item["pk"]?.S)}, sk=${JSON.stringify(item["sk"]?.S)}`;
    throw new ProtosourceError("corrupt_record", `the item ${key} is no row: ${name} must be a ${type}`, { key });
  };
  const row = emptyRow();
  for (const name of KEY_ATTRIBUTES) {
    const value = item[name];
    if (value !== undefined) row[name] = value.S ?? corrupt(name, "string");
  }
  if (item["body"] !== undefined) row.body = bytesOf(item["body"]) ?? corrupt("body", "binary");
  for (const name of ["t", "version"] as const) {
    const value = item[name];
    if (value !== undefined) row[name] = wholeOf(value) ?? corrupt(name, "whole number");
  }
  return row;
}
