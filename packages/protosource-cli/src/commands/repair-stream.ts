/** `streams repair`: what is wrong with one stream, and the taking away of its end from there on. */
import { type ErrorCode, isProtosourceError, ProtosourceError, Repository, type ScannedRecord } from "protosource-es";
import { type OpaqueRow, rowKey, versionOf } from "protosource-es/opaquedata";
import { type Action, type Context, type SchemaOptions, useStore } from "../command.js";
import { commandLine } from "../command-line.js";
import { EXIT, type ExitCode } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { counted } from "../format.js";
import { loadSchemas } from "../load-schemas.js";
import { NO_KEYS } from "../no-keys.js";
import type { OpenStore } from "../open-store.js";
import type { Output } from "../output.js";
import { planRepair, type RepairPlan } from "../repair-plan.js";
import { recordPages } from "../scanning.js";
import { aggregateOf, type KnownAggregate, type Schemas, streamPrefix } from "../schemas.js";
import { findProblems, isWarning, type Problem, printProblems, unreadable } from "../stream-problems.js";
import { createBackup } from "../transfer/backup.js";

export interface RepairOptions extends SchemaOptions {
  readonly cut?: string;
  readonly backup?: string;
  readonly withoutRows?: boolean;
  readonly althoughItLoads?: boolean;
}

/** A stream that was looked at. */
interface Examined {
  readonly streamId: string;
  readonly problems: readonly Problem[];
  readonly plan: RepairPlan | undefined;
  /** Whether programs load the stream as it is; undefined when its aggregate isn't known. */
  readonly loads: boolean | undefined;
  /** The rows that tell of versions behind the plan's; undefined when it isn't known which rows there are. */
  readonly rows: readonly OpaqueRow[] | undefined;
}

export const repairStream: Action<RepairOptions> = async (context, options, streamId = "") => {
  const { output } = context;
  const { cut, backup } = options;
  if ((cut === undefined) !== (backup === undefined)) {
    throw usageError("--cut", "--cut and --backup go together: what is taken away is kept in the file of --backup");
  }
  if (cut !== undefined && !/^\d{1,19}$/.test(cut)) {
    throw usageError("--cut", `--cut is ${JSON.stringify(cut)}: give the version that the plan names`);
  }
  const schemas = await loadSchemas(options);
  for (const problem of schemas.problems) output.note(`warning: ${problem}`);
  return useStore(options, async (opened) => {
    const examined = await examine(context, opened, schemas, streamId);
    if (cut === undefined || backup === undefined) return printPlan(context, options, examined);
    return mend(context, opened, options, examined, { cut: BigInt(cut), backup });
  });
};

async function examine(
  { signal }: Context,
  { store, opaqueStore }: OpenStore,
  schemas: Schemas,
  streamId: string,
): Promise<Examined> {
  const found: ScannedRecord[] = [];
  const problems: Problem[] = [];
  for await (const page of recordPages(store, { aggregateId: streamId, signal })) {
    found.push(...page.records);
    problems.push(...page.unreadable.map((error) => unreadable(error, streamId)));
  }
  if (found.length + problems.length === 0) {
    const message = `there is no stream ${streamId}: protosource streams list names those that there are`;
    throw new ProtosourceError("not_found", message, { aggregateId: streamId, reason: "unknown" });
  }
  problems.push(...(await findProblems(store, schemas, found)));
  const plan = planRepair(found, problems);
  const known = aggregateOf(schemas, streamId);
  const rows = plan && known ? await rowsBehind(opaqueStore, known, streamId, plan) : undefined;
  const loads = plan && known ? await canLoad(store, schemas, known, streamId) : undefined;
  return { streamId, problems, plan, loads, rows };
}

/** Tells whether programs load a stream, damaged or not: from a snapshot that lies behind the damage. */
async function canLoad(
  store: OpenStore["store"],
  { serializer, keyring = NO_KEYS }: Schemas,
  { definition }: KnownAggregate,
  streamId: string,
): Promise<boolean> {
  const repository = new Repository(definition, store, { serializer, keyring });
  try {
    await repository.load(streamId.slice(streamPrefix(definition).length));
    return true;
  } catch (error) {
    if (!isProtosourceError(error)) throw error;
    if (error.code === "not_found") return true;
    if (NOT_LOADED.has(error.code)) return false;
    throw error;
  }
}

