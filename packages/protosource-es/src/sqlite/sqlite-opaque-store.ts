/** The store of rows in an SQLite file. */
import type { CallOptions, ScanOptions } from "../call-options.js";
import { type Clock, epochSeconds, systemClock } from "../clock.js";
import { checkKey, checkQuery, checkRow } from "../opaquedata/checks.js";
import { decodeCursor, encodeCursor } from "../opaquedata/cursor.js";
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
import { throwIfAborted } from "../store/save-checks.js";
import { checkScan, decodeScanCursor, encodeScanCursor } from "../store/scan-cursor.js";
import { deleteExpiredClaims } from "./claims.js";
import { type Connection, otherTurns } from "./connection.js";
import { connectionOf } from "./connections.js";
import type { Call } from "./failures.js";
import { encodeKey } from "./key-text.js";
import { checkBytes } from "./limits.js";
import { putRow, queryRows, readRow, scanRows } from "./rows.js";
import type { SqliteDatabase } from "./sqlite-database.js";

export interface SqliteOpaqueStoreOptions {
  /** The machine's clock by default. */
  readonly clock?: Clock | undefined;
}

/** The number of rows on a page when no limit is set. */
const PAGE_SIZE = 100;

/** The number of expired rows that are deleted at once, so that other writers get their turn between. */
const PURGED_AT_ONCE = 1000n;

const DELETE_ROW = "DELETE FROM protosource_rows WHERE pk = ? AND sk = ?";

const DELETE_EXPIRED = `DELETE FROM protosource_rows WHERE rowid IN (
  SELECT rowid FROM protosource_rows WHERE t <> 0 AND t <= ? LIMIT ?)`;

/**
 * Keeps rows in an SQLite file, in the table `protosource_rows`.
 *
 * Reads see every write that returned before, so that `consistent` changes nothing. A put is one transaction. A query
 * reads its index alone, and a page of 100 rows unless it sets a limit. Between two pages, of a query or of a scan, the
 * program's other work gets its turn.
 */
export class SqliteOpaqueStore implements OpaqueStore, ScannableOpaqueStore {
  readonly database: SqliteDatabase;
  readonly #connection: Connection;
  readonly #clock: Clock;

  /**
   * Makes the tables if they are missing.
   *
   * Throws `invalid_argument` for what isn't a database, one of a newer version of the tables and one whose text isn't
   * UTF-8.
   */
  constructor(database: SqliteDatabase, options: SqliteOpaqueStoreOptions = {}) {
    this.#connection = connectionOf(database);
    this.database = database;
    this.#clock = options.clock ?? systemClock;
  }

  async put(row: OpaqueRow, options: PutOptions = {}): Promise<PutOutcome> {
    checkRow(row);
    checkBytes("body", row.body);
    throwIfAborted(options.signal, "put");
    const call = callOn("put", row);
    const now = epochSeconds(this.#clock);
    const written = this.#connection.transaction(call, () =>
      putRow(this.#connection, call, { row, versionOf: options.versionOf }, now),
    );
    return { written };
  }

  async get(key: OpaqueKey, options: GetOptions = {}): Promise<OpaqueRow | undefined> {
    checkKey(key);
    throwIfAborted(options.signal, "get");
    return readRow(this.#connection, callOn("get", key), key, epochSeconds(this.#clock));
  }

  async delete(key: OpaqueKey, options: CallOptions = {}): Promise<void> {
    checkKey(key);
    throwIfAborted(options.signal, "delete");
    const call = callOn("delete", key);
    this.#connection.transaction(call, () =>
      this.#connection.run(call, DELETE_ROW, encodeKey(key.pk), encodeKey(key.sk)),
    );
  }

  async query(query: OpaqueQuery): Promise<OpaquePage> {
    checkQuery(query);
    const { index = 0, partition, limit = PAGE_SIZE, cursor, signal } = query;
    const after = cursor === undefined ? undefined : decodeCursor(cursor, query);
    if (cursor !== undefined) await otherTurns();
    throwIfAborted(signal, "query");
    const call: Call = { operation: "query", key: partition };
    // One row more tells whether there is another page.
    const read = BigInt(Math.min(limit, Number.MAX_SAFE_INTEGER)) + 1n;
    const rows = queryRows(this.#connection, call, query, after, read, epochSeconds(this.#clock));
    const more = rows.length > limit;
    if (more) rows.pop();
    const last = rows.at(-1);
    return more && last ? { rows, cursor: encodeCursor(index, last) } : { rows };
  }

  /** Reads one page. All rows lie in the first segment: a file has one reader's speed. */
  async scan(options: ScanOptions = {}): Promise<RowPage> {
    checkScan(options);
    const { segment, limit = PAGE_SIZE, cursor, signal } = options;
    const [pk, sk] = decodeScanCursor(options) ?? ["", ""];
    if (cursor !== undefined) await otherTurns();
    throwIfAborted(signal, "scan");
    if (segment && segment.index > 0) return { rows: [], unreadable: [] };
    const call: Call = { operation: "scan", key: "the rows" };
    const found = scanRows(this.#connection, call, { pk, sk }, BigInt(limit) + 1n);
    const rows = found.slice(0, limit);
    const last = rows.at(-1);
    if (!last || found.length === rows.length) return { rows, unreadable: [] };
    return { rows, unreadable: [], cursor: encodeScanCursor(options, [last.pk, last.sk]) };
  }

  /**
   * Deletes the rows and the claims that have expired, and gives their number. Reads leave them out anyway; this frees
   * their room. Other writers get their turn every thousand of each. An aborted signal stops it between.
   */
  async purgeExpired(options: CallOptions = {}): Promise<number> {
    const call: Call = { operation: "purgeExpired", key: "the rows" };
    const now = epochSeconds(this.#clock);
    let purged = 0;
    for (;;) {
      throwIfAborted(options.signal, "purgeExpired");
      const [rows, claims] = this.#connection.transaction(call, () => [
        this.#connection.run(call, DELETE_EXPIRED, now, PURGED_AT_ONCE),
        deleteExpiredClaims(this.#connection, call, now, PURGED_AT_ONCE),
      ]) as [number, number];
      purged += rows + claims;
      if (rows < PURGED_AT_ONCE && claims < PURGED_AT_ONCE) return purged;
      await otherTurns();
    }
  }
}

function callOn(operation: string, { pk, sk }: OpaqueKey): Call {
  return { operation, key: `pk=${JSON.stringify(pk)}, sk=${JSON.stringify(sk)}` };
}
