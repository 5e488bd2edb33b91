/** What is imported at once: the events of one save, or a row. */
import type { StoredRecord } from "protosource-es";
import type { OpaqueRow } from "protosource-es/opaquedata";
import type { EntryLine } from "./read-export.js";

/** Events of one stream that follow each other. */
export interface EventBatch {
  readonly kind: "events";
  readonly streamId: string;
  readonly records: StoredRecord[];
  /** The line of the first one. */
  readonly line: number;
}

export interface RowBatch {
  readonly kind: "row";
  readonly row: OpaqueRow;
  readonly line: number;
}

export type Batch = EventBatch | RowBatch;

/** Batches that are worked on at the same time, and where the file goes on behind them. */
export interface Block {
  readonly batches: readonly Batch[];
  readonly offset: number;
  readonly lines: number;
}

/** A save of as many records is one request to DynamoDB. */
const MAX_BATCH_RECORDS = 100;
const MAX_BATCH_BYTES = 1024 * 1024;

/** How much is worked on before the position is kept. */
const MAX_BLOCK_LINES = 1000;
const MAX_BLOCK_BYTES = 8 * 1024 * 1024;

/** Gathers entries into batches, and batches into blocks. */
export async function* blocksOf(entries: AsyncIterable<EntryLine>): AsyncGenerator<Block, void, undefined> {
  let batches: Batch[] = [];
  let count = 0;
  let blockBytes = 0;
  let batchBytes = 0;
  let last: EntryLine | undefined;
  for await (const read of entries) {
    const { entry, line } = read;
    const size = entry.kind === "event" ? entry.record.data.length : entry.row.body.length;
    const batch = batches.at(-1);
    if (entry.kind === "row") batches.push({ kind: "row", row: entry.row, line });
    else if (batch && batchBytes + size <= MAX_BATCH_BYTES && follows(batch, entry.streamId, entry.record.version)) {
      batch.records.push(entry.record);
      batchBytes += size;
    } else {
      batches.push({ kind: "events", streamId: entry.streamId, records: [entry.record], line });
      batchBytes = size;
    }
    count++;
    blockBytes += size;
    last = read;
    if (count < MAX_BLOCK_LINES && blockBytes < MAX_BLOCK_BYTES) continue;
    yield { batches, offset: read.end, lines: line };
    batches = [];
    count = 0;
    blockBytes = 0;
  }
  if (last && batches.length > 0) yield { batches, offset: last.end, lines: last.line };
}

function follows(batch: Batch, streamId: string, version: bigint): batch is EventBatch {
  if (batch.kind !== "events" || batch.streamId !== streamId || batch.records.length >= MAX_BATCH_RECORDS) return false;
  return batch.records.at(-1)?.version === version - 1n;
}

/** Groups batches that must be worked on one after the other: those of one stream. */
export function groupsOf(batches: readonly Batch[]): readonly (readonly Batch[])[] {
  const groups = new Map<string, Batch[]>();
  for (const batch of batches) {
    const name = batch.kind === "events" ? batch.streamId : `row ${batch.line}`;
    const group = groups.get(name);
    if (group) group.push(batch);
    else groups.set(name, [batch]);
  }
  return [...groups.values()];
}
