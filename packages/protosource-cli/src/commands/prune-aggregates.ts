/** `aggregates prune`: rows that nothing keeps up to date any more, and the taking away of them. */
import type { DescMessage } from "@bufbuild/protobuf";
import { isProtosourceError, type SnapshotTailStore } from "protosource-es";
import { keyModel } from "protosource-es/model";
import { type OpaqueRow, rowKey } from "protosource-es/opaquedata";
import { type Action, type SchemaOptions, type SegmentsOption, segmentCount, useStore } from "../command.js";
import { commandLine } from "../command-line.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { allAtOnce, forEach } from "../for-each.js";
import { counted } from "../format.js";
import { loadSchemas } from "../load-schemas.js";
import type { OpenStore } from "../open-store.js";
import type { Output } from "../output.js";
import { createPace, type PaceOption } from "../pace.js";
import { createProgress } from "../progress.js";
import { type KnownAggregate, streamPrefix } from "../schemas.js";
import { type Backup, createBackup } from "../transfer/backup.js";

export interface PruneOptions extends SchemaOptions, SegmentsOption, PaceOption {
  readonly backup?: string;
}

/** Why a row isn't needed: its projection isn't in the schemas any more, or its stream isn't in the store. */
type Reason = "dropped" | "gone";

/** A row that isn't needed. */
interface Needless {
  readonly row: OpaqueRow;
  readonly streamId: string;
  readonly reason: Reason;
}

const TITLES = ["PK", "SK", "WHY"];

const WHY: Readonly<Record<Reason, string>> = {
  dropped: "no such projection",
  gone: "no such stream, or it has expired",
};

/** How many rows of a page are looked at, or taken away, at once. */
const AT_ONCE = { dynamodb: 16, sqlite: 1 } as const;

export const pruneAggregates: Action<PruneOptions> = async ({ output, signal, args }, options) => {
  const segments = segmentCount(options);
  const { pace, onRequest, pageSize } = await createPace(options);
  const { aggregates, problems } = await loadSchemas(options);
  for (const problem of problems) output.note(`warning: ${problem}`);
  if (aggregates.length === 0) {
    throw usageError("--descriptors", "no aggregate is known: add --descriptors image.binpb, or --domain");
  }
  const places = aggregates.flatMap(placeOf);
  return useStore(
    options,
    async (opened) => {
      const backup = options.backup === undefined ? undefined : createBackup(options.backup);
      const counts = { rows: 0, dropped: 0, gone: 0, removed: 0, anew: 0 };
      const progress = createProgress(output, "rows", (await opened.estimate())?.rows);
      const pruneSegment = async (index: number, signal: AbortSignal): Promise<void> => {
        let cursor: string | undefined;
        do {
          await pace(signal);
          const page = await opened.opaqueStore.scan({
            segment: { index, of: segments },
            cursor,
            limit: pageSize,
            signal,
          });
          for (const error of page.unreadable) output.note(`warning: ${error.rawMessage}`);
          const needless = await findNeedless(opened, places, page.rows, signal);
          for (const { reason } of needless) counts[reason]++;
          await print(output, needless);
          if (backup && needless.length > 0) {
            const written = await takeAway(opened, backup, needless, signal);
            for (const streamId of written) {
              output.note(`${streamId} was written to meanwhile: run protosource rebuild --stream '${streamId}'`);
            }
            counts.removed += needless.length;
            counts.anew += written.length;
          }
          counts.rows += page.rows.length;
          progress(counts.rows, `${counts.dropped + counts.gone} not needed`);
          cursor = page.cursor;
        } while (cursor !== undefined);
      };
      try {
        await allAtOnce(segments, signal, pruneSegment);
        backup?.end();
      } finally {
        backup?.close();
      }

      const found = counts.dropped + counts.gone;
      if (output.json) await output.value({ pruned: counts });
      else
        await output.line(
          `${counted(counts.rows, "row")}: ${counted(found, "row")} not needed, ${counts.removed} taken away`,
        );
      if (backup === undefined && found > 0) {
        const line = commandLine([...args, "--backup", "removed.jsonl"]);
        output.note(`To take them away, into a file:\n  ${line}`);
        return EXIT.found;
      }
      return counts.anew === 0 ? EXIT.ok : EXIT.found;
    },
    { onRequest },
  );
};

