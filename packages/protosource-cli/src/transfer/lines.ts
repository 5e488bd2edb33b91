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
  // The beginning of a line, in pieces: to join them with each that comes takes long for a long one.
  let pieces: Uint8Array[] = [];
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
    let data = chunk;
    for (let end = data.indexOf(LINE_FEED); end >= 0; end = data.indexOf(LINE_FEED)) {
      const line = joined([...pieces, data.subarray(0, end)]);
      pieces = [];
      position += line.length + 1;
      yield { text: decode(line), number, end: position };
      data = data.subarray(end + 1);
    }
    if (data.length > 0) pieces.push(data);
    if (lengthOf(pieces) > MAX_LINE_BYTES) {
      throw usageError(
        "file",
        `line ${number + 1} of ${path} is longer than ${MAX_LINE_BYTES} bytes: is it an export?`,
      );
    }
  }
  const rest = joined(pieces);
  if (rest.length > 0) yield { text: decode(rest), number, end: position + rest.length };
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((length, piece) => length + piece.length, 0);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  const all = new Uint8Array(lengthOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
