/** The store of rows in a DynamoDB table with 20 indexes. */
import type { CallOptions, ScanOptions } from "../call-options.js";
import { type Clock, epochSeconds, systemClock } from "../clock.js";
import { checkKey, checkQuery, checkRow } from "../opaquedata/checks.js";
import { claimKey } from "../opaquedata/claim-key.js";
import { decodeCursor, encodeCursor } from "../opaquedata/cursor.js";
import { indexAttributes } from "../opaquedata/key-attribute.js";
import { isExpired } from "../opaquedata/opaque-data.js";
import type {
  GetOptions,
  OpaqueKey,
  OpaquePage,
  OpaqueQuery,
  OpaqueRow,
  OpaqueStore,
  PutOptions,
  PutOutcome,
  RowPage,
  ScannableOpaqueStore,
} from "../opaquedata/opaque-store.js";
import { isAliveClaim } from "../store/claims.js";
import { checkClaimName, throwIfAborted } from "../store/save-checks.js";
import { checkScan, decodeScanCursor } from "../store/scan-cursor.js";
import type {
  Claim,
  ClaimingStore,
  ClaimPage,
  ClaimScanningStore,
  RowWrite,
  ScannedClaim,
  StoredClaim,
} from "../store/store.js";
import { type Committer, createCommitter } from "./committing.js";
import { checkClient, type DynamoDBClientLike } from "./dynamodb-client.js";
import { isRowItem, readClaim, readRow } from "./items.js";
import type { Item } from "./limits.js";
import { deleteClaimOf, deleteRow, getRow, queryRows, scanClaims, scanRows } from "./requests.js";
import { claimPage, rowPage } from "./scan-pages.js";
import type { RequestOptions } from "./sending.js";
import { type AggregatesTableName, aggregatesTableName, DEFAULT_AGGREGATES_TABLE } from "./table-names.js";
import { createTableRequests, type TableRequests } from "./table-requests.js";
import { type ClaimPut, type ClaimRelease, claimWrite, type RowPut, type RowRemoval, rowWrite } from "./writes.js";

export interface DynamoDBOpaqueStoreOptions extends RequestOptions {
  /** The table of the rows. `"aggregates"` by default. */
  readonly table?: string | undefined;
  /** The machine's clock by default. */
  readonly clock?: Clock | undefined;
}

/** The rows to read at once after a page that expired rows made too short. */
const REREAD_ROWS = 100;

/**
 * Keeps rows in a DynamoDB table.
 *
 * A put is one PutItem: 1 write unit per KB, and as much again for each index that holds the row. A get is one
 * GetItem: half a read unit per 4 KB, or a whole one when it is consistent. A query costs the same for all that its
 * pages read, expired rows included.
 */
export class DynamoDBOpaqueStore implements OpaqueStore, ScannableOpaqueStore, ClaimingStore, ClaimScanningStore {
  readonly client: DynamoDBClientLike;
  readonly table: AggregatesTableName;
  readonly #clock: Clock;
  readonly #requests: TableRequests;
  readonly #commit: Committer;

  /** Throws `invalid_argument` for a missing client, a bad table name or time limit. */
  constructor(client: DynamoDBClientLike, options: DynamoDBOpaqueStoreOptions = {}) {
    checkClient(client);
    this.client = client;
    this.table = aggregatesTableName(options.table ?? DEFAULT_AGGREGATES_TABLE);
    this.#clock = options.clock ?? systemClock;
    this.#requests = createTableRequests(client, options);
    this.#commit = createCommitter(client, options);
  }

  async put(row: OpaqueRow, options: PutOptions = {}): Promise<PutOutcome> {
    const puts = this.puts([{ row, versionOf: options.versionOf }]);
    throwIfAborted(options.signal, "put");
    const leftOut = await this.#commit(puts, undefined, options.signal);
    return { written: leftOut.length === 0 };
  }

