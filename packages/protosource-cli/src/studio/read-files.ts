/** Exports and descriptors in files that a page was given. No store is asked, and nothing is sent anywhere. */
import { isProtosourceError } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { throwIfInterrupted, usageError } from "../failure.js";
import { parseDescriptors } from "../parse-descriptors.js";
import { describedSchemas, type Schemas } from "../schemas.js";
import { checkedLines } from "../transfer/checked-lines.js";
import type { Entry } from "../transfer/entries.js";
import { linesOf } from "../transfer/lines.js";

/** A file as a browser has it: a `File`. */
export interface GivenFile {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What an export holds, in memory. */
export interface ReadExport {
  readonly store: MemoryStore;
  readonly opaqueStore: MemoryOpaqueStore;
  readonly events: number;
  readonly rows: number;
  /** What is wrong with it, in a few sentences: it was cut off, or holds something twice. */
  readonly problems: readonly string[];
}

export interface ReadFileOptions {
  readonly signal: AbortSignal;
  /** Called now and then with the number of lines that were read so far. */
  readonly onLines?: ((lines: number) => void) | undefined;
  /** The most that is kept, in bytes, unpacked. 256 MiB by default. */
  readonly maxBytes?: number | undefined;
}

/** Memory holds about three times as much, and a page isn't given all of it. */
const MAX_BYTES = 256 * 1024 * 1024;

/** How many bytes are read before others have a turn. */
const BYTES_AT_ONCE = 256 * 1024;

/** How many of the lines that are left out are told. */
const MAX_TOLD = 3;

const WANTED = "give what protosource export wrote, or descriptors that buf build -o image.binpb made";

/** Tells what a file holds by its beginning: an export is JSON, and descriptors aren't. Throws `invalid_argument`. */
export async function kindOfFile(file: GivenFile): Promise<"export" | "descriptors"> {
  for await (const [first] of chunksOf(file))
    if (first !== undefined) return first === BRACE ? "export" : "descriptors";
  throw usageError("file", `${file.name} is empty: ${WANTED}`);
}

const BRACE = 0x7b;

/**
 * Reads what `protosource export` wrote, gzipped or not, also where it is cut off or a part. Each event counts as saved
 * alone, since an export doesn't tell.
 *
 * Throws `invalid_argument` for one that is too large, or with the number of the line for one that is broken, and
 * `cancelled`.
 */
export async function readExportFile(
  file: GivenFile,
  { signal, onLines, maxBytes = MAX_BYTES }: ReadFileOptions,
): Promise<ReadExport> {
  const { name } = file;
  if (file.size > maxBytes) throw tooLarge(name, maxBytes);
  const store = new MemoryStore();
  const opaqueStore = new MemoryOpaqueStore();
  const problems: string[] = [];
  let leftOut = 0;
  let pauseAt = BYTES_AT_ONCE;
  const lines = checkedLines(name, linesOf(name, chunksOf(file)), { incomplete: true, consequence: `: ${WANTED}` });
  for (;;) {
    const next = await lines.next();
    if (next.done) {
      const { lines, totals, problem } = next.value;
      if (lines === 0 && problem !== undefined) throw usageError("file", problem);
      if (leftOut > MAX_TOLD) problems.push(`${leftOut - MAX_TOLD} more lines are left out.`);
      if (problem !== undefined) problems.push(`${problem}.`);
      return { store, opaqueStore, events: totals.events, rows: totals.rows, problems };
    }
    const { line, number, end } = next.value;
    if (end > maxBytes) throw tooLarge(name, maxBytes);
    if (line.kind === "event" || line.kind === "row") {
      const problem = await put({ store, opaqueStore }, line);
      if (problem !== undefined && ++leftOut <= MAX_TOLD) {
        problems.push(`Line ${number} of ${name} is left out: ${problem}.`);
      }
    }
    if (end < pauseAt) continue;
    pauseAt = end + BYTES_AT_ONCE;
    onLines?.(number);
    await new Promise((resolve) => setTimeout(resolve, 0));
    throwIfInterrupted(signal);
  }
}

function tooLarge(name: string, maxBytes: number): Error {
  const most = `${Math.floor(maxBytes / 1024 / 1024)} MiB`;
  return usageError(
    "file",
    `${name} has more than ${most}, too much for a page: import it by protosource import --store sqlite:file.db, and show that`,
  );
}

/** Puts an entry into its store. Gives the reason for one that the store doesn't take, such as a version that is there. */
async function put(
  { store, opaqueStore }: Pick<ReadExport, "store" | "opaqueStore">,
  entry: Entry,
): Promise<string | undefined> {
  try {
    if (entry.kind === "event") await store.restore(entry.streamId, [entry.record]);
    else if (!(await opaqueStore.put(entry.row)).written) return "its row is there in a later version";
    return undefined;
  } catch (error) {
    if (isProtosourceError(error)) return error.rawMessage;
    throw error;
  }
}

/** Reads descriptors, gzipped or not. Throws `invalid_argument` for what are none, and for more than `maxBytes` of them. */
export async function readDescriptorsFile(
  file: GivenFile,
  { maxBytes = MAX_BYTES }: Pick<ReadFileOptions, "maxBytes"> = {},
): Promise<Schemas> {
  const { name } = file;
  if (file.size > maxBytes) throw usageError("file", `${name} is too large for descriptors: ${WANTED}`);
  try {
    const bytes = new Uint8Array(await new Response(file.stream()).arrayBuffer());
    return describedSchemas(parseDescriptors(name, bytes, maxBytes));
  } catch (cause) {
    throw isProtosourceError(cause) ? cause : unreadable(name, cause);
  }
}

function unreadable(name: string, cause: unknown): Error {
  return usageError("file", `${name} can't be read: was it changed or taken away, or is it a folder?`, cause);
}

/** Gives a file in pieces, unpacked where it is gzipped. Throws `invalid_argument` for what can't be read. */
async function* chunksOf(file: GivenFile): AsyncGenerator<Uint8Array, void, undefined> {
  const { name } = file;
  const head = new Uint8Array(
    await file
      .slice(0, 2)
      .arrayBuffer()
      .catch((cause) => {
        throw unreadable(name, cause);
      }),
  );
  const isGzipped = head[0] === 0x1f && head[1] === 0x8b;
  const stream = isGzipped ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
  const reader = stream.getReader();
  const read = async (): ReturnType<typeof reader.read> => {
    try {
      return await reader.read();
    } catch (cause) {
      if (!isGzipped) throw unreadable(name, cause);
      throw usageError("file", `${name} can't be read: it is damaged, or was cut off`, cause);
    }
  };
  let isWanted = false;
  try {
    for (let next = await read(); !next.done; next = await read()) {
      isWanted = true;
      yield next.value;
      isWanted = false;
    }
  } finally {
    // Whoever takes no more ends this at a `yield`.
    if (isWanted) await reader.cancel();
  }
}
