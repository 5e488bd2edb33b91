/** `export`: all that a store holds, as lines of JSON. */
import { existsSync, readdirSync, renameSync, rmSync, type Stats, statSync, truncateSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { cantWrite } from "../cant-write.js";
import {
  type Action,
  type Context,
  type Register,
  type SegmentsOption,
  type StoreOption,
  segmentCount,
  useStore,
  withExample,
  withSegments,
  withStore,
} from "../command.js";
import { resumeLine } from "../command-line.js";
import { EXIT, type ExitCode } from "../exit-codes.js";
import { throwIfInterrupted, usageError } from "../failure.js";
import { allAtOnce } from "../for-each.js";
import { byteSize, counted } from "../format.js";
import type { OpenStore } from "../open-store.js";
import { createPace, type Pace, type PaceOption, withPace } from "../pace.js";
import { createProgress } from "../progress.js";
import { openStateFile } from "../state-file.js";
import { storeUrl } from "../store-url.js";
import { inTemporaryFolder } from "../temporary-folder.js";
import { createTally, endLine, eventLine, headLine, rowLine, type Totals } from "../transfer/entries.js";
import { fillHoles, type Hole, holesIn, type LastSeen } from "../transfer/holes.js";
import { type LineFile, openLineFile } from "../transfer/line-file.js";
import { readLines } from "../transfer/read-lines.js";
import { sortedLines } from "../transfer/sort-lines.js";

export interface ExportOptions extends StoreOption, SegmentsOption, PaceOption {
  readonly output?: string;
  readonly only?: Table;
  readonly unsorted?: boolean;
  readonly resume?: boolean;
}

type Table = "events" | "rows";

/** Adds the command. */
export function addExport(program: Command, register: Register): void {
  const command = program
    .command("export")
    .description("writes all events and rows as lines of JSON, to import, to compare, or to keep")
    .option("-o, --output <file>", "the file to write; standard output by default")
    .addOption(new Option("--only <what>", "leaves the other ones out").choices(["events", "rows"]))
    .option("--unsorted", "keeps the order of the tables; sorted, equal stores make equal files")
    .option("--resume", "goes on with the file of --output where an export was stopped");
  withExample(
    withPace(withSegments(withStore(command))),
    "protosource export --store 'dynamodb:?region=eu-west-1' -o orders.jsonl",
  );
  register(command, exportStore);
}

const exportStore: Action<ExportOptions> = async (context, options) => {
  if (options.resume && options.output === undefined) {
    throw usageError("--resume", "only an export into a file can go on: give the file by --output");
  }
  const segments = segmentCount(options);
  const pace = await createPace(options);
  return useStore(
    options,
    (opened) =>
      options.output === undefined
        ? exportToStdout({ ...context, opened, options, segments, pace })
        : exportToFile({ ...context, opened, options, segments, pace }, options.output),
    { onRequest: pace.onRequest },
  );
};

/** An export at work. */
interface Export extends Context {
  readonly opened: OpenStore;
  readonly options: ExportOptions;
  readonly segments: number;
  readonly pace: Pace;
}

/** How far an export has come. */
interface ExportProgress {
  readonly parts: readonly Part[];
  readonly totals: Totals;
  readonly unreadable: number;
  /** How many streams are there in part. */
  readonly torn: number;
  readonly claims: number;
  /** How many rows of read models and timers there are, which are left out. */
  readonly subscriptionRows: number;
  /** The length of the file of lines, in bytes. */
  readonly size: number;
}

/** A segment of a table, and where it goes on. */
interface Part {
  readonly table: Table;
  readonly index: number;
  readonly done: boolean;
  readonly cursor?: string | undefined;
  readonly last?: LastSeen | undefined;
}

async function exportToFile(work: Export, path: string): Promise<ExitCode> {
  const { output, args, opened, options, segments } = work;
  checkOutput(path, opened);
  const lines = `${path}.lines`;
  const job = { export: storeUrl(opened.location), only: options.only ?? "all", segments };
  const state = openStateFile<ExportProgress>(`${path}.state`, "--output", job, options.resume === true);
  if (state.resumed) cutBack(lines, state.resumed.size);
  const collected = openLineFile(lines, "--output", state.resumed ? "append" : "replace");
  try {
    const progress = await collect(work, (line) => collected.write(line), {
      resumed: state.resumed,
      onPage(told) {
        collected.flush();
        state.update({ ...told, size: statSync(lines).size });
      },
    });
    const whole = openLineFile(`${path}.new`, "--output");
    try {
      for await (const line of wholeExport(work, lines, progress.totals)) whole.write(line);
      whole.flush();
    } finally {
      whole.close();
    }
    renameSync(`${path}.new`, path);
    rmSync(lines);
    state.remove();
    return await finish(work, progress, path);
  } catch (error) {
    if (state.flush()) output.note(`What is done is kept beside ${path}. Go on by:\n  ${resumeLine(args)}`);
    else rmSync(lines, { force: true });
    throw error;
  } finally {
    collected.close();
    removeRuns(lines);
  }
}

async function exportToStdout(work: Export): Promise<ExitCode> {
  const { output, options } = work;
  if (options.unsorted) {
    await output.line(headLine());
    const pending: string[] = [];
    const progress = await collect(work, (line) => pending.push(line), {
      async onPage() {
        if (pending.length > 0) await output.line(pending.splice(0).join("\n"));
      },
    });
    await output.line(endLine(progress.totals));
    return finish(work, progress, undefined);
  }
  return inTemporaryFolder(async (folder) => {
    const lines = join(folder, "lines");
    const collected: LineFile = openLineFile(lines, "TMPDIR");
    let progress: Omit<ExportProgress, "size">;
    try {
      progress = await collect(work, (line) => collected.write(line), {});
      collected.flush();
    } finally {
      collected.close();
    }
    for await (const line of wholeExport(work, lines, progress.totals)) await output.line(line);
    return finish(work, progress, undefined);
  });
}

/** How the collecting of lines begins, and whom it tells. */
interface Collecting {
  readonly resumed?: ExportProgress | undefined;
  /** Is awaited after the lines of each page. */
  readonly onPage?: (progress: Omit<ExportProgress, "size">) => void | Promise<void>;
}

/** Reads all segments of both tables, and gives their lines page by page. */
async function collect(
  { output, signal, opened, options, segments, pace }: Export,
  write: (line: string) => void,
  { resumed, onPage }: Collecting,
): Promise<Omit<ExportProgress, "size">> {
  const tables: readonly Table[] = options.only ? [options.only] : ["events", "rows"];
  const parts: Part[] = resumed
    ? [...resumed.parts]
    : tables.flatMap((table) => Array.from({ length: segments }, (_, index) => ({ table, index, done: false })));
  const tally = createTally(resumed?.totals);
  let { unreadable, torn, claims, subscriptionRows } = resumed ?? {
    unreadable: 0,
    torn: 0,
    claims: options.only === "events" ? 0 : opened.claimsBeside(),
    subscriptionRows: 0,
  };
  const estimate = await opened.estimate();
  const total = estimate && tables.reduce((sum, table) => sum + estimate[table === "events" ? "records" : "rows"], 0);
  const done = (): number => tally.totals().events + tally.totals().rows;
  const show = createProgress(output, "lines", total, done());

  const readPart = async (number: number, signal: AbortSignal): Promise<void> => {
    let part = parts[number] as Part;
    while (!part.done) {
      await pace.pace(signal);
      const page = await readPage(opened, part, segments, pace.pageSize, signal);
      for (const { line, bytes } of page.lines) {
        write(line);
        tally.add(line, bytes, part.table === "events" ? "event" : "row");
      }
      for (const problem of page.problems) output.note(`warning: left out: ${problem}`);
      for (const { streamId, from, toldTo } of page.torn) {
        const missing = from === toldTo ? `version ${from}` : `versions ${from} to ${toldTo}`;
        output.note(`warning: ${streamId} is there in part: it lacks ${missing}, or some of them, of a save`);
      }
      unreadable += page.problems.length;
      torn += page.torn.length;
      claims += page.claims;
      subscriptionRows += page.subscriptionRows;
      part = { ...part, done: page.cursor === undefined, cursor: page.cursor, last: page.last };
      parts[number] = part;
      await onPage?.({ parts: [...parts], totals: tally.totals(), unreadable, torn, claims, subscriptionRows });
      show(done());
    }
  };
  for (const table of tables) {
    const numbers = parts.flatMap((part, number) => (part.table === table ? [number] : []));
    await allAtOnce(numbers.length, signal, (i, signal) => readPart(numbers[i] as number, signal));
  }
  return { parts, totals: tally.totals(), unreadable, torn, claims, subscriptionRows };
}

interface PageOfLines {
  readonly lines: readonly { readonly line: string; readonly bytes: number }[];
  readonly problems: readonly string[];
  /** Streams that are there in part. */
  readonly torn: readonly Hole[];
  /** The record that the page of events ended with. */
  readonly last?: LastSeen | undefined;
  readonly claims: number;
  readonly subscriptionRows: number;
  readonly cursor: string | undefined;
}

async function readPage(
  { location, store, opaqueStore }: OpenStore,
  { table, index, cursor, last: before }: Part,
  segments: number,
  limit: number | undefined,
  signal: AbortSignal,
): Promise<PageOfLines> {
  const scan = { segment: { index, of: segments }, cursor, limit, signal };
  if (table === "events") {
    const { records, unreadable, cursor } = await store.scan(scan);
    const { holes, last } = holesIn(records, before, cursor === undefined);
    // A file shows a transaction whole, or not yet.
    const filled = await fillHoles(store, location.kind === "dynamodb" ? holes : [], signal);
    const lines = [...records, ...filled.records].map((scanned) => ({
      line: eventLine(scanned),
      bytes: scanned.record.data.length,
    }));
    const problems = unreadable.map(({ rawMessage }) => rawMessage);
    return { lines, problems, torn: filled.torn, last, claims: 0, subscriptionRows: 0, cursor };
  }
  const page = await opaqueStore.scan(scan);
  const rows = page.rows.filter(({ pk }) => !OF_SUBSCRIPTIONS.test(pk));
  const lines = rows.map((row) => ({ line: rowLine(row), bytes: row.body.length }));
  const { unreadable, claims = 0 } = page;
  const problems = unreadable.map(({ rawMessage }) => rawMessage);
  const subscriptionRows = page.rows.length - rows.length;
  return { lines, problems, torn: [], claims, subscriptionRows, cursor: page.cursor };
}

/** Rows that belong to positions. Without those, events would change them a second time. */
const OF_SUBSCRIPTIONS = /^!(?:model|timer)#/;

/** Gives the export of a file of lines: sorted unless told otherwise, between its head and its end. */
async function* wholeExport(
  { signal, options }: Export,
  path: string,
  totals: Totals,
): AsyncGenerator<string, void, undefined> {
  yield headLine();
  if (options.unsorted) for await (const { text } of readLines(path, undefined, signal)) yield text;
  else {
    for await (const line of sortedLines(path, (run) => `${path}.${run}`, signal)) {
      throwIfInterrupted(signal);
      yield line;
    }
  }
  yield endLine(totals);
}

async function finish(
  { output }: Export,
  { totals, unreadable, torn, claims, subscriptionRows }: Omit<ExportProgress, "size">,
  file: string | undefined,
): Promise<ExitCode> {
  const { events, rows, bytes } = totals;
  if (file === undefined) output.note(`${counted(events, "event")} and ${counted(rows, "row")}, ${byteSize(bytes)}`);
  else if (output.json) await output.value({ exported: totals, unreadable, torn, claims, subscriptionRows, file });
  else await output.line(`${counted(events, "event")} and ${counted(rows, "row")}, ${byteSize(bytes)}, in ${file}`);
  if (claims > 0) {
    output.note(
      `warning: ${counted(claims, "claim")} left out: a copy takes its unique values anew by protosource rebuild --domain`,
    );
  }
  if (subscriptionRows > 0) {
    output.note(
      `warning: ${counted(subscriptionRows, "row")} of read models and timers left out: a copy makes them anew by protosource subscriptions catch-up`,
    );
  }
  if (unreadable > 0) output.note(`${counted(unreadable, "item")} couldn't be read, and were left out`);
  if (torn > 0)
    output.note("Streams are there in part, and in the export, too: look at them by protosource streams verify");
  return unreadable + torn === 0 ? EXIT.ok : EXIT.found;
}

/** Refuses what the export can't take the place of, or mustn't: the store, and what is no ordinary file. */
function checkOutput(path: string, { location }: OpenStore): void {
  if (path === "")
    throw usageError("--output", "--output names no file: give one, or leave it out for standard output");
  const found = fileAt(path);
  if (found && !found.isFile()) {
    throw usageError(
      "--output",
      `${path} is no ordinary file: give another, or leave --output out for standard output`,
    );
  }
  const store = location.kind === "sqlite" ? fileAt(location.path) : undefined;
  if (found && found.ino === store?.ino && found.dev === store.dev) {
    throw usageError("--output", `${path} is the store itself: give another file by --output`);
  }
}

function fileAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw cantWrite("--output", path, cause);
  }
}

/** Takes off what was written after the state was kept. */
function cutBack(lines: string, size: number): void {
  if (existsSync(lines) && statSync(lines).size >= size) {
    truncateSync(lines, size);
    return;
  }
  throw usageError("--resume", `${lines} is gone, or shorter than it was: leave --resume out to begin anew`);
}

function removeRuns(lines: string): void {
  const pattern = new RegExp(`^${basename(lines).replaceAll(/[^\w]/g, "\\$&")}\\.\\d+$`);
  const folder = dirname(lines);
  for (const name of readdirSync(folder)) if (pattern.test(name)) rmSync(join(folder, name));
}