  /** Gives the puts of rows and their deletions, for a transaction with others. Throws `invalid_argument` and `too_large` as `put` does. */
  puts(rows: readonly RowWrite[]): (RowPut | RowRemoval)[] {
    const now = epochSeconds(this.#clock);
    return rows.map((write) => {
      checkRow(write.row);
      return rowWrite(this.table, write, now);
    });
  }

  /** Gives what takes and frees claims, for a transaction with others. */
  claimWrites(claims: readonly Claim[], commitId: Uint8Array): Promise<(ClaimPut | ClaimRelease)[]> {
    const now = epochSeconds(this.#clock);
    return Promise.all(claims.map((claim) => claimWrite(this.table, claim, commitId, now)));
  }

  /** Reads whom a value belongs to, consistently: 1 read unit. Undefined when it is nobody. */
  async findClaim(scope: string, value: string, options: CallOptions = {}): Promise<StoredClaim | undefined> {
    checkClaimName(scope, value);
    throwIfAborted(options.signal, "findClaim");
    const input = getRow(this.table, await claimKey(scope, value), true);
    const { output } = await this.#requests.getItem(input, options.signal);
    const claim = output?.Item && readClaim(output.Item, this.table);
    return claim && isAliveClaim(claim, epochSeconds(this.#clock)) ? claim : undefined;
  }

  /** Reads the claims of a page of at most 1 MB, rows included: 1 read unit per 4 KB. */
  async scanClaims(options: ScanOptions = {}): Promise<ClaimPage> {
    checkScan(options);
    const after = decodeScanCursor(options);
    throwIfAborted(options.signal, "scanClaims");
    const startKey = after && { pk: { S: after[0] }, sk: { S: after[1] } };
    const { output } = await this.#requests.scan(scanClaims(this.table, options, startKey), options.signal);
    return claimPage(output, this.table, options);
  }

  /** Frees a claim while it is as it was read: 1 write unit. */
  async freeClaim(claim: ScannedClaim, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal, "freeClaim");
    const { refusals } = await this.#requests.deleteItem(deleteClaimOf(this.table, claim), options.signal);
    return refusals === undefined;
  }

  async get(key: OpaqueKey, options: GetOptions = {}): Promise<OpaqueRow | undefined> {
    checkKey(key);
    throwIfAborted(options.signal, "get");
    const { output } = await this.#requests.getItem(
      getRow(this.table, key, options.consistent ?? false),
      options.signal,
    );
    if (output?.Item === undefined || !isRowItem(output.Item)) return undefined;
    const row = readRow(output.Item, this.table);
    return isExpired(row, epochSeconds(this.#clock)) ? undefined : row;
  }

  async delete(key: OpaqueKey, options: CallOptions = {}): Promise<void> {
    checkKey(key);
    throwIfAborted(options.signal, "delete");
    await this.#requests.deleteItem(deleteRow(this.table, key), options.signal);
  }

  /** Reads pages until `limit` rows are found, or without a limit until one page had any. */
  async query(query: OpaqueQuery): Promise<OpaquePage> {
    checkQuery(query);
    throwIfAborted(query.signal, "query");
    const now = epochSeconds(this.#clock);
    const rows: OpaqueRow[] = [];
    const { limit = Number.POSITIVE_INFINITY } = query;
    let startKey = query.cursor === undefined ? undefined : startKeyOf(query, query.cursor);
    let reading = query.limit;
    do {
      const input = queryRows(this.table, query, now, startKey, reading);
      const { output } = await this.#requests.query(input, query.signal);
      for (const item of (output?.Items ?? []).filter(isRowItem)) rows.push(readRow(item, this.table));
      startKey = output?.LastEvaluatedKey;
      // Expired rows count for DynamoDB: where they are many, small pages would take many requests.
      reading = reading && Math.max(reading, REREAD_ROWS);
    } while (startKey !== undefined && rows.length < (query.limit ?? 1));
    const more = startKey !== undefined || rows.length > limit;
    rows.splice(limit);
    const last = rows.at(-1);
    return !more || last === undefined ? { rows } : { rows, cursor: encodeCursor(query.index ?? 0, last) };
  }

  /** Reads one page of at most 1 MB: 1 read unit per 4 KB. */
  async scan(options: ScanOptions = {}): Promise<RowPage> {
    checkScan(options);
    const after = decodeScanCursor(options);
    throwIfAborted(options.signal, "scan");
    const startKey = after && { pk: { S: after[0] }, sk: { S: after[1] } };
    const { output } = await this.#requests.scan(scanRows(this.table, options, startKey), options.signal);
    return rowPage(output, this.table, options);
  }
}

/** Gives the key after which a page starts: the last returned row's, in the table and in the index. */
function startKeyOf(query: OpaqueQuery, cursor: string): Item {
  const { pk, sk, indexSk } = decodeCursor(cursor, query);
  const index = query.index ?? 0;
  const start: Item = { pk: { S: pk }, sk: { S: sk } };
  if (index !== 0) {
    const [gsiPk, gsiSk] = indexAttributes(index);
    start[gsiPk] = { S: query.partition };
    start[gsiSk] = { S: indexSk };
  }
  return start;
}