/** Where the rows of an aggregate lie. */
interface Place {
  /** What the partition keys of its rows begin with, before the id. */
  readonly begin: string;
  readonly streamPrefix: string;
  readonly sortKeys: ReadonlySet<string>;
}

/** Gives the place of an aggregate; none for one that has no rows. */
function placeOf({ definition }: KnownAggregate): readonly Place[] {
  const { schema, model } = definition;
  if (!hasRows(schema)) return [];
  const schemas = [schema, ...model.projections.map((projection) => projection.schema).filter(hasRows)];
  return [
    {
      begin: rowKey(schema, SOME_ID).pk.slice(0, -SOME_ID.length),
      streamPrefix: streamPrefix(definition),
      sortKeys: new Set(schemas.map((schema) => rowKey(schema, SOME_ID).sk)),
    },
  ];
}

const SOME_ID = "x";

function hasRows(schema: DescMessage): boolean {
  const model = keyModel(schema);
  return model?.templates.has("pk") === true && model.problems.every(({ severity }) => severity !== "error");
}

/** Finds the rows that aren't needed. Rows of other aggregates, and of a program's own, are none of them. */
async function findNeedless(
  { location, store }: OpenStore,
  places: readonly Place[],
  rows: readonly OpaqueRow[],
  signal: AbortSignal,
): Promise<readonly Needless[]> {
  const gone = new Map<string, Promise<boolean>>();
  const needless: Needless[] = [];
  await forEach(rows, AT_ONCE[location.kind], async (row) => {
    const place = places.find(({ begin }) => row.pk.startsWith(begin));
    if (place === undefined) return;
    const streamId = place.streamPrefix + row.pk.slice(place.begin.length);
    if (place.sortKeys.has(row.sk)) {
      const isGone = gone.get(streamId) ?? isStreamGone(store, streamId, signal);
      gone.set(streamId, isGone);
      if (await isGone) needless.push({ row, streamId, reason: "gone" });
    } else if (row.sk.startsWith("PROJ#")) needless.push({ row, streamId, reason: "dropped" });
  });
  return needless;
}

/** Tells whether nothing of a stream counts any more. One that is damaged isn't gone. */
async function isStreamGone(store: SnapshotTailStore, streamId: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await store.loadTail(streamId, 1, { signal })).records.length === 0;
  } catch (error) {
    if (isProtosourceError(error, "corrupt_stream") || isProtosourceError(error, "corrupt_record")) return false;
    throw error;
  }
}

/** Takes rows away once they are kept. Gives the streams that are there again by now, and may have lost a new row. */
async function takeAway(
  { location, store, opaqueStore }: OpenStore,
  backup: Backup,
  needless: readonly Needless[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  backup.keep(
    [],
    needless.map(({ row }) => row),
  );
  const written: string[] = [];
  await forEach(needless, AT_ONCE[location.kind], async ({ row, streamId, reason }) => {
    await opaqueStore.delete(row);
    if (reason === "gone" && !(await isStreamGone(store, streamId, signal))) written.push(streamId);
  });
  return [...new Set(written)];
}

async function print(output: Output, needless: readonly Needless[]): Promise<void> {
  if (!output.json) {
    const rows = needless.map(({ row, reason }) => [row.pk, row.sk, WHY[reason]]);
    if (rows.length > 0) await output.table(TITLES, rows);
    return;
  }
  for (const { row, reason } of needless) {
    await output.value({ pk: row.pk, sk: row.sk, version: row.version, reason });
  }
}
