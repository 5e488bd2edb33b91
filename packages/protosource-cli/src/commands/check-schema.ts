/** `schema check`: what becomes of what is stored when a schema takes the place of another. */
import { type ChangeSeverity, compareSchemas, type SchemaChange } from "protosource-es/model";
import {
  type Action,
  type Context,
  type SegmentsOption,
  type StoreOption,
  segmentCount,
  useStore,
} from "../command.js";
import { EXIT } from "../exit-codes.js";
import { allAtOnce } from "../for-each.js";
import { counted, wholeNumber } from "../format.js";
import { loadSchemas, readDescriptors } from "../load-schemas.js";
import { type Output, printable, type Style } from "../output.js";
import { createPace, type PaceOption } from "../pace.js";
import { createProgress } from "../progress.js";
import { type ReplayDifference, replayStream } from "../replay.js";
import { recordPages, streamsOf } from "../scanning.js";
import type { KnownAggregate, Schemas } from "../schemas.js";
import { createTurns } from "../turns.js";

export interface CheckSchemaOptions extends StoreOption, SegmentsOption, PaceOption {
  readonly strict?: boolean;
  readonly replay?: boolean;
  readonly sample?: string;
  readonly oldDomain?: string;
  readonly domain?: string;
}

const STYLES: { readonly [S in ChangeSeverity]: Style } = {
  breaks: "red",
  meaning: "red",
  rows: "yellow",
  json: "yellow",
  go: "yellow",
  safe: "green",
};

/** A change, and what a replay says of it. */
interface Judged extends SchemaChange {
  /** How many events of its type are stored; undefined where that isn't known. */
  readonly stored?: number | undefined;
}

/** What a replay came to. */
interface Replayed {
  readonly streams: number;
  readonly events: number;
  /** Records that the old schema can't read either. */
  readonly unreadable: number;
  /** Streams that it has no aggregate for. */
  readonly otherStreams: number;
  readonly differences: number;
  /** Whether every stream was read. */
  readonly isComplete: boolean;
  /** How many events of each type there are, by its full name. */
  readonly stored: ReadonlyMap<string, number>;
}

export const checkSchema: Action<CheckSchemaOptions> = async (context, options, old = "", next = "") => {
  const { output } = context;
  const found = compareSchemas(readDescriptors(old).files, readDescriptors(next).files);
  const replayed = options.replay ? await replay(context, options, old, next) : undefined;
  const changes = found.map((change) => judge(change, replayed));
  for (const change of changes) await printChange(output, change);
  const harmful = changes.filter(({ severity }) => isHarmful(severity, options.strict));
  await printSum(output, changes.length, harmful.length, replayed);
  return harmful.length + (replayed?.differences ?? 0) === 0 ? EXIT.ok : EXIT.found;
};

function isHarmful(severity: ChangeSeverity, isStrict = false): boolean {
  return isStrict ? severity !== "safe" : severity === "breaks" || severity === "meaning";
}

/** A change of an event harms nothing where none is stored. */
function judge(change: SchemaChange, replayed: Replayed | undefined): Judged {
  const stored = replayed?.isComplete ? replayed.stored.get(change.type) : undefined;
  return stored === 0 ? { ...change, severity: "safe", stored } : { ...change, stored };
}

