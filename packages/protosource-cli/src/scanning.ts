/** Reading whole tables, page by page. */
import {
  ProtosourceError,
  type RecordPage,
  type RecordScanOptions,
  type ScannableStore,
  type ScannedRecord,
} from "protosource-es";

/** Gives the pages of a scan of records, one after the other. */
export async function* recordPages(
  store: ScannableStore,
  options: RecordScanOptions,
): AsyncGenerator<RecordPage, void, undefined> {
  let { cursor } = options;
  do {
    const page = await store.scan({ ...options, cursor });
    yield page;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/**
 * Reads all records of one stream, of which nothing may be damaged.
 *
 * Throws `not_found` for one that isn't there, and `corrupt_record` for an item that is no record.
 */
export async function readWhole(
  store: ScannableStore,
  aggregateId: string,
  signal: AbortSignal,
): Promise<readonly ScannedRecord[]> {
  const found: ScannedRecord[] = [];
  for await (const { records, unreadable } of recordPages(store, { aggregateId, signal })) {
    const [error] = unreadable;
    if (error) throw error;
    found.push(...records);
  }
  if (found.length > 0) return found;
  const message = `there is no stream ${aggregateId}: protosource streams list names those that there are`;
  throw new ProtosourceError("not_found", message, { aggregateId, reason: "unknown" });
}

/** Gives the streams of the pages of a scan, each with all its records. */
export async function* streamsOf(
  pages: AsyncIterable<RecordPage> | Iterable<RecordPage>,
): AsyncGenerator<readonly ScannedRecord[], void, undefined> {
  let current: ScannedRecord[] = [];
  for await (const { records } of pages) {
    for (const scanned of records) {
      if (current[0] && scanned.aggregateId !== current[0].aggregateId) {
        yield current;
        current = [];
      }
      current.push(scanned);
    }
  }
  if (current.length > 0) yield current;
}