/** What a program gets instead of an aggregate whose stream is damaged. */
const NOT_LOADED: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["corrupt_stream", "corrupt_record", "unhandled_event"]);

/** Finds the rows that `rebuild` would leave, because they are of later versions than the stream will have. */
async function rowsBehind(
  opaqueStore: OpenStore["opaqueStore"],
  { definition }: KnownAggregate,
  streamId: string,
  { wholeTo, kept }: RepairPlan,
): Promise<readonly OpaqueRow[]> {
  const id = streamId.slice(streamPrefix(definition).length);
  const rows: OpaqueRow[] = [];
  for (const schema of [definition.schema, ...definition.model.projections.map(({ schema }) => schema)]) {
    const row = await opaqueStore.get(rowKey(schema, id), { consistent: true });
    if (row && (kept === 0 || (versionOf(schema)(row) ?? 0n) > wholeTo)) rows.push(row);
  }
  return rows;
}

async function printPlan(
  { output, args }: Context,
  { withoutRows }: RepairOptions,
  { streamId, problems, plan, loads, rows }: Examined,
): Promise<ExitCode> {
  await printProblems(output, problems);
  const isWrong = problems.some((problem) => !isWarning(problem));
  if (plan === undefined) {
    if (output.json) await output.value({ stream: streamId, plan: null });
    else if (problems.length === 0) await output.line(`${streamId} is whole.`);
    else await output.line("There is nothing to cut: taking events away mends none of this.");
    return isWrong ? EXIT.found : EXIT.ok;
  }
  const { wholeTo, kept, cut, behind } = plan;
  const versions = versionsOf(behind);
  if (output.json) {
    const keys = rows?.map(({ pk, sk, version }) => ({ pk, sk, version }));
    await output.value({
      stream: streamId,
      plan: { wholeTo, kept, cut, behind: behind.length, versions, loads: loads ?? null, rows: keys },
    });
    return EXIT.found;
  }
  if (loads)
    await output.line("Programs load it all the same, from a snapshot behind the damage: nothing has to be cut.");
  await output.line(kept === 0 ? "No record of it is whole." : `It is whole up to version ${wholeTo}.`);
  await output.line(
    behind.length === 0
      ? "Nothing that can be kept lies behind."
      : `Behind lie ${counted(behind.length, "record")}: ${versions.join(", ")}.`,
  );
  if (rows === undefined) {
    output.note("Its rows weren't looked at: add --descriptors, or say --without-rows to leave them as they are.");
  }
  for (const row of withoutRows ? [] : (rows ?? [])) await output.line(`Its row ${nameOf(row)} tells of them.`);
  if (problems.some(isUnreadable)) {
    output.note("An item that is no record can't be backed up, and so isn't taken away: mend or delete it by hand.");
    return EXIT.found;
  }
  if (loads === undefined) {
    output.note(
      "Whether programs load it all the same isn't known: add --descriptors, since a cut would undo what they did.",
    );
    return EXIT.found;
  }
  const options = ["--cut", cut.toString(), "--backup", "removed.jsonl", ...(loads ? ["--although-it-loads"] : [])];
  output.note(
    "If you have the missing records, import them instead. Else stop the programs that write to it, since what they keep in\n" +
      "memory goes on from the end that it has now, and take what lies behind away, into a file:\n" +
      `  ${commandLine([...args, ...options])}`,
  );
  return EXIT.found;
}

