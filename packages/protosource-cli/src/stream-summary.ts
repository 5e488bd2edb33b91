/** What the records of a stream come to, as far as a part of them tells. */
import type { ScannedRecord } from "protosource-es";

export interface StreamSummary {
  readonly streamId: string;
  readonly first: bigint;
  records: number;
  bytes: number;
  last: ScannedRecord;
}

/** Sums up records by their streams, which lie one after the other. `before` is one that may go on with them. */
export function sumUp(
  records: Iterable<ScannedRecord>,
  prefix: string,
  before?: StreamSummary,
): readonly StreamSummary[] {
  const found = before === undefined ? [] : [before];
  for (const scanned of records) {
    const { aggregateId: streamId, record } = scanned;
    if (!streamId.startsWith(prefix)) continue;
    let current = found.at(-1);
    if (current?.streamId !== streamId) {
      current = { streamId, first: record.version, records: 0, bytes: 0, last: scanned };
      found.push(current);
    }
    current.records++;
    current.bytes += record.data.length;
    current.last = scanned;
  }
  return found;
}
