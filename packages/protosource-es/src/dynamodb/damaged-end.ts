/** Takes the damaged end off a stream, the last items first. */

import { throwIfAborted } from "../store/save-checks.js";
import type { StoredRecord } from "../store/store.js";
import { changedSince, checkUnchanged } from "../store/stream-checks.js";
import { type ReadRecord, readEvents } from "./items.js";
import { type Item, itemBytes, MAX_TRANSACTION_BYTES, MAX_TRANSACTION_ITEMS } from "./limits.js";
import { checkNothingAfter, deleteEvent, queryEnd, transaction } from "./requests.js";
import type { TableRequests } from "./table-requests.js";

/** An item of the table, and the last version that it holds. */
export interface StreamItem {
  readonly item: Item;
  readonly last: bigint;
}

/**
 * Deletes the items from a version on when they hold these records and no others, in transactions of as many items as
 * fit. Each deletes items only while they are as they were read, and nothing was appended behind them.
 *
 * A signal is looked at between the transactions, and isn't passed on: of one that was aborted nobody knows what it did.
 */
export async function deleteDamagedEnd(
  requests: TableRequests,
  table: string,
  aggregateId: string,
  from: bigint,
  records: readonly StoredRecord[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const items: StreamItem[] = [];
  const stored: ReadRecord[] = [];
  let startKey: Item | undefined;
  do {
    const { output } = await requests.query(queryEnd(table, aggregateId, from, startKey), signal);
    for (const item of output?.Items ?? []) {
      readEvents(item, table, aggregateId, stored);
      items.push({ item, last: stored.at(-1)?.record.version ?? from });
    }
    startKey = output?.LastEvaluatedKey;
  } while (startKey !== undefined);
  checkUnchanged(
    aggregateId,
    records,
    stored.map(({ record }) => record),
  );
  for (const batch of transactionsOf(items.toReversed())) {
    throwIfAborted(signal, "cutDamagedEnd");
    const last = batch.reduce((highest, { last }) => (last > highest ? last : highest), from);
    const deletes = batch.map(({ item }) => deleteEvent(table, aggregateId, item));
    const request = transaction([...deletes, checkNothingAfter(table, aggregateId, last)], crypto.randomUUID());
    const { refusals } = await requests.transactWriteItems(request, undefined);
    if (refusals) throw changedSince(aggregateId, last);
  }
}

/** Cuts items into transactions. Each has room for a check, and each item counts twice. */
export function transactionsOf(items: readonly StreamItem[]): StreamItem[][] {
  const batches: StreamItem[][] = [];
  let room = 0;
  for (const one of items) {
    const bytes = 2 * itemBytes(one.item);
    let batch = batches.at(-1);
    if (!batch || batch.length === MAX_TRANSACTION_ITEMS - 1 || bytes > room) {
      batch = [];
      batches.push(batch);
      room = MAX_TRANSACTION_BYTES;
    }
    batch.push(one);
    room -= bytes;
  }
  return batches;
}
