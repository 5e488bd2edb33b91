/** What a save writes, how it is cut into requests, and what a refusal means. Nothing here sends. */
import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { DEFAULT_INFLATE_LIMIT } from "../gzip/gzip.js";
import { claimKey } from "../opaquedata/claim-key.js";
import type { OpaqueRow } from "../opaquedata/opaque-store.js";
import { type PositionMove, positionConflict, rowConflict } from "../store/positions.js";
import type { Claim, RowWrite, StoredRecord, StreamCheck } from "../store/store.js";
import { REFUSED_FOR_NOW, type Refusal } from "./failures.js";
import { eventItem, isMarked, MARK_BYTES, markEvents, PACKED_RECORD_BYTES, packedItem, readRow } from "./items.js";
import {
  actionBytes,
  checkItemBytes,
  type Item,
  itemBytes,
  MAX_PACKED_BYTES,
  MAX_TRANSACTION_BYTES,
  MAX_TRANSACTION_ITEMS,
} from "./limits.js";
import { isOwnEvent, markedEvents } from "./own-events.js";
import { type PositionTables, type PositionWrites, positionWrites, readPosition } from "./positions.js";
import {
  checkEvent,
  checkNothingAfter,
  deleteClaim,
  deleteRowAt,
  type Put,
  putClaim,
  putEvent,
  putRow,
  putRowAt,
  putRowOver,
} from "./requests.js";

/** The put of an event. */
export interface EventPut {
  readonly kind: "event";
  readonly aggregateId: string;
  readonly version: bigint;
  /** The last version that the item holds. */
  readonly last: bigint;
  readonly put: Put;
}

/** The put of a row. */
export interface RowPut extends RowWrite {
  readonly kind: "row";
  readonly table: string;
  readonly put: Put;
}

/** The put of a claim. */
export interface ClaimPut {
  readonly kind: "claim";
  readonly claim: Claim;
  readonly put: Put;
}

/** The freeing of a claim. */
export interface ClaimRelease {
  readonly kind: "release";
  readonly item: TransactWriteItem;
}

/** A condition on a stream that isn't written, or on the record that was seen last of one that is. */
export interface CheckItem extends StreamCheck {
  readonly kind: "check";
  readonly item: TransactWriteItem;
}

/** The deletion of a row. */
export interface RowRemoval extends RowWrite {
  readonly kind: "row removal";
  readonly item: TransactWriteItem;
}

/** What moves a position. */
export type PositionItem = { readonly kind: "position"; readonly move: PositionMove } & PositionWrites["position"];

/** What lists a parked stream, or takes it off the list. */
export type ParkingItem = { readonly kind: "parking" } & NonNullable<PositionWrites["parking"]>;

/** What one item of a transaction does. */
export type TransactionItem =
  | EventPut
  | RowPut
  | RowRemoval
  | ClaimPut
  | ClaimRelease
  | CheckItem
  | PositionItem
  | ParkingItem;

/** How the records of a save become items: each one its own, or as many as fit into one. */
export type Layout = "compatible" | "packed";

/**
 * Gives the puts of a stream's records in batches of at most 100 items and 4 MB, or in one `together` with others. With
 * the record `after` which they come, each has room for the check of it. The same records give the same batches,
 * whatever their expiry: a save that is repeated must be cut as it was. Throws `too_large` for a record that is too
 * large for an item.
 */
export function eventBatches(
  table: string,
  layout: Layout,
  aggregateId: string,
  records: readonly StoredRecord[],
  commitId: Uint8Array,
  { together = false, after }: { readonly together?: boolean; readonly after?: StoredRecord | undefined } = {},
): EventPut[][] {
  const check = after && checkEvent(table, aggregateId, eventItem(aggregateId, after)).ConditionCheck;
  const mostItems = MAX_TRANSACTION_ITEMS - (check ? 1 : 0);
  const mostBytes = MAX_TRANSACTION_BYTES - (check ? actionBytes(check) : 0);
  const items =
    layout === "packed" ? pack(aggregateId, records) : records.map((record) => eventItem(aggregateId, record));
  const batches: Put[][] = [];
  let room = 0;
  for (const item of items) {
    const put = putEvent(table, item);
    const sized = item["t"] ? { ...put, Item: { ...item, t: { N: String(SOME_EXPIRY) } } } : put;
    const bytes = actionBytes(sized) + MARK_BYTES;
    let batch = batches.at(-1);
    if (!batch || (!together && (batch.length === mostItems || bytes > room))) {
      batch = [];
      batches.push(batch);
      room = mostBytes;
    }
    batch.push(put);
    room -= bytes;
  }
  for (const batch of batches) {
    markEvents(
      batch.map(({ Item = {} }) => Item),
      commitId,
    );
  }
  return batches.map((batch) => batch.map((put) => eventPut(aggregateId, put)));
}