async function mend(
  { output, signal, args }: Context,
  { store, opaqueStore }: OpenStore,
  { withoutRows, althoughItLoads }: RepairOptions,
  { streamId, problems, plan, loads, rows }: Examined,
  { cut, backup }: { readonly cut: bigint; readonly backup: string },
): Promise<ExitCode> {
  checkPlan(streamId, problems, plan, cut);
  if (rows === undefined && !withoutRows) {
    throw usageError(
      "--descriptors",
      `rows of ${streamId} may tell of what is taken away: add --descriptors, or --without-rows to leave them`,
    );
  }
  if (loads !== false && !althoughItLoads) {
    const problem = loads
      ? `programs load ${streamId} from a snapshot behind the damage, and a cut would undo what they did`
      : `programs may load ${streamId} from a snapshot behind the damage: add --descriptors to find out`;
    throw usageError("--although-it-loads", `${problem}; to cut it all the same, say --although-it-loads`);
  }
  const taken = withoutRows ? [] : (rows ?? []);
  const file = createBackup(backup);
  try {
    file.keep(plan.behind, taken);
    file.end();
  } finally {
    file.close();
  }
  try {
    for (const row of taken) await opaqueStore.delete(row);
    const records = plan.behind.map(({ record }) => record);
    await store.cutDamagedEnd(streamId, records, { signal });
  } catch (error) {
    output.note(
      `What is to be taken away is in ${backup}. Look at what is left by:\n  ${commandLine(withoutMending(args))}`,
    );
    throw error;
  }
  await printMended(output, streamId, plan, taken, backup);
  return EXIT.ok;
}

/** Tells of an item that is no record, and so can't be a line of an export. */
function isUnreadable({ kind }: Problem): boolean {
  return kind === "unreadable";
}

/** Refuses what the plan doesn't say. */
function checkPlan(
  streamId: string,
  problems: readonly Problem[],
  plan: RepairPlan | undefined,
  cut: bigint,
): asserts plan is RepairPlan {
  if (plan === undefined) {
    const why = problems.length === 0 ? "is whole" : "has no damage that taking events away mends";
    throw usageError("--cut", `${streamId} ${why}: nothing was taken away`);
  }
  if (cut !== plan.cut) {
    throw usageError(
      "--cut",
      `${streamId} is whole up to version ${plan.wholeTo}: give --cut ${plan.cut}; nothing was taken away`,
    );
  }
  const hindrance = problems.find(isUnreadable);
  if (hindrance === undefined) return;
  throw new ProtosourceError(
    "corrupt_record",
    `${hindrance.message}. It can't be backed up, so that nothing was taken away: mend or delete it by hand first`,
    { key: streamId, version: hindrance.version },
  );
}

async function printMended(
  output: Output,
  streamId: string,
  { wholeTo, kept, behind }: RepairPlan,
  rows: readonly OpaqueRow[],
  backup: string,
): Promise<void> {
  if (output.json) {
    await output.value({ repaired: { stream: streamId, wholeTo, records: behind.length, rows: rows.length, backup } });
  } else {
    const what = `${counted(behind.length, "record")} and ${counted(rows.length, "row")}`;
    const end = kept === 0 ? "is empty" : `ends at version ${wholeTo}`;
    await output.line(`${streamId} ${end}. Taken away: ${what}, kept in ${backup}.`);
  }
  if (rows.length > 0) output.note("Make the rows anew by protosource rebuild.");
}

/** Gives versions as ranges, in the order in which they are stored. */
function versionsOf(found: readonly ScannedRecord[]): readonly string[] {
  const ranges: { readonly first: bigint; last: bigint }[] = [];
  for (const { record } of found) {
    const range = ranges.at(-1);
    if (range?.last === record.version - 1n) range.last = record.version;
    else ranges.push({ first: record.version, last: record.version });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`));
}

/** Leaves --cut and --backup out of a command line. */
function withoutMending(args: readonly string[]): readonly string[] {
  const isMending = (word: string | undefined): boolean => word === "--cut" || word === "--backup";
  return args.filter((word, i) => !isMending(word) && !isMending(args[i - 1]) && !/^--(cut|backup)=/.test(word));
}

function nameOf({ pk, sk, version }: OpaqueRow): string {
  return `pk=${JSON.stringify(pk)}, sk=${JSON.stringify(sk)}${version === 0n ? "" : `, of version ${version},`}`;
}
