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
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What an export holds, in memory. */
export interface ReadExport {
  readonly store: MemoryStore;
  readonly opaqueStore: MemoryOpaqueStore;
  readonly events: number;
  readonly rows: number;
  /** What is wrong with it as a whole, in sentences: it was cut off, or holds something twice. */
  readonly problems: readonly string[];
}

export interface ReadFileOptions {
  readonly signal: AbortSignal;
  /** Called now and then with the number of lines that were read so far. */
  readonly onLines?: ((lines: number) => void) | undefined;
}

/** How many lines are read before others have a turn. */
const LINES_AT_ONCE = 500;

/** Tells what a file holds by its beginning: an export is JSON, and descriptors aren't. Throws `invalid_argument`. */
export async function kindOfFile(file: GivenFile): Promise<"export" | "descriptors"> {
  for await (const [first] of chunksOf(file))
    if (first !== undefined) return first === BRACE ? "export" : "descriptors";
  throw usageError("file", `${file.name} is empty: give an export, or what buf build -o image.binpb made`);
}

const BRACE = 0x7b;

/**
 * Reads what `protosource export` wrote, gzipped or not, also where it is cut off or a part. Each event counts as saved
 * alone, since an export doesn't tell.
 *
 * Throws `invalid_argument`, with the number of the line, for one that is broken, and `cancelled`.
 */
export async function readExportFile(file: GivenFile, { signal, onLines }: ReadFileOptions): Promise<ReadExport> {
  const { name } = file;
  const store = new MemoryStore();
  const opaqueStore = new MemoryOpaqueStore();
  const problems: string[] = [];
  const lines = checkedLines(name, linesOf(name, chunksOf(file)), { incomplete: true, consequence: ": export again" });
  for (;;) {
    const next = await lines.next();
    if (next.done) {
      const { lines, totals, problem } = next.value;
      if (lines === 0 && problem !== undefined) throw usageError("file", problem);
      if (problem !== undefined) problems.push(`${problem}.`);
      return { store, opaqueStore, events: totals.events, rows: totals.rows, problems };
    }
    const { line, number } = next.value;
    if (line.kind === "event" || line.kind === "row") {
      const problem = await put({ store, opaqueStore }, line);
      if (problem !== undefined) problems.push(`Line ${number} of ${name} is left out: ${problem}.`);
    }
    if (number % LINES_AT_ONCE !== 0) continue;
    onLines?.(number);
    await new Promise((resolve) => setTimeout(resolve, 0));
    throwIfInterrupted(signal);
  }
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

/** Reads descriptors, gzipped or not. Throws `invalid_argument` for what are none. */
export async function readDescriptorsFile(file: GivenFile): Promise<Schemas> {
  const bytes = new Uint8Array(await new Response(file.stream()).arrayBuffer());
  return describedSchemas(parseDescriptors(file.name, bytes));
}

/** Gives a file in pieces, unpacked where it is gzipped. Throws `invalid_argument` for what can't be read. */
async function* chunksOf(file: GivenFile): AsyncGenerator<Uint8Array, void, undefined> {
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const isGzipped = head[0] === 0x1f && head[1] === 0x8b;
  const stream = isGzipped ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
  const reader = stream.getReader();
  const read = async (): ReturnType<typeof reader.read> => {
    try {
      return await reader.read();
    } catch (cause) {
      const why = isGzipped ? "it is damaged, or was cut off" : "was it changed or taken away?";
      throw usageError("file", `${file.name} can't be read: ${why}`, cause);
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
