/** `rebuild`: the rows of aggregates and projections, made anew from the events. */
import type { Command } from "commander";
import {
  isProtosourceError,
  ProtosourceError,
  type RebuildCounts,
  type RebuildProgress,
  rebuild,
} from "protosource-es";
import {
  type Action,
  type Register,
  type SchemaOptions,
  type SegmentsOption,
  segmentCount,
  useStore,
  withExample,
  withSchemas,
  withSegments,
  withStore,
} from "../command.js";
import { derivedFields } from "../derived-fields.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { counted, duration } from "../format.js";
import { keepState } from "../keep-state.js";
import { loadSchemas } from "../load-schemas.js";
import type { Output } from "../output.js";
import { createPace, type PaceOption, withPace } from "../pace.js";
import { createProgress } from "../progress.js";
import type { KnownAggregate, Schemas } from "../schemas.js";
import { openStateFile } from "../state-file.js";
import { parseStoreUrl, storeUrl } from "../store-url.js";

export interface RebuildCommandOptions extends SchemaOptions, SegmentsOption, PaceOption {
  readonly only?: readonly string[];
  readonly stream?: string;
  readonly dryRun?: boolean;
  readonly withoutDerived?: boolean;
  readonly state: string;
  readonly resume?: boolean;
}

/** Adds the command. */
export function addRebuild(program: Command, register: Register): void {
  const command = program
    .command("rebuild")
    .description("makes rows and unique values anew from the events, while writers may be at work")
    .option("--only <type...>", "only these aggregates, such as Order")
    .option("--stream <stream>", "only this one, by its whole name, such as example_app_order_v1#o-1")
    .option("--dry-run", "compares, and writes nothing")
    .option("--without-derived", "leaves fields empty that only the domain's code can fill")
    .option("--state <file>", "where to keep how far it has come", "protosource-rebuild.json")
    .option("--resume", "goes on from the state file");
  withExample(
    withPace(withSegments(withSchemas(withStore(command)))),
    "protosource rebuild --store 'dynamodb:?region=eu-west-1' --domain ./dist/domain.js --max-units 500",
  );
  register(command, rebuildRows);
}

const rebuildRows: Action<RebuildCommandOptions> = async (context, options) => {
  const { output, signal } = context;
  const { stream: streamId } = options;
  const segments = streamId === undefined ? segmentCount(options) : 1;
  const { pace, onRequest, pageSize } = await createPace(options);
  const schemas = await loadSchemas(options);
  for (const problem of schemas.problems) output.note(`warning: ${problem}`);
  const chosen = choose(schemas, options);
  checkDerived(output, chosen, options);
  const location = parseStoreUrl(options.store);
  const aggregates = chosen.map(({ definition }) => definition);
  const job = {
    rebuild: storeUrl(location),
    aggregates: aggregates.map(({ schema }) => schema.typeName),
    segments,
    streamId,
    "messages, indexes and code": schemas.fingerprint,
  };
  const state = openStateFile<RebuildProgress>(options.state, "--state", job, options.resume === true);

  return useStore(
    options,
    async (opened) => {
      const start = performance.now();
      const total = (await opened.estimate())?.records;
      const progress = createProgress(output, "records", total, state.resumed?.counts.records);
      const counts = await keepState(context, state, options.state, () =>
        rebuild(aggregates, opened.store, opened.opaqueStore, {
          serializer: schemas.serializer,
          compressThreshold: schemas.compressThreshold,
          keyring: schemas.keyring,
          segments,
          streamId,
          pageSize,
          // In a file several would wait for a lock one after the other.
          concurrency: location.kind === "sqlite" ? 1 : undefined,
          dryRun: options.dryRun,
          resume: state.resumed,
          signal,
          pace,
          onProgress(told) {
            if (!options.dryRun) state.update(told);
            progress(told.counts.records, `${told.counts.written} rows written`);
          },
          onFailure({ streamId, error }) {
            if (isProtosourceError(error, "claim_taken")) {
              const { scope, owner } = error.details;
              output.note(
                `${streamId} and ${owner} have the same ${scope}, which is the second one's: change one of them`,
              );
              return;
            }
            const reason = isProtosourceError(error) ? error.rawMessage : String(error);
            output.note(`${streamId ?? "an item"} can't be rebuilt: ${reason}`);
          },
        }),
      );
      if (streamId !== undefined && counts.records === 0) throw noStream(streamId);
      await print(output, counts, options, (performance.now() - start) / 1000);
      return counts.failed + counts.collisions === 0 ? EXIT.ok : EXIT.found;
    },
    { onRequest },
  );
};

