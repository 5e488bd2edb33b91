/** Reading whole tables, page by page. */
import type { RecordPage, RecordScanOptions, ScannableStore } from "protosource-es";

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
