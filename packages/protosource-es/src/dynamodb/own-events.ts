/** How a save knows what it stored before: not by its commit id alone, which a caller may use for something else. */
import { isProtosourceError } from "../errors.js";
import { equalBytes } from "../opaquedata/equal-bytes.js";
import { bytesOf, isMarked, type ReadRecord, readEvents } from "./items.js";
import type { Item } from "./limits.js";
import type { EventPut, TransactionItem } from "./writes.js";

/** Gives the events of a transaction that carry its commit id: the first of each stream. */
export function markedEvents(items: readonly TransactionItem[]): EventPut[] {
  return items.filter((item): item is EventPut => item.kind === "event" && item.put.Item?.["c"] !== undefined);
}

/**
 * Tells whether a stored item is what a put was to store, in the same save and with as many records behind it. It may
 * expire at another time, which a repeated save reckons anew.
 */
export function isOwnEvent({ aggregateId, put }: EventPut, stored: Item): boolean {
  const { Item: own = {}, TableName: table = "" } = put;
  if (own["c"] !== undefined && !isMarked(stored, bytesOf(own["c"]))) return false;
  if (own["n"]?.N !== stored["n"]?.N || own["m"]?.N !== stored["m"]?.N) return false;
  const [wanted, found] = [own, stored].map((item) => recordsOf(item, table, aggregateId));
  return wanted?.length === found?.length && wanted?.every(isSameAs(found ?? [])) === true;
}

function isSameAs(others: readonly ReadRecord[]): (one: ReadRecord, i: number) => boolean {
  return ({ record }, i) => {
    const other = others[i]?.record;
    return other?.version === record.version && equalBytes(other.data, record.data);
  };
}

/** An item that can't be read holds none. */
function recordsOf(item: Item, table: string, aggregateId: string): readonly ReadRecord[] {
  const records: ReadRecord[] = [];
  try {
    readEvents(item, table, aggregateId, records);
  } catch (error) {
    if (!isProtosourceError(error, "corrupt_record")) throw error;
  }
  return records;
}
