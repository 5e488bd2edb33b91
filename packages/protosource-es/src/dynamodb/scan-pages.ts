/** What a page of a scan holds: the items that can be read, and an error for each that can't. */
import type { QueryCommandOutput } from "@aws-sdk/client-dynamodb";
import type { ScanOptions } from "../call-options.js";
import { isProtosourceError, type ProtosourceError } from "../errors.js";
import { isClaimKey, readClaimKey } from "../opaquedata/claim-key.js";
import type { OpaqueRow, RowPage } from "../opaquedata/opaque-store.js";
import { encodeScanCursor, type ScanPosition } from "../store/scan-cursor.js";
import type { ClaimPage, RecordPage, RecordScanOptions, ScannedClaim, ScannedRecord } from "../store/store.js";
import { bytesOf, type ReadRecord, readClaim, readEvents, readRow } from "./items.js";
import type { Item } from "./limits.js";

/** The part of an answer that is a page. */
type Answer = Pick<QueryCommandOutput, "Items" | "LastEvaluatedKey"> | undefined;

/** The bytes of unpacked records at which a page ends. The items behind are read anew for the next one. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/** Makes the page of records of an answer: it ends early where packed items hold much more than they take. */
export function recordPage(answer: Answer, table: string, options: RecordScanOptions): RecordPage {
  const records: ScannedRecord[] = [];
  let bytes = 0;
  let last = answer?.LastEvaluatedKey;
  const unreadable = readEach(answer, (item) => {
    const aggregateId = options.aggregateId ?? item["a"]?.S ?? "";
    const read: ReadRecord[] = [];
    readEvents(item, table, aggregateId, read);
    for (const one of read) {
      bytes += one.record.data.length;
      records.push({ aggregateId, ...one });
    }
    if (bytes < MAX_PAGE_BYTES || item === answer?.Items?.at(-1)) return true;
    last = { a: { S: aggregateId }, ...item };
    return false;
  });
  return { records, unreadable, ...cursorOf(options, [last?.["a"]?.S, last?.["v"]?.N]) };
}

/** Makes the page of rows of an answer. Claims lie in the same table, and are counted only. */
export function rowPage(answer: Answer, table: string, options: RecordScanOptions): RowPage {
  const rows: OpaqueRow[] = [];
  let claims = 0;
  const unreadable = readEach(answer, (item) => {
    if (isClaimKey(item["pk"]?.S ?? "")) claims++;
    else rows.push(readRow(item, table));
    return true;
  });
  const { pk, sk } = answer?.LastEvaluatedKey ?? {};
  return { rows, unreadable, claims, ...cursorOf(options, [pk?.S, sk?.S]) };
}

/** Makes the page of claims of an answer. */
export function claimPage(answer: Answer, table: string, options: ScanOptions): ClaimPage {
  const claims: ScannedClaim[] = [];
  const unreadable = readEach(answer, (item) => {
    const key = item["pk"]?.S ?? "";
    const commitId = bytesOf(item["c"]) ?? new Uint8Array();
    claims.push({ ...readClaim(item, table), ...readClaimKey(key), key, commitId });
    return true;
  });
  const { pk, sk } = answer?.LastEvaluatedKey ?? {};
  return { claims, unreadable, ...cursorOf(options, [pk?.S, sk?.S]) };
}

/** Reads the items of a page, until one says that it is enough. */
function readEach(answer: Answer, read: (item: Item) => boolean): ProtosourceError<"corrupt_record">[] {
  const unreadable: ProtosourceError<"corrupt_record">[] = [];
  for (const item of answer?.Items ?? []) {
    try {
      if (!read(item)) break;
    } catch (error) {
      if (!isProtosourceError(error, "corrupt_record")) throw error;
      unreadable.push(error);
    }
  }
  return unreadable;
}

function cursorOf(
  options: RecordScanOptions,
  [hash, range]: readonly [hash: string | undefined, range: string | undefined],
): { readonly cursor?: string } {
  if (hash === undefined || range === undefined) return {};
  const position: ScanPosition = [hash, range];
  return { cursor: encodeScanCursor(options, position) };
}