async function replay(
  { output, signal }: Context,
  options: CheckSchemaOptions,
  old: string,
  next: string,
): Promise<Replayed> {
  const segments = segmentCount(options);
  const most = options.sample === undefined ? Number.POSITIVE_INFINITY : wholeNumber(options.sample, "--sample");
  const { pace, onRequest, pageSize } = await createPace(options);
  const { was, now } = await loadBoth(options, old, next);
  for (const problem of [...was.problems, ...now.problems]) output.note(`warning: ${problem}`);
  const counts = { streams: 0, events: 0, unreadable: 0, otherStreams: 0, differences: 0 };
  const stored = new Map(eventTypes(was).map((type) => [type, 0]));
  let isComplete = true;
  return useStore(
    options,
    async ({ store, estimate }) => {
      const progress = createProgress(output, "records", (await estimate())?.records);
      let records = 0;
      await allAtOnce(segments, signal, async (index, signal) => {
        const turns = createTurns(signal);
        const pages = recordPages(store, { segment: { index, of: segments }, limit: pageSize, signal });
        const paced = async function* (): ReturnType<typeof recordPages> {
          for await (const page of pages) {
            counts.unreadable += page.unreadable.length;
            records += page.records.length;
            progress(records, counted(counts.differences, "difference"));
            yield page;
            await pace(signal);
          }
        };
        for await (const stream of streamsOf(paced())) {
          if (counts.streams >= most) {
            isComplete = false;
            break;
          }
          const result = replayStream(stream, was, now);
          if (result === undefined) counts.otherStreams++;
          else {
            counts.streams++;
            counts.events += result.types.length;
            counts.unreadable += result.unreadable;
            for (const type of result.types) stored.set(type, (stored.get(type) ?? 0) + 1);
            if (result.difference) {
              counts.differences++;
              await printDifference(output, result.difference);
            }
          }
          await turns();
        }
      });
      return { ...counts, stored, isComplete: isComplete && counts.unreadable === 0 };
    },
    { onRequest },
  );
}

/** Reads both schemas. What code derives is compared where both have their code, and otherwise left out of both. */
async function loadBoth(
  { oldDomain, domain }: CheckSchemaOptions,
  old: string,
  next: string,
): Promise<{ readonly was: Schemas; readonly now: Schemas }> {
  const was = await loadSchemas({ descriptors: old, domain: oldDomain });
  const now = await loadSchemas({ descriptors: next, domain });
  if (oldDomain && domain) return { was, now };
  return { was: withoutDerived(was), now: withoutDerived(now) };
}

function withoutDerived(schemas: Schemas): Schemas {
  const aggregates = schemas.aggregates.map(({ definition }): KnownAggregate => {
    const { afterOn: _, ...rules } = definition.rules;
    return { definition: { ...definition, rules }, hasRules: false };
  });
  return { ...schemas, aggregates };
}

function eventTypes({ aggregates }: Schemas): readonly string[] {
  return aggregates.flatMap(({ definition: { model } }) =>
    [...model.events, ...model.retired].map(({ schema }) => schema.typeName),
  );
}

async function printChange(output: Output, change: Judged): Promise<void> {
  const { id, severity, site, was, type, member, problem, remedy, stored } = change;
  const { file, line, column } = site ?? {};
  if (output.json) {
    await output.value({
      change: id,
      severity,
      type,
      member,
      file: file ?? was?.file,
      line,
      column,
      problem,
      remedy,
      stored,
    });
    return;
  }
  const place = line === undefined ? [type, member].filter(Boolean).join(".") : `${file}:${line}:${column}`;
  await output.line(`${output.style(STYLES[severity], severity)} ${id} ${printable(place)}`);
  await output.line(`  ${printable(problem)}`);
  await output.line(
    stored === 0 ? "  none is stored in a full scan: nothing has to be done" : `  ${printable(remedy)}`,
  );
}

async function printDifference(output: Output, difference: ReplayDifference): Promise<void> {
  const { kind, streamId, version, message, state } = difference;
  if (output.json) await output.value({ difference: kind, stream: streamId, version, ...state, message });
  else await output.line(`${output.style("red", kind)} ${printable(message)}`);
}

async function printSum(
  output: Output,
  changes: number,
  harmful: number,
  replayed: Replayed | undefined,
): Promise<void> {
  const { stored: types, ...counts } = replayed ?? {};
  if (output.json) {
    const stored = types && Object.fromEntries(types);
    await output.value({ checked: { changes, harmful, ...counts, stored } });
    return;
  }
  if (replayed) {
    const { events, streams, isComplete, differences, unreadable } = replayed;
    const read = `${counted(events, "event")} in ${counted(streams, "stream")}${isComplete ? "" : ", not all that is stored"}`;
    await output.line(`${read}: ${counted(differences, "difference")}`);
    if (unreadable > 0) output.note(`${counted(unreadable, "record")} can't be read with the old schema either`);
  }
  await output.line(`${counted(changes, "change")}, ${harmful} of them harmful`);
}
