/** The lines of a text, with where each begins. Only a line feed ends one: a text may hold what else Unicode has. */
import { usageError } from "../failure.js";

/** A line, without its line feed. */
export interface TextLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Where the next line begins, in bytes. */
  readonly end: number;
}

/** Where to begin to read. */
export interface LinePosition {
  readonly offset: number;
  /** The number of lines before. */
  readonly lines: number;
}

/** Where a text begins. */
export const BEGINNING: LinePosition = { offset: 0, lines: 0 };

/** The longest line that can be meant: DynamoDB's largest item, in base64, with its keys. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

const LINE_FEED = 0x0a;

/**
 * Gives the lines of what comes in pieces, from a position on. `path` names it.
 *
 * Throws `invalid_argument` for what isn't UTF-8, or has a line without end, and what reading the pieces throws.
 */
export async function* linesOf(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  { offset, lines }: LinePosition = BEGINNING,
): AsyncGenerator<TextLine, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest: Uint8Array = new Uint8Array();
  let position = offset;
  let number = lines;
  const decode = (bytes: Uint8Array): string => {
    number++;
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw usageError("file", `line ${number} of ${path} isn't UTF-8, as an export is`, cause);
    }
  };
  for await (const chunk of chunks) {
    let data = joined(rest, chunk);
    for (let end = data.indexOf(LINE_FEED); end >= 0; end = data.indexOf(LINE_FEED)) {
      position += end + 1;
      yield { text: decode(data.subarray(0, end)), number, end: position };
      data = data.subarray(end + 1);
    }
    if (data.length > MAX_LINE_BYTES) {
      throw usageError(
        "file",
        `line ${number + 1} of ${path} is longer than ${MAX_LINE_BYTES} bytes: is it an export?`,
      );
    }
    rest = data;
  }
  if (rest.length > 0) yield { text: decode(rest), number, end: position + rest.length };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
