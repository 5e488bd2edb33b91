/** Sorting the lines of a file that needn't fit into memory: runs that do are sorted, kept, and merged. */
import { compareEntries, type Entry, parseLine } from "./entries.js";
import { openLineFile } from "./line-file.js";
import { readLines } from "./read-lines.js";

/** A line and what it says. */
interface ParsedLine {
  readonly text: string;
  readonly entry: Entry;
}

/** How many characters of lines are sorted in memory at once. */
const RUN_LENGTH = 64 * 1024 * 1024;

/**
 * Gives the lines of a file of events and rows in the order of an export. `runPath` names files for the runs, which the
 * caller removes. Throws `cancelled`.
 */
export async function* sortedLines(
  path: string,
  runPath: (run: number) => string,
  signal?: AbortSignal,
  runLength: number = RUN_LENGTH,
): AsyncGenerator<string, void, undefined> {
  const runs: string[] = [];
  let lines: ParsedLine[] = [];
  let length = 0;
  for await (const line of parsedLines(path, signal)) {
    lines.push(line);
    length += line.text.length;
    if (length < runLength) continue;
    runs.push(writeRun(runPath(runs.length), lines));
    lines = [];
    length = 0;
  }
  lines.sort(compareLines);
  if (runs.length === 0) {
    for (const { text } of lines) yield text;
    return;
  }
  yield* merge([...runs.map((run) => parsedLines(run, signal)), fromArray(lines)]);
}

async function* merge(sources: readonly AsyncGenerator<ParsedLine, void, undefined>[]): AsyncGenerator<string> {
  /** The next line of each source, the first one last. */
  const heads: { readonly line: ParsedLine; readonly source: AsyncGenerator<ParsedLine, void, undefined> }[] = [];
  const advance = async (source: AsyncGenerator<ParsedLine, void, undefined>): Promise<void> => {
    const { value: line } = await source.next();
    if (!line) return;
    let low = 0;
    for (let high = heads.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (compareLines((heads[middle] as (typeof heads)[number]).line, line) > 0) low = middle + 1;
      else high = middle;
    }
    heads.splice(low, 0, { line, source });
  };
  for (const source of sources) await advance(source);
  for (let first = heads.pop(); first !== undefined; first = heads.pop()) {
    yield first.line.text;
    await advance(first.source);
  }
}

function writeRun(path: string, lines: ParsedLine[]): string {
  const file = openLineFile(path, "--output");
  try {
    for (const { text } of lines.sort(compareLines)) file.write(text);
    file.flush();
  } finally {
    file.close();
  }
  return path;
}

async function* parsedLines(
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ParsedLine, void, undefined> {
  for await (const { text } of readLines(path, undefined, signal)) yield { text, entry: parseLine(text) as Entry };
}

async function* fromArray(lines: readonly ParsedLine[]): AsyncGenerator<ParsedLine, void, undefined> {
  yield* lines;
}

function compareLines(a: ParsedLine, b: ParsedLine): number {
  return compareEntries(a.entry, b.entry);
}
