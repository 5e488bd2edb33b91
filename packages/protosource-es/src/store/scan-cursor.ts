/** What every store does with the arguments of a scan, and how it says where a page ended. */
import type { ScanOptions, ScanSegment } from "../call-options.js";
import { invalid } from "../errors.js";
import { cursorText, cursorValues } from "../opaquedata/cursor-text.js";
import { checkAggregateId } from "./save-checks.js";
import type { RecordScanOptions } from "./store.js";

/** How many parts a table can be cut into: DynamoDB's limit for the segments of a scan. */
const MAX_SEGMENTS = 1_000_000;

const MAX_INT64 = 2n ** 63n - 1n;

const WHOLE: ScanSegment = { index: 0, of: 1 };

/** Checks the arguments of a scan of records. Throws `invalid_argument`. */
export function checkRecordScan(options: RecordScanOptions): void {
  checkScan(options);
  if (options.aggregateId === undefined) return;
  checkAggregateId(options.aggregateId);
  if (options.segment !== undefined) {
    throw invalid("segment", "one stream lies in one segment: give an aggregateId or a segment");
  }
}

/** Checks the arguments of a scan. Throws `invalid_argument`. */
export function checkScan({ segment = WHOLE, limit = 1 }: ScanOptions): void {
  const { index, of } = segment;
  if (!Number.isInteger(of) || of < 1 || of > MAX_SEGMENTS || !Number.isInteger(index) || index < 0 || index >= of) {
    throw invalid(
      "segment",
      `there is no segment ${index} of ${of}: cut the table into 1 to ${MAX_SEGMENTS} segments, numbered from 0`,
    );
  }
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw invalid("limit", `the limit is ${limit}: give a whole number from 1`);
}

/** Tells whether what lies under a key belongs to a segment, for stores that have no segments of their own. */
export function isInSegment(key: string, { index, of }: ScanSegment = WHOLE): boolean {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) >>> 0;
  return hash % of === index;
}

/** Makes the cursor that continues a scan behind the item with these keys. */
export function encodeScanCursor({ segment = WHOLE }: ScanOptions, keys: ScanPosition): string {
  return cursorText([segment.index, segment.of, ...keys]);
}

/** The two keys of an item: the stream and its version, or the pk and the sk. */
export type ScanPosition = readonly [hash: string, range: string];

/**
 * Gives the keys of the item behind which a scan goes on; undefined without a cursor.
 *
 * Throws `invalid_argument` when it isn't the cursor of a scan of this segment, and of this stream where one is given.
 */
export function decodeScanCursor(options: RecordScanOptions): ScanPosition | undefined {
  const { cursor, segment = WHOLE, aggregateId } = options;
  if (cursor === undefined) return undefined;
  const [index, of, hash, range, ...more] = cursorValues(cursor);
  const isOurs =
    index === segment.index &&
    of === segment.of &&
    typeof hash === "string" &&
    typeof range === "string" &&
    more.length === 0 &&
    (aggregateId === undefined || aggregateId === hash);
  if (isOurs) return [hash, range];
  throw invalid("cursor", "the cursor isn't of this scan: give the cursor of an earlier page with the same segment");
}

/**
 * Gives the version in the cursor of a scan of records.
 *
 * Throws `invalid_argument` for the cursor of another scan.
 */
export function versionInCursor(text: string): bigint {
  const version = /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  if (version !== undefined && version <= MAX_INT64) return version;
  throw invalid("cursor", "the cursor isn't of a scan of records: give one that such a scan gave");
}
