/** `streams delete`: the end of one stream by a tombstone, and the taking away of all before it, into a file. */
import { existsSync } from "node:fs";
import {
  isProtosourceError,
  isTombstone,
  type ScannedClaim,
  type ScannedRecord,
  tombstoneRecord,
} from "protosource-es";
import { type OpaqueRow, rowKey } from "protosource-es/opaquedata";
import { type Action, type Context, type SchemaOptions, useStore } from "../command.js";
import { commandLine } from "../command-line.js";
import { EXIT, type ExitCode } from "../exit-codes.js";
import { throwIfInterrupted, usageError } from "../failure.js";
import { counted } from "../format.js";
import { loadSchemas } from "../load-schemas.js";
import type { OpenStore } from "../open-store.js";
import { readWhole } from "../scanning.js";
import { aggregateOf, type Schemas, streamPrefix } from "../schemas.js";
import { keepOnce } from "../transfer/backup.js";
import { readArchive } from "../transfer/check-archive.js";
import { checkExport } from "../transfer/read-export.js";

export interface DeleteStreamOptions extends SchemaOptions {
  readonly backup?: string;
  readonly actor?: string;
  readonly withoutRows?: boolean;
  readonly withoutClaims?: boolean;
  readonly freeId?: boolean;
}

/** What there is of a stream, and beside it. */
interface Remains {
  readonly streamId: string;
  /** All records but the tombstone. */
  readonly events: readonly ScannedRecord[];
  readonly tombstone: ScannedRecord | undefined;
  readonly rows: readonly OpaqueRow[];
  readonly claims: readonly ScannedClaim[];
}

export const deleteStream: Action<DeleteStreamOptions> = async (context, options, streamId = "") => {
  const schemas = await loadSchemas(options);
  for (const problem of schemas.problems) context.output.note(`warning: ${problem}`);
  return useStore(options, async (opened) => {
    let remains: Remains;
    try {
      remains = await findRemains(context, opened, schemas, options, streamId);
    } catch (error) {
      if (!isProtosourceError(error, "not_found") || !(await wasFreed(options, streamId, context.signal))) throw error;
      return printFreed(context, streamId);
    }
    if (options.backup === undefined) return printPlan(context, remains);
    return takeAway(context, opened, options, remains, options.backup);
  });
};

/** Tells whether a call that frees the id came to its end before: then the file is all that there is of the stream. */
async function wasFreed(
  { backup, freeId }: DeleteStreamOptions,
  streamId: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (!freeId || backup === undefined || !existsSync(backup)) return false;
  await checkExport(backup, false, () => {}, signal);
  return (await readArchive(backup, signal))?.streamId === streamId;
}

async function printFreed({ output }: Context, streamId: string): Promise<ExitCode> {
  if (output.json) await output.value({ stream: streamId, plan: { events: 0, rows: 0, claims: 0, deleted: true } });
  else await output.line(`${streamId} was deleted, and its id is free.`);
  return EXIT.ok;
}

async function findRemains(
  { signal }: Context,
  { store, opaqueStore }: OpenStore,
  schemas: Schemas,
  { withoutRows, withoutClaims }: DeleteStreamOptions,
  streamId: string,
): Promise<Remains> {
  const found = await readWhole(store, streamId, signal);
  const rows: OpaqueRow[] = [];
  if (!withoutRows) {
    const known = aggregateOf(schemas, streamId);
    if (known === undefined) {
      throw usageError(
        "--descriptors",
        `the rows of ${streamId} aren't known: add --descriptors or --domain, or --without-rows to leave them`,
      );
    }
    const { schema, model } = known.definition;
    const id = streamId.slice(streamPrefix(known.definition).length);
    for (const view of [schema, ...model.projections.map((projection) => projection.schema)]) {
      const row = await opaqueStore.get(rowKey(view, id), { consistent: true });
      if (row) rows.push(row);
    }
  }
  const claims: ScannedClaim[] = [];
  for (let cursor: string | undefined, isRead = withoutClaims ?? false; !isRead; isRead = cursor === undefined) {
    const page = await store.scanClaims({ cursor, signal });
    claims.push(...page.claims.filter(({ owner }) => owner === streamId));
    cursor = page.cursor;
  }
  const events = found.filter(({ record }) => !isTombstone(record));
  return { streamId, events, tombstone: found.find(({ record }) => isTombstone(record)), rows, claims };
}

async function printPlan({ output, args }: Context, remains: Remains): Promise<ExitCode> {
  const { streamId, events, tombstone, rows, claims } = remains;
  const isDone = tombstone !== undefined && events.length + rows.length + claims.length === 0;
  if (output.json) await output.value({ stream: streamId, plan: { ...countsOf(remains), deleted: isDone } });
  else await output.line(isDone ? `${streamId} was deleted.` : `${streamId} has ${summary(remains)}.`);
  if (isDone) return EXIT.ok;
  output.note(`To take all of it away, into a file:\n  ${commandLine([...args, "--backup", "deleted.jsonl"])}`);
  return EXIT.found;
}

async function takeAway(
  { output, signal, args }: Context,
  { store, opaqueStore }: OpenStore,
  { actor = "", freeId }: DeleteStreamOptions,
  remains: Remains,
  backup: string,
): Promise<ExitCode> {
  const { streamId, events, rows, claims } = remains;
  let tombstone = remains.tombstone?.record;
  if (tombstone === undefined || events.length + rows.length > 0) await keepOnce(backup, events, rows, signal);
  try {
    if (tombstone === undefined) {
      const last = events.at(-1)?.record;
      const version = (last?.version ?? 0n) + 1n;
      tombstone = tombstoneRecord({ stream: streamId, version, at: BigInt(Date.now()) * 1_000n, actor });
      // What was saved since the look at it is in no backup.
      await store.save(streamId, [tombstone], { after: last, zeroIsNever: true, signal });
    }
    for (const row of rows) await opaqueStore.delete(row);
    for (const claim of claims) await store.freeClaim(claim);
    throwIfInterrupted(signal);
    const records = events.map(({ record }) => record);
    if (records.length > 0) await store.cutBeginning(streamId, records, { signal });
    if (freeId) await store.cutDamagedEnd(streamId, [tombstone], { signal });
  } catch (error) {
    output.note(`It isn't done. Run the same command again:\n  ${commandLine(args)}`);
    throw error;
  }
  if (output.json) {
    await output.value({ deleted: { stream: streamId, ...countsOf(remains), idIsFree: freeId ?? false, backup } });
    return EXIT.ok;
  }
  const id = freeId ? "Its id is free" : "Its id isn't used again";
  await output.line(`${streamId} is deleted: ${summary(remains)}. ${id}. Events and rows are in ${backup}.`);
  return EXIT.ok;
}

function countsOf({ events, rows, claims }: Remains): Readonly<Record<string, number>> {
  return { events: events.length, rows: rows.length, claims: claims.length };
}

function summary({ events, rows, claims }: Remains): string {
  return `${counted(events.length, "event")}, ${counted(rows.length, "row")} and ${counted(claims.length, "unique value")}`;
}