function eventPut(aggregateId: string, put: Put): EventPut {
  const { Item: item = {} } = put;
  const version = BigInt(item["v"]?.N ?? 0);
  const count = BigInt(item["n"]?.N ?? 1);
  checkItemBytes(`version ${version} of ${aggregateId}`, itemBytes(item));
  return { kind: "event", aggregateId, version, last: version + count - 1n, put };
}

/** An expiry as long as any of this time, by which items are measured. */
const SOME_EXPIRY = 9_999_999_999n;

/** Gives items that hold as many records as fit. */
function pack(aggregateId: string, records: readonly StoredRecord[]): Item[] {
  const [first, second] = records;
  if (first === undefined) return [];
  if (second === undefined) return [eventItem(aggregateId, first)];
  if (fitsTogether(aggregateId, records)) return [packedItem(aggregateId, records)];
  const half = records.length >> 1;
  return [...pack(aggregateId, records.slice(0, half)), ...pack(aggregateId, records.slice(half))];
}

/** Tells whether one item holds records, whatever their expiry, and a reader unpacks it. */
function fitsTogether(aggregateId: string, records: readonly StoredRecord[]): boolean {
  const bytes = records.reduce((sum, { data }) => sum + data.length + PACKED_RECORD_BYTES, 0);
  if (bytes <= MAX_PACKED_BYTES || bytes > DEFAULT_INFLATE_LIMIT) return bytes <= MAX_PACKED_BYTES;
  const measured = records.map((record) => (record.ttl > 0n ? { ...record, ttl: SOME_EXPIRY } : record));
  return itemBytes(packedItem(aggregateId, measured)) + MARK_BYTES <= MAX_PACKED_BYTES;
}

/** Gives the put of a row, or its deletion. Throws `too_large` for one that is too large for an item. */
export function rowWrite(table: string, write: RowWrite, nowSeconds: bigint): RowPut | RowRemoval {
  const { row, was, remove } = write;
  if (remove) return { kind: "row removal", ...write, item: deleteRowAt(table, row, was ?? 0n, nowSeconds) };
  const put = was === undefined ? putRow(table, row, nowSeconds) : putRowAt(table, row, was, nowSeconds);
  checkItemBytes(
    `the row pk=${JSON.stringify(write.row.pk)}, sk=${JSON.stringify(write.row.sk)}`,
    itemBytes(put.Item ?? {}),
  );
  return { kind: "row", table, ...write, put };
}

/** Gives what a move of a position does. Throws `too_large` for a row that is too large for an item with it. */
export function positionItems(tables: PositionTables, move: PositionMove): (PositionItem | ParkingItem)[] {
  const { position, parking } = positionWrites(tables, move);
  if ("put" in position && move.kept) {
    const { pk, sk } = move.kept.key;
    checkItemBytes(`the row pk=${JSON.stringify(pk)}, sk=${JSON.stringify(sk)}`, itemBytes(position.put.Item ?? {}));
  }
  if (parking === undefined) return [{ kind: "position", move, ...position }];
  return [
    { kind: "position", move, ...position },
    { kind: "parking", ...parking },
  ];
}

/** Gives what takes a claim or frees it. */
export async function claimWrite(
  table: string,
  claim: Claim,
  commitId: Uint8Array,
  nowSeconds: bigint,
): Promise<ClaimPut | ClaimRelease> {
  const key = await claimKey(claim.scope, claim.value);
  if (claim.release) return { kind: "release", item: deleteClaim(table, key, claim.owner) };
  return { kind: "claim", claim, put: putClaim(table, key, claim, commitId, nowSeconds) };
}

/** Gives the check of the last record that was seen of a stream. It lies in this item. */
export function seenItem(table: string, aggregateId: string, { version }: StoredRecord, item: Item): CheckItem {
  return { kind: "check", aggregateId, version, item: checkEvent(table, aggregateId, item) };
}

/** Gives the check of a stream of which the end was seen. */
export function checkItem(table: string, check: StreamCheck): CheckItem {
  return { kind: "check", ...check, item: checkNothingAfter(table, check.aggregateId, check.version) };
}

/** Refuses what doesn't fit into one transaction. */
export function checkTransaction(items: readonly TransactionItem[]): void {
  const actions = items.map((item) =>
    "put" in item ? item.put : (item.item.Delete ?? item.item.ConditionCheck ?? {}),
  );
  const size = actions.reduce<number>((sum, action) => sum + actionBytes(action), 0);
  const tooLarge = (what: string, size: number, limit: number): never => {
    throw new ProtosourceError(
      "too_large",
      `the transaction has ${size} ${what}, and DynamoDB takes ${limit}: save less at once`,
      { what: `transaction ${what}`, size, limit },
    );
  };
  if (items.length > MAX_TRANSACTION_ITEMS) tooLarge("items", items.length, MAX_TRANSACTION_ITEMS);
  if (size > MAX_TRANSACTION_BYTES) tooLarge("bytes", size, MAX_TRANSACTION_BYTES);
}

