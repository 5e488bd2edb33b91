/** The rows of tests and of first steps, and the short example of an `OpaqueStore`. */
import type { CallOptions, ScanOptions } from "../call-options.js";
import { type Clock, epochSeconds, systemClock } from "../clock.js";
import { checkKey, checkQuery, checkRow } from "../opaquedata/checks.js";
import { type CursorPosition, decodeCursor, encodeCursor } from "../opaquedata/cursor.js";
import { isExpired, rowKeys } from "../opaquedata/opaque-data.js";
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
import { matches } from "../opaquedata/sort-condition.js";
import { compareUtf8 } from "../opaquedata/utf8.js";
import { throwIfAborted } from "../store/save-checks.js";
import { checkScan, decodeScanCursor, encodeScanCursor, isInSegment } from "../store/scan-cursor.js";

/** The rows of a table, each under both of its keys. */
export type MemoryRows = Map<string, OpaqueRow>;

export interface MemoryOpaqueStoreOptions {
  /** The machine's clock by default. */
  readonly clock?: Clock | undefined;
  /** Where the rows are kept: stores with the same one share them. A new one by default. */
  readonly rows?: MemoryRows | undefined;
}

/** The number of rows on a page when no limit is set. */
const PAGE_SIZE = 100;

/** Keeps rows in memory. */
export class MemoryOpaqueStore implements OpaqueStore, ScannableOpaqueStore {
  readonly #clock: Clock;
  readonly #rows: MemoryRows;

  constructor(options: MemoryOpaqueStoreOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#rows = options.rows ?? new Map();
  }

  async put(row: OpaqueRow, options: PutOptions = {}): Promise<PutOutcome> {
    checkRow(row);
    throwIfAborted(options.signal, "put");
    const stored = this.find(row);
    if (stored && row.version > 0n) {
      const storedVersion = stored.version || options.versionOf?.(copyOf(stored)) || 0n;
      if (storedVersion > row.version) return { written: false };
    }
    this.replace(row);
    return { written: true };
  }

  /** Puts a row over whatever is there, for a transaction that has looked. */
  replace(row: OpaqueRow): void {
    this.#rows.set(nameOf(row), copyOf(row));
  }

  /** Takes away whatever is there, for a transaction that has looked. */
  remove(key: OpaqueKey): void {
    this.#rows.delete(nameOf(key));
  }

  async get(key: OpaqueKey, options: GetOptions = {}): Promise<OpaqueRow | undefined> {
    checkKey(key);
    throwIfAborted(options.signal, "get");
    const stored = this.find(key);
    return stored && copyOf(stored);
  }

  async delete(key: OpaqueKey, options: CallOptions = {}): Promise<void> {
    checkKey(key);
    throwIfAborted(options.signal, "delete");
    this.remove(key);
  }

  async query(query: OpaqueQuery): Promise<OpaquePage> {
    checkQuery(query);
    const { index = 0, partition, sort, limit = PAGE_SIZE, reverse = false, cursor, signal } = query;
    const after = cursor === undefined ? undefined : decodeCursor(cursor, query);
    throwIfAborted(signal, "query");

    const now = epochSeconds(this.#clock);
    const direction = reverse ? -1 : 1;
    const found: Found[] = [];
    for (const row of this.#rows.values()) {
      const keys = rowKeys(row, index);
      if (keys?.pk !== partition || !matches(sort, keys.sk) || isExpired(row, now)) continue;
      found.push({ row, pk: row.pk, sk: row.sk, indexSk: keys.sk });
    }
    found.sort((a, b) => direction * comparePositions(a, b));
    const rest = after ? found.filter((one) => direction * comparePositions(one, after) > 0) : found;

    const rows = rest.slice(0, limit).map(({ row }) => copyOf(row));
    const last = rows.at(-1);
    return last && rest.length > limit ? { rows, cursor: encodeCursor(index, last) } : { rows };
  }

  async scan(options: ScanOptions = {}): Promise<RowPage> {
    checkScan(options);
    const { segment, limit = PAGE_SIZE, signal } = options;
    const [pk, sk] = decodeScanCursor(options) ?? ["", ""];
    throwIfAborted(signal, "scan");

    const rest = [...this.#rows.values()]
      .filter((row) => isInSegment(row.pk, segment) && compareKeys(row, { pk, sk }) > 0)
      .sort(compareKeys);
    const rows = rest.slice(0, limit).map(copyOf);
    const last = rows.at(-1);
    const page = { rows, unreadable: [] };
    return last && rest.length > limit ? { ...page, cursor: encodeScanCursor(options, [last.pk, last.sk]) } : page;
  }

  /** Gives the row as it is kept, for a transaction that looks at it and writes at once. */
  find(key: OpaqueKey): OpaqueRow | undefined {
    const stored = this.#rows.get(nameOf(key));
    return stored && !isExpired(stored, epochSeconds(this.#clock)) ? stored : undefined;
  }
}

/** A row that a query finds, and where it lies. */
interface Found extends CursorPosition {
  readonly row: OpaqueRow;
}

/** Orders rows by the sort key of the index; equal ones by their keys in the table, so that a cursor splits them, too. */
function comparePositions(a: CursorPosition, b: CursorPosition): number {
  return compareUtf8(a.indexSk, b.indexSk) || compareKeys(a, b);
}

function compareKeys(a: OpaqueKey, b: OpaqueKey): number {
  return compareUtf8(a.pk, b.pk) || compareUtf8(a.sk, b.sk);
}

function nameOf({ pk, sk }: OpaqueKey): string {
  return JSON.stringify([pk, sk]);
}

function copyOf(row: OpaqueRow): OpaqueRow {
  return { ...row, body: new Uint8Array(row.body) };
}
