/** Reading an export: all of it is checked before any of it is used. */
import { usageError } from "../failure.js";
import { atLine, checkedLines } from "./checked-lines.js";
import { type Entry, parseLine, type Totals } from "./entries.js";
import type { LinePosition } from "./lines.js";
import { readLines } from "./read-lines.js";

/** An entry, and where it stands. */
export interface EntryLine {
  readonly entry: Entry;
  /** The number of the line, from 1. */
  readonly line: number;
  /** Where the next line begins, in bytes. */
  readonly end: number;
}

/**
 * Reads the events and rows of an export, from a position on.
 *
 * Throws `invalid_argument`, with the number of the line, for one that is broken, and `cancelled`.
 */
export async function* readEntries(
  path: string,
  position: LinePosition,
  signal: AbortSignal,
): AsyncGenerator<EntryLine, void, undefined> {
  for await (const { text, number, end } of readLines(path, position, signal)) {
    const line = atLine(path, number, () => parseLine(text));
    if (line.kind === "event" || line.kind === "row") yield { entry: line, line: number, end };
  }
}

/**
 * Checks a whole export: every line, its head, its end, and that it holds what the end says. A part of an export, which
 * `incomplete` allows, has neither head nor end.
 *
 * Throws `invalid_argument`, with the number of the line, and `cancelled`.
 */
export async function checkExport(
  path: string,
  incomplete: boolean,
  onLine: (lines: number) => void,
  signal: AbortSignal,
): Promise<Totals> {
  const consequence = "; nothing was imported: mend the line, or export again";
  const checked = checkedLines(path, readLines(path, undefined, signal), { incomplete, consequence });
  for (;;) {
    const next = await checked.next();
    if (!next.done) {
      onLine(next.value.number);
      continue;
    }
    const { lines, totals, problem } = next.value;
    if (lines === 0) throw usageError("file", `${problem}`);
    if (problem !== undefined && !incomplete) throw usageError("file", `${problem}; --incomplete takes a part`);
    return totals;
  }
}
