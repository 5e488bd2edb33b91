/** Reads ranges of a stream in the order of versions, a page at a time, and long ones several pages at once. */
import { withEither } from "../signals.js";
import { type ReadRecord, readEvents, versionsOf } from "./items.js";
import type { Item } from "./limits.js";
import { queryStream, type StreamRange } from "./requests.js";
import type { TableRequests } from "./table-requests.js";

/** Which records of a stream to read, in which order. */
export interface RecordRange {
  readonly from?: bigint | undefined;
  readonly to?: bigint | undefined;
  readonly reverse?: boolean | undefined;
  /** The number of items after which the reader probably stops; it doesn't stop by itself. */
  readonly limit?: number | undefined;
  readonly consistent: boolean;
}

/** Gives the records of a range in chunks: in ascending order, or with `reverse` in descending order. */
export type StreamReader = (
  aggregateId: string,
  range: RecordRange,
  signal: AbortSignal | undefined,
) => AsyncGenerator<readonly ReadRecord[], void, undefined>;

/** How many pages of a long stream are read at once. More gain nothing: a core is busy with four. */
const PAGES_AT_ONCE = 4;

/** The bytes of events, as they were sent, below which a window is too narrow: a quarter of a page. */
const NARROW_WINDOW_BYTES = 256 * 1024;

/** The bytes of unpacked events up to which the items of a page are unpacked at once. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** The items to read at once after a page that expired records made too short. */
const REREAD_ITEMS = 100;

/** A page as it was sent: its packed items are unpacked when their turn comes, a few at a time. */
interface StreamPage {
  readonly items: readonly Item[];
  readonly next: Item | undefined;
}

