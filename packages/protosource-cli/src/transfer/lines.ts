/** The lines of a file, with where each begins. Only a line feed ends one: a text may hold what else Unicode has. */
import { open, stat } from "node:fs/promises";
import { throwIfInterrupted, usageError } from "../failure.js";

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

/** The longest line that can be meant: DynamoDB's largest item, in base64, with its keys. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

const CHUNK_BYTES = 1024 * 1024;

const BEGINNING: LinePosition = { offset: 0, lines: 0 };

/**
 * Reads lines.
 *
 * Throws `invalid_argument` for a file that can't be read, isn't UTF-8, or has a line without end, and `cancelled`.
 */
export async function* readLines(
  path: string,
  { offset, lines }: LinePosition = BEGINNING,
  signal?: AbortSignal,
): AsyncGenerator<TextLine, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const cantRead = (cause: NodeJS.ErrnoException): never => {
    throw usageError("file", `${path} can't be read (${cause.code}): give an existing file`, cause);
  };
  // A pipe can't be read twice, and to open one waits for its writer.
  if (!(await stat(path).catch(cantRead)).isFile()) {
    throw usageError("file", `${path} is no ordinary file: give one, or - for standard input`);
  }
  const file = await open(path, "r").catch(cantRead);
  try {
    let rest: Buffer = Buffer.alloc(0);
    let position = offset;
    let number = lines;
    const decode = (bytes: Buffer): string => {
      number++;
      try {
        return decoder.decode(bytes);
      } catch (cause) {
        throw usageError("file", `line ${number} of ${path} isn't UTF-8, as an export is`, cause);
      }
    };
    for (let read = position; ; ) {
      throwIfInterrupted(signal);
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, read);
      if (bytesRead === 0) break;
      read += bytesRead;
      let data = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a)) {
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
  } finally {
    await file.close();
  }
}