/** Why a batch can't be stored. */
export type Refused =
  | { readonly kind: "conflict"; readonly aggregateId: string; readonly version: bigint }
  /** Something of the batch is stored by this very save, and of the rest the refusals don't tell. */
  | { readonly kind: "partly seen"; readonly aggregateId: string; readonly version: bigint }
  | { readonly kind: "check failed"; readonly aggregateId: string; readonly version: bigint }
  | { readonly kind: "taken"; readonly scope: string; readonly owner: string }
  /** A position isn't where its move begins, or a row not as it was read. */
  | { readonly kind: "moved"; readonly error: ProtosourceError<"position_conflict" | "row_conflict"> }
  /** DynamoDB refuses an item for another reason than its condition. */
  | { readonly kind: "rejected"; readonly code: string };

/** What a refusal means for a batch. */
export type Verdict =
  | Refused
  /** The batch is stored: an earlier attempt of this very save did it. */
  | { readonly kind: "stored" }
  /** Only rows, or claims to free, were in the way: these items are to be sent instead. */
  | { readonly kind: "again"; readonly items: readonly TransactionItem[] };

/** Tells what refusals, one for each item by its index, mean. */
export function judge(
  items: readonly TransactionItem[],
  refusals: readonly Refusal[],
  commitId: Uint8Array | undefined,
): Verdict {
  const codes = refusals.map(({ code }) => code);
  const failed = (i: number): boolean => codes[i] === "ConditionalCheckFailed";
  const own = ownVerdict(items, refusals, commitId);
  if (own !== undefined) return own;
  const refused = items.filter((_, i) => failed(i));
  const position = refused.find((item) => item.kind === "position");
  if (position) {
    const { move } = position;
    const item = refusals[items.indexOf(position)]?.item;
    // The row may be there without a position.
    const stored = readPosition(move.kept && item?.["v"] === undefined ? undefined : item, move.streamId);
    return { kind: "moved", error: positionConflict(move, stored) };
  }
  const conflict = refused.find((item) => item.kind === "event");
  if (conflict) return { kind: "conflict", aggregateId: conflict.aggregateId, version: conflict.version };
  const check = refused.find((item) => item.kind === "check");
  if (check) return { kind: "check failed", aggregateId: check.aggregateId, version: check.version };
  const taken = refused.find((item) => item.kind === "claim");
  if (taken) {
    const owner = refusals[items.indexOf(taken)]?.item?.["owner"]?.S ?? "";
    return { kind: "taken", scope: taken.claim.scope, owner };
  }
  const row = refused.find((item) => (item.kind === "row" || item.kind === "row removal") && item.was !== undefined);
  if (row && "row" in row) return { kind: "moved", error: rowConflict(row.row) };

  const code = codes.find((code) => code !== "None" && code !== "ConditionalCheckFailed" && !REFUSED_FOR_NOW.has(code));
  if (code !== undefined) return { kind: "rejected", code };
  const hasEvents = items.some(({ kind }) => kind === "event");
  return {
    kind: "again",
    items: items.flatMap((item, i) => {
      if (!failed(i) || item.kind === "event") return item;
      return item.kind === "row" ? (putInstead(item, refusals[i]?.item, hasEvents) ?? []) : [];
    }),
  };
}

/**
 * Tells what it means that refusals brought back what carries the commit id; undefined when none did, and when it is a
 * save of something else. The first event of a stream tells how many follow, so that of those nothing needs to be seen.
 */
function ownVerdict(
  items: readonly TransactionItem[],
  refusals: readonly Refusal[],
  commitId: Uint8Array | undefined,
): Verdict | undefined {
  if (!items.some(({ kind }, i) => (kind === "event" || kind === "claim") && isMarked(refusals[i]?.item, commitId))) {
    return undefined;
  }
  const isOther = items.some((item, i) => {
    const stored = refusals[i]?.item;
    return item.kind === "event" && stored !== undefined && !isOwnEvent(item, stored);
  });
  if (isOther) return undefined;
  const unseen = markedEvents(items).find((item) => refusals[items.indexOf(item)]?.item === undefined);
  if (unseen === undefined) return { kind: "stored" };
  return { kind: "partly seen", aggregateId: unseen.aggregateId, version: unseen.version };
}

/**
 * Gives the put that follows one that was refused for the stored row: none when the stored row is of a later version.
 * A row without a version, as other writers leave it, is replaced when it is of an earlier one. A row that can't be read
 * is left as it is where events wait for it, and is `corrupt_record` where it is put for its own sake.
 */
function putInstead(put: RowPut, item: Item | undefined, hasEvents: boolean): RowPut | undefined {
  if (item === undefined) return put;
  let stored: OpaqueRow;
  try {
    stored = readRow(item, put.table);
  } catch (error) {
    if (hasEvents && isProtosourceError(error, "corrupt_record")) return undefined;
    throw error;
  }
  if (stored.version !== 0n) return undefined;
  const version = put.versionOf?.(stored);
  if (version !== undefined && version > put.row.version) return undefined;
  return { ...put, put: putRowOver(put.table, put.row, stored) };
}
