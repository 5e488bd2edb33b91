/** Reading whole tables, page by page. */
import type { RecordPage, RecordScanOptions, ScannableStore, ScannedRecord } from "protosource-es";

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

/** Gives the streams of the pages of a scan, each with all its records. */
export async function* streamsOf(
  pages: AsyncIterable<RecordPage>,
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
