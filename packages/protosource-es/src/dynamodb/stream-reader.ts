/** Reads ranges of a stream in the order of versions, a page at a time, and long ones several pages at once. */
import { type ReadRecord, readEvents } from "./items.js";
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

/** The bytes of events below which a window is too narrow: a quarter of a page. */
const NARROW_WINDOW_BYTES = 256 * 1024;

/** The items to read at once after a page that expired records made too short. */
const REREAD_ITEMS = 100;

interface StreamPage {
  readonly records: readonly ReadRecord[];
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
    const records: ReadRecord[] = [];
    for (const item of output?.Items ?? []) {
      const before = records.length;
      readEvents(item, table, aggregateId, records);
      // One by one, as an item may hold more records than a call takes arguments.
      if (range.reverse) for (const one of records.splice(before).reverse()) records.push(one);
    }
    return { records, next: output?.LastEvaluatedKey };
  };

  /** Reads page after page until the range ends. A page may be empty and still not be the last. */
  async function* pages(
    aggregateId: string,
    range: StreamRange,
    startKey: Item | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly ReadRecord[], void, undefined> {
    let next = startKey;
    do {
      const limit = range.limit && next ? Math.max(range.limit, REREAD_ITEMS) : range.limit;
      const page = await readPage(aggregateId, { ...range, limit }, next, signal);
      yield page.records;
      next = page.next;
    } while (next !== undefined);
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
    // It doesn't keep pages in memory that a reader left without a word, as a listener of a long-lived signal would.
    const ending = signal ? AbortSignal.any([signal, given.signal]) : given.signal;
    let size = firstSize;
    let begin = from;
    const open = (last: bigint | undefined): void => {
      const end = begin + size - 1n;
      const range = { from: begin, to: last !== undefined && last < end ? last : end, consistent };
      const page = readPage(aggregateId, range, undefined, ending);
      // Its failure is met when its turn comes.
      page.catch(() => {});
      underWay.push({ range, size, page });
      begin = end + 1n;
    };
    try {
      if (to === undefined) open(undefined);
      const last = to ?? (await lastItem(aggregateId, undefined, consistent, ending))[0]?.record.version ?? from;
      while (begin <= last || underWay.length > 0) {
        while (begin <= last && underWay.length < PAGES_AT_ONCE) open(last);
        const first = underWay.shift();
        if (first === undefined) return;
        const { records, next } = await first.page;
        yield records;
        const isEmpty = records.length === 0;
        const range = isEmpty ? { ...first.range, to } : first.range;
        if (isEmpty || next !== undefined) yield* pages(aggregateId, range, next, ending);
        else if (first.size === size && bytesOf(records) < NARROW_WINDOW_BYTES) size *= 2n;
        if (isEmpty) return;
      }
    } finally {
      given.abort();
    }
  }

  /** Reads the last item that begins at a version or below it: its records in descending order, or none. */
  const lastItem = async (
    aggregateId: string,
    to: bigint | undefined,
    consistent: boolean,
    signal: AbortSignal | undefined,
  ): Promise<readonly ReadRecord[]> => {
    for await (const records of pages(aggregateId, { to, reverse: true, limit: 1, consistent }, undefined, signal)) {
      if (records.length > 0) return records;
    }
    return [];
  };

  return async function* read(aggregateId, range, signal) {
    const { from = 1n, to, reverse = false, limit, consistent } = range;
    // A packed item that begins below a version may reach beyond it.
    const itemBelow = (): Promise<readonly ReadRecord[]> => lastItem(aggregateId, from - 1n, consistent, signal);
    if (reverse) {
      let lowest: bigint | undefined;
      for await (const records of pages(aggregateId, range, undefined, signal)) {
        lowest = records.at(-1)?.record.version ?? lowest;
        yield records;
      }
      if (from > 1n && lowest !== from) yield await itemBelow();
      return;
    }
    const first = await readPage(aggregateId, range, undefined, signal);
    const begin = first.records[0]?.record.version;
    const end = first.records.at(-1)?.record.version;
    if (from > 1n && begin !== from) yield (await itemBelow()).toReversed();
    yield first.records;
    if (first.next === undefined) return;
    if (begin === undefined || end === undefined || limit !== undefined) {
      yield* pages(aggregateId, range, first.next, signal);
      return;
    }
    yield* windows(aggregateId, { from: end + 1n, to }, end - begin + 1n, consistent, signal);
  };
}

function bytesOf(records: readonly ReadRecord[]): number {
  return records.reduce((sum, { record }) => sum + record.data.length, 0);
}
