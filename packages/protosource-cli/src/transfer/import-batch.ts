/** Putting events and rows into a store in which some of them may be already. */
import { isProtosourceError, ProtosourceError, type StoredRecord } from "protosource-es";
import { KEY_ATTRIBUTES } from "protosource-es/model";
import type { OpaqueRow } from "protosource-es/opaquedata";
import type { OpenStore } from "../open-store.js";
import { recordPages } from "../scanning.js";
import type { Batch, EventBatch, RowBatch } from "./batches.js";

/** What became of the events and rows of an import. */
export interface ImportCounts {
  /** Events and rows that were written. */
  readonly written: number;
  /** Those that were there already, and are the same. */
  readonly present: number;
  /** Rows of which the store holds a later version, which stays. */
  readonly newer: number;
}

type Counting = { -readonly [K in keyof ImportCounts]: number };

/**
 * Imports the batches of one stream, or a row. What is there already and equal is left.
 *
 * Throws `version_conflict` where other events are, and what the store throws. A signal may cut a write off: whether it
 * was made doesn't matter, since an import that goes on finds it.
 */
export async function importGroup(
  opened: OpenStore,
  group: readonly Batch[],
  counts: Counting,
  signal: AbortSignal,
): Promise<void> {
  let stored: StoredVersions | undefined;
  for (const batch of group) {
    if (batch.kind === "row") {
      await importRow(opened, batch, counts, signal);
      continue;
    }
    if (stored === undefined && (await restore(opened, batch.streamId, batch.records, signal))) {
      counts.written += batch.records.length;
      continue;
    }
    stored ??= await recordsOf(opened, batch.streamId, signal);
    await importMissing(opened, batch, stored, counts, signal);
  }
}

/** Compares the batches of one stream, or a row, with what the store holds, and names the line of what differs. */
export async function verifyGroup(
  opened: OpenStore,
  group: readonly Batch[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const problems: string[] = [];
  let stored: StoredVersions | undefined;
  const now = BigInt(Math.floor(Date.now() / 1000));
  for (const batch of group) {
    if (batch.kind === "row") {
      const found = await opened.opaqueStore.get(batch.row, { consistent: true, signal });
      const isThere = found
        ? isSameRow(found, batch.row) || found.version > batch.row.version
        : isPast(batch.row.t, now);
      if (!isThere) problems.push(`line ${batch.line}: the row ${nameOf(batch.row)} isn't as it was exported`);
      continue;
    }
    const { streamId, records, line } = batch;
    stored ??= await recordsOf(opened, streamId, signal);
    for (const [i, record] of records.entries()) {
      const [found, another] = stored.get(record.version) ?? [];
      const isThere = found ? isSameRecord(found, record) : isPast(record.ttl, now);
      const name = `version ${record.version} of ${streamId}`;
      if (another) problems.push(`line ${line + i}: ${name} is stored more than once`);
      else if (!isThere) problems.push(`line ${line + i}: ${name} isn't as it was exported`);
    }
  }
  return problems;
}

/** Tells whether records were written; false when there are records in their place. */
async function restore(
  { store }: OpenStore,
  streamId: string,
  records: readonly StoredRecord[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await store.restore(streamId, records, { signal });
    return true;
  } catch (error) {
    if (isProtosourceError(error, "version_conflict")) return false;
    throw error;
  }
}

async function importMissing(
  opened: OpenStore,
  { streamId, records, line }: EventBatch,
  stored: StoredVersions,
  counts: Counting,
  signal: AbortSignal,
): Promise<void> {
  const runs: StoredRecord[][] = [];
  for (const [i, record] of records.entries()) {
    const [found, another] = stored.get(record.version) ?? [];
    if (found && (another || !isSameRecord(found, record))) {
      const holds = another ? "more than one version" : "another version";
      throw new ProtosourceError(
        "version_conflict",
        `line ${line + i}: the store holds ${holds} ${record.version} of ${streamId}: import into an empty store`,
        { aggregateId: streamId, version: record.version },
      );
    }
    if (found) {
      counts.present++;
      continue;
    }
    const run = runs.at(-1);
    if (run?.at(-1)?.version === record.version - 1n) run.push(record);
    else runs.push([record]);
  }
  for (const run of runs) {
    await opened.store.restore(streamId, run, { signal });
    counts.written += run.length;
  }
}

async function importRow(
  { opaqueStore }: OpenStore,
  { row, line }: RowBatch,
  counts: Counting,
  signal: AbortSignal,
): Promise<void> {
  const found = await opaqueStore.get(row, { consistent: true, signal });
  if (found && isSameRow(found, row)) {
    counts.present++;
    return;
  }
  if (found && found.version === 0n && row.version === 0n) {
    throw new ProtosourceError(
      "version_conflict",
      `line ${line}: the store holds another row ${nameOf(row)}, and neither has a version: delete it, or rebuild`,
      { aggregateId: row.pk, version: 0n },
    );
  }
  if (found && found.version > row.version) counts.newer++;
  else if ((await opaqueStore.put(row, { signal })).written) counts.written++;
  else counts.newer++;
}

/** What a stream holds of each version: one record, unless the stream is damaged. */
type StoredVersions = ReadonlyMap<bigint, readonly StoredRecord[]>;

async function recordsOf({ store }: OpenStore, streamId: string, signal: AbortSignal): Promise<StoredVersions> {
  const records = new Map<bigint, StoredRecord[]>();
  for await (const page of recordPages(store, { aggregateId: streamId, signal })) {
    for (const { record } of page.records) {
      const same = records.get(record.version);
      if (same) same.push(record);
      else records.set(record.version, [record]);
    }
  }
  return records;
}

function isSameRecord(a: StoredRecord, b: StoredRecord): boolean {
  return a.version === b.version && a.ttl === b.ttl && isSameBytes(a.data, b.data);
}

/** Other writers may leave out the second half of a key, which a store fills in. */
function isSameRow(a: OpaqueRow, b: OpaqueRow): boolean {
  const areKeysSame = KEY_ATTRIBUTES.every((name) => a[name] === b[name] || [a[name], b[name]].sort().join() === ",NA");
  return areKeysSame && a.t === b.t && a.version === b.version && isSameBytes(a.body, b.body);
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function isPast(expiry: bigint, now: bigint): boolean {
  return expiry > 0n && expiry <= now;
}

function nameOf({ pk, sk }: OpaqueRow): string {
  return `pk=${JSON.stringify(pk)}, sk=${JSON.stringify(sk)}`;
}