/** Makes a reader of a table's streams. */
export function createStreamReader(requests: TableRequests, table: string): StreamReader {
  const readPage = async (
    aggregateId: string,
    range: StreamRange,
    startKey: Item | undefined,
    signal: AbortSignal | undefined,
  ): Promise<StreamPage> => {
    const { output } = await requests.query(queryStream(table, aggregateId, range, startKey), signal);
    return { items: output?.Items ?? [], next: output?.LastEvaluatedKey };
  };

  /** Gives the records of items in their order. One item may hold 64 MiB of them, and the items of one page a thousand. */
  function* unpack(
    aggregateId: string,
    items: readonly Item[],
    reverse = false,
  ): Generator<readonly ReadRecord[], void, undefined> {
    let records: ReadRecord[] = [];
    let bytes = 0;
    for (const item of items) {
      const before = records.length;
      try {
        readEvents(item, table, aggregateId, records);
      } catch (error) {
        // What lies before the damage is whole, and is given first.
        if (before > 0) yield records.slice(0, before);
        throw error;
      }
      if (item["n"] === undefined) continue;
      for (let i = before; i < records.length; i++) bytes += records[i]?.record.data.length ?? 0;
      // One by one, as an item may hold more records than a call takes arguments.
      if (reverse) for (const one of records.splice(before).reverse()) records.push(one);
      if (bytes < CHUNK_BYTES) continue;
      yield records;
      records = [];
      bytes = 0;
    }
    if (records.length > 0) yield records;
  }

  /** Reads page after page until the range ends. A page may be empty and still not be the last. */
  async function* pages(
    aggregateId: string,
    range: StreamRange,
    startKey: Item | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly Item[], void, undefined> {
    let next = startKey;
    do {
      const limit = range.limit && next ? Math.max(range.limit, REREAD_ITEMS) : range.limit;
      const page = await readPage(aggregateId, { ...range, limit }, next, signal);
      yield page.items;
      next = page.next;
    } while (next !== undefined);
  }

  async function* unpackPages(
    ...[aggregateId, range, startKey, signal]: Parameters<typeof pages>
  ): AsyncGenerator<readonly ReadRecord[], void, undefined> {
    for await (const items of pages(aggregateId, range, startKey, signal)) {
      yield* unpack(aggregateId, items, range.reverse);
    }
  }

  /**
   * Reads the versions behind the first page in windows of its size, several at once, and gives them in order. The first
   * window doesn't wait for the end of the stream to be found. Where events get smaller, windows get wider; and where
   * nothing lies, nobody knows how far, page follows page.
   */
  async function* windows(
    aggregateId: string,
    { from, to }: { readonly from: bigint; readonly to: bigint | undefined },
    firstSize: bigint,
    consistent: boolean,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly ReadRecord[], void, undefined> {
    const underWay: { readonly range: StreamRange; readonly size: bigint; readonly page: Promise<StreamPage> }[] = [];
    const given = new AbortController();
    let size = firstSize;
    let begin = from;
    const open = (last: bigint | undefined): void => {
      const end = begin + size - 1n;
      const range = { from: begin, to: last !== undefined && last < end ? last : end, consistent };
      const page = withEither(signal, given.signal, (either) => readPage(aggregateId, range, undefined, either));
      // Its failure is met when its turn comes.
      page.catch(() => {});
      underWay.push({ range, size, page });
      begin = end + 1n;
    };
    try {
      if (to === undefined) open(undefined);
      const last = to ?? (await lastVersion(aggregateId, consistent, signal)) ?? from;
      while (begin <= last || underWay.length > 0) {
        while (begin <= last && underWay.length < PAGES_AT_ONCE) open(last);
        const first = underWay.shift();
        if (first === undefined) return;
        const { items, next } = await first.page;
        yield* unpack(aggregateId, items);
        const isEmpty = items.length === 0;
        const range = isEmpty ? { ...first.range, to } : first.range;
        if (isEmpty || next !== undefined) yield* unpackPages(aggregateId, range, next, signal);
        else if (first.size === size && sentBytes(items) < NARROW_WINDOW_BYTES) size *= 2n;
        if (isEmpty) return;
      }
    } finally {
      given.abort();
    }
  }

  /** Reads the last item that begins at a version or below it. */
  const lastItem = async (
    aggregateId: string,
    to: bigint | undefined,
    consistent: boolean,
    signal: AbortSignal | undefined,
  ): Promise<readonly Item[]> => {
    for await (const items of pages(aggregateId, { to, reverse: true, limit: 1, consistent }, undefined, signal)) {
      if (items.length > 0) return items.slice(0, 1);
    }
    return [];
  };

  const lastVersion = async (
    aggregateId: string,
    consistent: boolean,
    signal: AbortSignal | undefined,
  ): Promise<bigint | undefined> => {
    const [last] = await lastItem(aggregateId, undefined, consistent, signal);
    return last && versionsOf(last, table, aggregateId).last;
  };

  return async function* read(aggregateId, range, signal) {
    const { from = 1n, to, reverse = false, limit, consistent } = range;
    // A packed item that begins below a version may reach beyond it.
    const itemBelow = (): Promise<readonly Item[]> => lastItem(aggregateId, from - 1n, consistent, signal);
    if (reverse) {
      let lowest: bigint | undefined;
      for await (const records of unpackPages(aggregateId, range, undefined, signal)) {
        lowest = records.at(-1)?.record.version ?? lowest;
        yield records;
      }
      if (from > 1n && lowest !== from) yield* unpack(aggregateId, await itemBelow(), reverse);
      return;
    }
    const { items, next } = await readPage(aggregateId, range, undefined, signal);
    const [first, last] = [items[0], items.at(-1)].map((item) => item && versionsOf(item, table, aggregateId));
    if (from > 1n && first?.first !== from) yield* unpack(aggregateId, await itemBelow());
    yield* unpack(aggregateId, items);
    if (next === undefined) return;
    if (first === undefined || last === undefined || limit !== undefined) {
      yield* unpackPages(aggregateId, range, next, signal);
      return;
    }
    yield* windows(aggregateId, { from: last.last + 1n, to }, last.last - first.first + 1n, consistent, signal);
  };
}

/** The length of events as they came: bytes, or the base64 of them. */
function sentBytes(items: readonly Item[]): number {
  return items.reduce((sum, { d }) => sum + (d?.B?.length ?? 0), 0);
}
