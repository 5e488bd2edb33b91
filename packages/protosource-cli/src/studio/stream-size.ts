/** How large streams are, and how old their snapshots. */
import type { ScannedRecord } from "protosource-es";
import { readPayload } from "../payload.js";
import { aggregateOf, type Schemas } from "../schemas.js";
import { envelopeOf } from "./event-view.js";
import type { StreamSize } from "./health-contract.js";

/** Measures a stream, of which these are all records. */
export function sizeOf(id: string, found: readonly ScannedRecord[], schemas: Schemas): StreamSize {
  const size = { id, records: found.length, bytes: found.reduce((sum, { record }) => sum + record.data.length, 0) };
  const snapshots = new Set(aggregateOf(schemas, id)?.definition.model.snapshots.map(({ schema }) => schema.typeName));
  if (snapshots.size === 0) return size;
  for (let i = found.length - 1; i >= 0; i--) {
    const { record } = found[i] as ScannedRecord;
    const payload = readPayload(id, record, schemas);
    if (!snapshots.has(payload.typeName ?? "")) continue;
    const { at } = envelopeOf(payload);
    return {
      ...size,
      sinceSnapshot: found.length - 1 - i,
      ...(at === undefined ? {} : { snapshotAt: at.toString() }),
    };
  }
  return { ...size, sinceSnapshot: found.length };
}

/** By what streams stand out. */
const MEASURES: readonly ((size: StreamSize) => number)[] = [
  ({ records }) => records,
  ({ bytes }) => bytes,
  ({ sinceSnapshot = 0 }) => sinceSnapshot,
];

/** Gives the streams that stand out by one of the measures: so many by each, at most. */
export function notableOf(sizes: readonly StreamSize[], byEach: number): readonly StreamSize[] {
  const largest = (measure: (size: StreamSize) => number): readonly StreamSize[] =>
    sizes.toSorted((a, b) => measure(b) - measure(a)).slice(0, byEach);
  return [...new Set(MEASURES.flatMap(largest))];
}
