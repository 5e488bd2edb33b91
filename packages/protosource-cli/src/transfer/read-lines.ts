import { type FileHandle, open, stat } from "node:fs/promises";
import { throwIfInterrupted, usageError } from "../failure.js";
import { BEGINNING, type LinePosition, linesOf, type TextLine } from "./lines.js";

const CHUNK_BYTES = 1024 * 1024;

/**
 * Reads the lines of a file.
 *
 * Throws `invalid_argument` for a file that can't be read, isn't UTF-8, or has a line without end, and `cancelled`.
 */
export async function* readLines(
  path: string,
  position: LinePosition = BEGINNING,
  signal?: AbortSignal,
): AsyncGenerator<TextLine, void, undefined> {
  const cantRead = (cause: NodeJS.ErrnoException): never => {
    throw usageError("file", `${path} can't be read (${cause.code}): give an existing file`, cause);
  };
  // A pipe can't be read twice, and to open one waits for its writer.
  if (!(await stat(path).catch(cantRead)).isFile()) {
    throw usageError("file", `${path} is no ordinary file: give one, or - for standard input`);
  }
  const file = await open(path, "r").catch(cantRead);
  try {
    yield* linesOf(path, chunksOf(file, position.offset, signal), position);
  } finally {
    await file.close();
  }
}

async function* chunksOf(
  file: FileHandle,
  offset: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let read = offset; ; ) {
    throwIfInterrupted(signal);
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, read);
    if (bytesRead === 0) return;
    read += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}
