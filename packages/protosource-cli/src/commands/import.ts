/** `import`: an export into a store. The file is checked whole, then written, then read back. */
import { createWriteStream, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { cantWrite } from "../cant-write.js";
import {
  type Action,
  type Context,
  type Register,
  type StoreOption,
  useStore,
  withExample,
  withStore,
} from "../command.js";
import { resumeLine } from "../command-line.js";
import { EXIT, type ExitCode } from "../exit-codes.js";
import { throwIfInterrupted, usageError } from "../failure.js";
import { forEach } from "../for-each.js";
import { byteSize, counted } from "../format.js";
import type { OpenStore } from "../open-store.js";
import { createPace, type Pace, type PaceOption, withPace } from "../pace.js";
import { createProgress } from "../progress.js";
import { openStateFile, type StateFile } from "../state-file.js";
import { storeUrl } from "../store-url.js";
import { inTemporaryFolder } from "../temporary-folder.js";
import { blocksOf, groupsOf } from "../transfer/batches.js";
import { checkArchive } from "../transfer/check-archive.js";
import type { Totals } from "../transfer/entries.js";
import { type ImportCounts, importGroup, verifyGroup } from "../transfer/import-batch.js";
import { checkExport, readEntries } from "../transfer/read-export.js";

export interface ImportOptions extends StoreOption, PaceOption {
  readonly incomplete?: boolean;
  readonly verify: boolean;
  readonly state?: string;
  readonly resume?: boolean;
}

/** Adds the command. */
export function addImport(program: Command, register: Register): void {
  const command = program
    .command("import")
    .description("puts an export into a store; what is there already stays, and a broken file changes nothing")
    .argument("<file>", "the file that export wrote, or - for standard input")
    .option("--incomplete", "takes a part of an export, without its head or its end")
    .option("--no-verify", "doesn't read back what was written")
    .option("--state <file>", "where to keep how far it has come; by default beside the file")
    .option("--resume", "goes on where an import of the same file was stopped");
  withExample(withPace(withStore(command)), "protosource import orders.jsonl --store 'dynamodb:?region=eu-west-1'");
  register(command, importFile);
}

/** How far an import has come. */
interface ImportProgress {
  readonly phase: "write" | "verify";
  readonly offset: number;
  readonly lines: number;
  readonly counts: ImportCounts;
  readonly problems: number;
}

/** How many streams, or rows, are worked on at once. In a file they would wait for a lock one after the other. */
const AT_ONCE = { dynamodb: 16, sqlite: 1 } as const;

const importFile: Action<ImportOptions> = async (context, options, file = "") => {
  if (file !== "-") return importPath(context, options, file);
  if (options.resume) throw usageError("--resume", "standard input can't be read again: import a file");
  return inTemporaryFolder(async (folder) => {
    const path = join(folder, "stdin");
    await pipeline(process.stdin, createWriteStream(path), { signal: context.signal }).catch((cause: unknown) => {
      throwIfInterrupted(context.signal);
      throw cantWrite("TMPDIR", path, cause);
    });
    return importPath(context, options, path, join(folder, "state"));
  });
};

/** `stateFile` is given for what can't be read again, so that there is nothing to go on with. */
async function importPath(
  context: Context,
  options: ImportOptions,
  path: string,
  stateFile?: string,
): Promise<ExitCode> {
  const { output, args } = context;
  const pace = await createPace(options);
  const checking = createProgress(output, "lines checked", undefined);
  const totals = await checkExport(path, options.incomplete === true, checking, context.signal);
  return useStore(
    options,
    async (opened) => {
      await checkArchive(opened, path, context.signal);
      const job = { import: storeUrl(opened.location), file: resolve(path), size: statSync(path).size, ...totals };
      const state = openStateFile<ImportProgress>(
        stateFile ?? options.state ?? `${path}.state`,
        "--state",
        job,
        options.resume === true,
      );
      try {
        const progress = await work({ ...context, opened, options, pace, path, totals, state });
        state.remove();
        return await finish(context, totals, progress, options.verify);
      } catch (error) {
        const again = "What was written stays. Import the same again, and only what is missing is written.";
        if (state.flush()) output.note(stateFile ? again : `What is done is kept. Go on by:\n  ${resumeLine(args)}`);
        throw error;
      }
    },
    { create: true, restores: true, onRequest: pace.onRequest },
  );
}

/** An import at work. */
interface Import extends Context {
  readonly opened: OpenStore;
  readonly options: ImportOptions;
  readonly pace: Pace;
  readonly path: string;
  readonly totals: Totals;
  readonly state: StateFile<ImportProgress>;
}

const BEGINNING = { offset: 0, lines: 0 };

async function work(running: Import): Promise<ImportProgress> {
  const { opened, options, state, output, signal } = running;
  const nothing: ImportCounts = { written: 0, present: 0, newer: 0 };
  let progress: ImportProgress = state.resumed ?? { phase: "write", ...BEGINNING, counts: nothing, problems: 0 };
  state.update(progress);
  if (progress.phase === "write") {
    progress = await eachBlock(running, progress, async (groups, before) => {
      const counts = { ...before.counts };
      await groups((group) => importGroup(opened, group, counts, signal));
      return { ...before, counts };
    });
    progress = { ...progress, ...BEGINNING, phase: "verify" };
    state.update(progress);
  }
  if (!options.verify) return progress;
  return eachBlock(running, progress, async (groups, before) => {
    let { problems } = before;
    await groups(async (group) => {
      for (const problem of await verifyGroup(opened, group, signal)) {
        problems++;
        output.note(problem);
      }
    });
    return { ...before, problems };
  });
}

type Group = ReturnType<typeof groupsOf>[number];

/** Works on a block: `groups` runs work on each of its groups, and what is returned is kept once the block is done. */
type BlockWork = (
  groups: (work: (group: Group) => Promise<void>) => Promise<void>,
  before: ImportProgress,
) => Promise<ImportProgress>;

/** Works through the rest of the file, block by block. */
async function eachBlock(
  { opened, path, state, pace, signal, output, totals }: Import,
  begin: ImportProgress,
  work: BlockWork,
): Promise<ImportProgress> {
  let progress = begin;
  const unit = begin.phase === "write" ? "lines" : "lines read back";
  const show = createProgress(output, unit, totals.events + totals.rows, begin.lines);
  for await (const { batches, offset, lines } of blocksOf(readEntries(path, begin, signal))) {
    const groups: Parameters<BlockWork>[0] = (work) =>
      forEach(groupsOf(batches), AT_ONCE[opened.location.kind], async (group) => {
        await pace.pace(signal);
        throwIfInterrupted(signal);
        await work(group);
      });
    progress = { ...(await work(groups, progress)), offset, lines };
    state.update(progress);
    show(lines);
  }
  return progress;
}

async function finish(
  { output }: Context,
  totals: Totals,
  { counts, problems }: ImportProgress,
  verified: boolean,
): Promise<ExitCode> {
  const { events, rows, bytes } = totals;
  if (output.json) await output.value({ imported: totals, ...counts, ...(verified ? { problems } : {}) });
  else {
    await output.line(`${counted(events, "event")} and ${counted(rows, "row")}, ${byteSize(bytes)}`);
    const newer = counts.newer > 0 ? `, ${counted(counts.newer, "row")} left for a later version` : "";
    await output.line(`${counts.written} written, ${counts.present} there already${newer}`);
    if (verified)
      await output.line(
        problems === 0 ? "All of it was read back, and is the same." : `${counted(problems, "line")} differ.`,
      );
  }
  if (events > 0 && counts.written > 0) {
    output.note(
      "Unique values aren't part of an export. Where rules have some, take them by protosource rebuild --domain before writers begin.",
    );
    output.note(
      "Nor is how far subscriptions have come. Where there are some, they begin in a copy with the first event: read models by protosource subscriptions catch-up, and what handlers and processes did would be done again.",
    );
  }
  return problems === 0 ? EXIT.ok : EXIT.found;
}
