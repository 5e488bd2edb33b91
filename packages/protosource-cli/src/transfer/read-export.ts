/** Reading an export: all of it is checked before any of it is used. */
import { isProtosourceError } from "protosource-es";
import { usageError } from "../failure.js";
import { bytesOf, createTally, type Entry, parseLine, type Totals } from "./entries.js";
import { type LinePosition, readLines } from "./lines.js";

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
  const tally = createTally();
  let last = 0;
  let end: Totals | undefined;
  for await (const { text, number } of readLines(path, undefined, signal)) {
    const check = (): void => {
      if (end !== undefined) throw usageError("file", "comes after the end of the export");
      if (text.endsWith("\r")) throw usageError("file", "ends in CRLF, and lines of an export end in LF");
      const line = parseLine(text);
      if (number === 1 && line.kind !== "head" && !incomplete) {
        throw usageError("file", "isn't the head of an export: is the file one? A part of one needs --incomplete");
      }
      if (number > 1 && line.kind === "head")
        throw usageError("file", "is the head of another export: import each alone");
      if (line.kind === "end") end = line.totals;
      else if (line.kind !== "head") tally.add(text, bytesOf(line), line.kind);
    };
    atLine(path, number, check, "; nothing was imported: mend the line, or export again");
    last = number;
    onLine(number);
  }
  if (last === 0) throw usageError("file", `${path} is empty: give a file that protosource export wrote`);
  if (end === undefined) {
    if (incomplete) return tally.totals();
    throw usageError(
      "file",
      `${path} ends in line ${last} without its end: it was cut off, or is a part (--incomplete)`,
    );
  }
  const totals = tally.totals();
  if (JSON.stringify(end) === JSON.stringify(totals) || incomplete) return totals;
  const [expected, found] = [end, totals].map(
    ({ events, rows, bytes }) => `${events} events, ${rows} rows, ${bytes} bytes`,
  );
  const difference = expected === found ? "the lines were changed" : `it holds ${found}, and says ${expected}`;
  throw usageError("file", `${path} isn't what was exported: ${difference}`);
}

function atLine<T>(path: string, number: number, work: () => T, consequence = ""): T {
  try {
    return work();
  } catch (error) {
    if (!isProtosourceError(error, "invalid_argument")) throw error;
    throw usageError("file", `line ${number} of ${path} ${error.rawMessage}${consequence}`, error);
  }
}
