/** The contract of a table of rows under string keys, with 20 secondary indexes. */
import type { CallOptions, ScanOptions } from "../call-options.js";
import type { ProtosourceError } from "../errors.js";
import type { OpaqueData } from "../gen/funinthecloud/protosource/opaquedata/v1/opaquedata_v1_pb.js";

import type { SortCondition } from "./sort-condition.js";

/** A row: a message's bytes, its keys, its expiry and its version. */
export type OpaqueRow = OpaqueData;

/** The number of secondary indexes of the aggregates table. */
export const NUM_GSIS = 20;

export type GsiNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17 | 18 | 19 | 20;

/** What names one row. */
export interface OpaqueKey {
  readonly pk: string;
  readonly sk: string;
}

export interface GetOptions extends CallOptions {
  /** Sees every write that was acknowledged before, for twice the read units. Off by default. */
  readonly consistent?: boolean | undefined;
}

/** Which rows of one partition to read, and in what order. */
export interface OpaqueQuery extends GetOptions {
  /** The index, 1 to 20; 0 or none for the table itself. `consistent` is refused on an index. */
  readonly index?: GsiNumber | 0 | undefined;
  /** The partition key, whole. */
  readonly partition: string;
  /** A condition on the sort key, whole. Sort keys compare by their UTF-8 bytes. */
  readonly sort?: SortCondition | undefined;
  /** The number of rows to return at most, after expired rows are left out. By default one page of the store's. */
  readonly limit?: number | undefined;
  /** Descending order of the sort key. */
  readonly reverse?: boolean | undefined;
  /** Where an earlier page of the same query ended. */
  readonly cursor?: string | undefined;
}

/** Some rows, and where to go on. */
export interface OpaquePage {
  readonly rows: readonly OpaqueRow[];
  /** Continues after the last of these rows. Absent at the end, and only there: a page may be short, or empty. */
  readonly cursor?: string | undefined;
}

/** What became of a row: `written` is false when the table holds a later version, which stays. */
export interface PutOutcome {
  readonly written: boolean;
}

export interface PutOptions extends CallOptions {
  /**
   * Tells the version of a stored row that has none, as other writers of the table leave it; undefined when its body
   * doesn't tell either. By default such a row is replaced.
   */
  readonly versionOf?: ((stored: OpaqueRow) => bigint | undefined) | undefined;
}

/** Keeps rows. */
export interface OpaqueStore {
  /**
   * Writes a row over what is there. A row with a version never replaces one of a later version: that one stays, and
   * the outcome says so. An expired row counts as absent.
   */
  put(row: OpaqueRow, options?: PutOptions): Promise<PutOutcome>;

  /** Reads a row; undefined when there is none or it has expired. */
  get(key: OpaqueKey, options?: GetOptions): Promise<OpaqueRow | undefined>;

  /** Deletes a row, if there is one. */
  delete(key: OpaqueKey, options?: CallOptions): Promise<void>;

  /**
   * Reads a page of the rows of a partition that haven't expired. The page's cursor is what `encodeCursor` makes of its
   * last row, so that a caller who drops rows can continue behind any other one.
   *
   * Throws `invalid_argument` for an index outside 0–20, an empty partition, a range whose low bound is above its high
   * one, a limit below 1, and a cursor that isn't of this query.
   */
  query(query: OpaqueQuery): Promise<OpaquePage>;
}

/** Some of what a table of rows holds, and where to go on. */
export interface RowPage {
  readonly rows: readonly OpaqueRow[];
  /** What lies in the table and is no row: one error for each, which names it. */
  readonly unreadable: readonly ProtosourceError<"corrupt_record">[];
  /** How many claims lie among these rows, where a store keeps both together. They are left out. */
  readonly claims?: number | undefined;
  /** Continues behind this page. Absent at the end, and only there: a page may be short, or empty. */
  readonly cursor?: string | undefined;
}

/** A store that can read everything it holds. */
export interface ScannableOpaqueStore {
  /**
   * Reads a page of all rows as they are stored, expired ones too. It sees every write that was acknowledged before.
   *
   * Throws `invalid_argument` for a segment that can't be, a limit below 1 and the cursor of another scan.
   */
  scan(options?: ScanOptions): Promise<RowPage>;
}

/** Reads all rows of a query one by one, a page at a time: a large partition is never all in memory. */
export async function* eachRow(store: OpaqueStore, query: OpaqueQuery): AsyncGenerator<OpaqueRow, void, undefined> {
  let cursor = query.cursor;
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  do {
    const page = await store.query({ ...query, cursor, ...(left === Number.POSITIVE_INFINITY ? {} : { limit: left }) });
    yield* page.rows;
    left -= page.rows.length;
    cursor = page.cursor;
  } while (cursor !== undefined && left > 0);
}
