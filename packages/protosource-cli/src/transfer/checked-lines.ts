/** The lines of an export, checked as they come: each alone, and at the end all of them. */
import { isProtosourceError } from "protosource-es";
import { usageError } from "../failure.js";
import { bytesOf, createTally, type Line, parseLine, type Totals } from "./entries.js";
import type { TextLine } from "./lines.js";

/** A line, and what it holds. */
export interface CheckedLine {
  readonly line: Line;
  /** From 1. */
  readonly number: number;
  /** Where the next line begins, in bytes. */
  readonly end: number;
}

/** What there was in all. */
export interface Checked {
  /** The number of lines. */
  readonly lines: number;
  readonly totals: Totals;
  /** What is wrong with the whole, in words: it was cut off, or isn't what was exported. */
  readonly problem: string | undefined;
}

/**
 * Checks lines, and gives what each holds. `incomplete` allows a part of an export, which has neither head nor end.
 * `path` names it in what is said, and `consequence` says what a broken line means.
 *
 * Throws `invalid_argument`, with the number of the line.
 */
export async function* checkedLines(
  path: string,
  lines: AsyncIterable<TextLine>,
  { incomplete, consequence }: { readonly incomplete: boolean; readonly consequence: string },
): AsyncGenerator<CheckedLine, Checked, undefined> {
  const tally = createTally();
  let last = 0;
  let said: Totals | undefined;
  for await (const { text, number, end } of lines) {
    const check = (): Line => {
      if (said !== undefined) throw usageError("file", "comes after the end of the export");
      if (text.endsWith("\r")) throw usageError("file", "ends in CRLF, and lines of an export end in LF");
      const line = parseLine(text);
      if (number === 1 && line.kind !== "head" && !incomplete) {
        throw usageError("file", "isn't the head of an export: is the file one? A part of one needs --incomplete");
      }
      if (number > 1 && line.kind === "head")
        throw usageError("file", "is the head of another export: import each alone");
      if (line.kind === "end") said = line.totals;
      else if (line.kind !== "head") tally.add(text, bytesOf(line), line.kind);
      return line;
    };
    yield { line: atLine(path, number, check, consequence), number, end };
    last = number;
  }
  const totals = tally.totals();
  return { lines: last, totals, problem: problemOf(path, last, totals, said) };
}

function problemOf(path: string, last: number, totals: Totals, said: Totals | undefined): string | undefined {
  if (last === 0) return `${path} is empty: give a file that protosource export wrote`;
  if (said === undefined) {
    return `${path} ends in line ${last} without its end: it was cut off, or is a part`;
  }
  if (JSON.stringify(said) === JSON.stringify(totals)) return undefined;
  const [expected, found] = [said, totals].map(
    ({ events, rows, bytes }) => `${events} events, ${rows} rows, ${bytes} bytes`,
  );
  const difference = expected === found ? "the lines were changed" : `it holds ${found}, and says ${expected}`;
  return `${path} isn't what was exported: ${difference}`;
}

/** Names the line in the error of what is wrong with it. */
export function atLine<T>(path: string, number: number, work: () => T, consequence = ""): T {
  try {
    return work();
  } catch (error) {
    if (!isProtosourceError(error, "invalid_argument")) throw error;
    throw usageError("file", `line ${number} of ${path} ${error.rawMessage}${consequence}`, error);
  }
}