function choose({ aggregates }: Schemas, { only }: RebuildCommandOptions): readonly KnownAggregate[] {
  const names = aggregates.map(({ definition }) => definition.schema.typeName).join(", ");
  if (aggregates.length === 0) {
    throw usageError(
      "--domain",
      "no aggregate is known: add --domain with the domain's code, or --descriptors image.binpb",
    );
  }
  const isMeant = ({ definition: { schema } }: KnownAggregate, name: string): boolean =>
    schema.name === name || schema.typeName === name;
  const unknown = only?.find((name) => !aggregates.some((known) => isMeant(known, name)));
  if (unknown !== undefined) throw usageError("--only", `there is no aggregate ${unknown}: there are ${names}`);
  return only ? aggregates.filter((known) => only.some((name) => isMeant(known, name))) : aggregates;
}

function noStream(streamId: string): ProtosourceError<"not_found"> {
  const message = `there is no stream ${streamId}: protosource streams list names those that there are`;
  return new ProtosourceError("not_found", message, { aggregateId: streamId, reason: "unknown" });
}

/** Rows without their derived fields would take the place of rows with them. */
function checkDerived(
  output: Output,
  chosen: readonly KnownAggregate[],
  { withoutDerived }: RebuildCommandOptions,
): void {
  for (const { definition, hasRules } of chosen) {
    const fields = hasRules ? [] : derivedFields(definition);
    if (fields.length === 0) continue;
    const problem = `no event sets ${fields.join(", ")} of ${definition.schema.typeName}: the domain's code derives them`;
    if (!withoutDerived) {
      const advice = "add --domain with that code, or --without-derived to write rows in which they are empty";
      throw usageError("--domain", `${problem}; ${advice}`);
    }
    output.note(`warning: ${problem}; they will be empty`);
  }
  const unsure = chosen.filter(({ hasRules }) => !hasRules).map(({ definition }) => definition.schema.name);
  if (unsure.length > 0) {
    output.note(
      `warning: the code of ${unsure.join(", ")} isn't known: what it derives beside the events is missing, and unique values stay as they are`,
    );
  }
}

async function print(
  output: Output,
  counts: RebuildCounts,
  { dryRun = false }: RebuildCommandOptions,
  seconds: number,
): Promise<void> {
  if (output.json) {
    await output.value({ rebuilt: counts, dryRun });
    return;
  }
  const { records, streams, otherStreams, expiredStreams, deletedStreams, failed, written, unchanged, newer } = counts;
  const { claimsTaken, claimsFreed, collisions } = counts;
  const verb = dryRun ? "would be written" : "written";
  await output.line(`${counted(streams, "stream")} of ${counted(records, "record")} in ${duration(seconds)}`);
  await output.line(`${counted(written, "row")} ${verb}, ${unchanged} as they should be, ${newer} newer by a writer`);
  if (claimsTaken + claimsFreed > 0) {
    const [take, free] = dryRun ? ["would be taken", "would be freed"] : ["taken", "freed"];
    await output.line(`${counted(claimsTaken, "unique value")} ${take}, ${claimsFreed} ${free}`);
  }
  if (collisions > 0) {
    await output.line(output.style("red", `${counted(collisions, "unique value")} of two aggregates at once`));
  }
  if (otherStreams > 0) await output.line(`${counted(otherStreams, "stream")} of other aggregates left alone`);
  if (expiredStreams > 0) await output.line(`${counted(expiredStreams, "stream")} expired`);
  if (deletedStreams > 0) {
    await output.line(
      `${counted(deletedStreams, "stream")} deleted, with ${counted(counts.removed, "row")} taken away`,
    );
  }
  if (failed > 0) await output.line(output.style("red", `${failed} couldn't be read`));
}
