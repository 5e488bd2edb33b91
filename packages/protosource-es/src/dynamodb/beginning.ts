/** Takes the beginning off a stream, the first items first. */
import { throwIfAborted } from "../store/save-checks.js";
import type { StoredRecord } from "../store/store.js";
import { changedSince, checkUnchanged, nothingLeft } from "../store/stream-checks.js";
import { type StreamItem, transactionsOf } from "./damaged-end.js";
import { type ReadRecord, readEvents } from "./items.js";
import type { Item } from "./limits.js";
import { deleteEvent, queryEnd, transaction } from "./requests.js";
import type { TableRequests } from "./table-requests.js";

/**
 * Deletes the items up to a version when they hold these records and no others, in transactions of as many items as
 * fit. Each deletes items only while they are as they were read.
 *
 * A signal is looked at between the transactions, and isn't passed on: of one that was aborted nobody knows what it did.
 */
export async function deleteBeginning(
  requests: TableRequests,
  table: string,
  aggregateId: string,
  to: bigint,
  records: readonly StoredRecord[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const items: StreamItem[] = [];
  const stored: ReadRecord[] = [];
  let startKey: Item | undefined;
  const isBehind = (): boolean => (stored.at(-1)?.record.version ?? 0n) > to;
  do {
    const { output } = await requests.query(queryEnd(table, aggregateId, 1n, startKey), signal);
    for (const item of output?.Items ?? []) {
      readEvents(item, table, aggregateId, stored);
      if (isBehind()) break;
      items.push({ item, last: to });
    }
    startKey = output?.LastEvaluatedKey;
  } while (startKey !== undefined && !isBehind());
  const beginning = stored.map(({ record }) => record).filter(({ version }) => version <= to);
  checkUnchanged(aggregateId, records, beginning);
  if (!isBehind()) throw nothingLeft(aggregateId);
  for (const batch of transactionsOf(items)) {
    throwIfAborted(signal, "cutBeginning");
    const deletes = batch.map(({ item }) => deleteEvent(table, aggregateId, item));
    const { refusals } = await requests.transactWriteItems(transaction(deletes, crypto.randomUUID()), undefined);
    if (refusals) throw changedSince(aggregateId, to);
  }
}
