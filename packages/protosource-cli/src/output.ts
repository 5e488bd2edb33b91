/** What a command prints: results to standard output, for people or as lines of JSON; all else to standard error. */
import { once } from "node:events";
import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { throwIfInterrupted } from "./failure.js";

/** How text stands out on a terminal. Elsewhere it doesn't. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

export interface Output {
  /** Whether results are lines of JSON, for another program. */
  readonly json: boolean;
  /** Prints a line of the result. */
  line(text?: string): Promise<void>;
  /** Prints a value of the result as a line of JSON. */
  value(value: unknown): Promise<void>;
  /** Prints rows under titles. Rows of later calls go on under the same titles. */
  table(titles: readonly string[], rows: readonly (readonly string[])[]): Promise<void>;
  /** Tells the user something that isn't the result. */
  note(text: string): void;
  /** Shows one line that the next one replaces. Only on a terminal. */
  status(text: string): void;
  style(style: Style, text: string): string;
}

/** The streams to print to. */
export interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

const CLEAR_LINE = "\r\u{1b}[2K";

/** Makes an output. Once its `signal` is aborted, it waits for no reader: what prints a result throws `cancelled`. */
export function createOutput({ stdout, stderr }: Streams, json: boolean, signal: AbortSignal): Output {
  const colours = !json && hasColours(stdout);
  let showsStatus = false;
  let widths: number[] | undefined;
  const clearStatus = (): void => {
    if (showsStatus) stderr.write(CLEAR_LINE);
    showsStatus = false;
  };
  const write = async (text: string): Promise<void> => {
    clearStatus();
    if (stdout.write(text)) return;
    await once(stdout, "drain", { signal }).catch((error: unknown) => {
      throwIfInterrupted(signal);
      throw error;
    });
  };
  const style = (name: Style, text: string): string =>
    colours ? styleText(name, text, { validateStream: false }) : text;

  return {
    json,
    style,
    line: (text = "") => write(`${text}\n`),
    value: (value) => write(`${jsonLine(value)}\n`),
    async table(titles, rows) {
      const lines = rows.map((row) => row.map(printable));
      const isFirst = widths === undefined;
      const known = widths ?? titles.map(({ length }) => length);
      const fitting = known.map((width, i) =>
        lines.reduce((widest, row) => Math.max(widest, row[i]?.length ?? 0), width),
      );
      widths = fitting;
      const format = (row: readonly string[]): string =>
        row
          .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(fitting[i] ?? 0)))
          .join("  ")
          .trimEnd();
      if (isFirst) await write(`${style("bold", format(titles))}\n`);
      if (lines.length > 0) await write(`${lines.map(format).join("\n")}\n`);
    },
    note(text) {
      clearStatus();
      stderr.write(`${printableLines(text)}\n`);
    },
    status(text) {
      if (!stderr.isTTY) return;
      const { columns = 80 } = stderr as Partial<WriteStream>;
      stderr.write(`${CLEAR_LINE}${text.slice(0, columns - 1)}`);
      showsStatus = true;
    },
  };
}

/** Gives a value as JSON on one line. Whole numbers of any size become strings, as in the JSON of messages; bytes base64. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "bigint") return inner.toString();
    if (inner instanceof Uint8Array) return Buffer.from(inner).toString("base64");
    return inner;
  });
}

/** Gives a value as JSON on several lines, for people. */
export function prettyJson(value: unknown): string {
  return printableLines(JSON.stringify(value, undefined, 2));
}

/** Does for each line what {@link printable} does for one. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** Shows what a terminal would take for a command of its own: stored text comes from strangers. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

function hasColours(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== "0";
  return stream.isTTY === true && TERM !== "dumb";
}
