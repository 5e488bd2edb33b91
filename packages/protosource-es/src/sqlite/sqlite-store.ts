/** The store of streams in an SQLite file: all that a program on one machine needs. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { CallOptions, ScanOptions } from "../call-options.js";
import { type Clock, epochSeconds, systemClock } from "../clock.js";
import { ProtosourceError } from "../errors.js";
import { checkRow } from "../opaquedata/checks.js";
import { claimHash } from "../opaquedata/claim-key.js";
import { opaqueDataFromMessage, versionOf } from "../opaquedata/opaque-data.js";
import type { OpaqueRow, OpaqueStore, PutOutcome } from "../opaquedata/opaque-store.js";
import { isOfAnotherCopy, ONE_COPY } from "../store/another-copy.js";
import { checkFeed, FEED_PAGE, type FeedEntry, type FeedOptions, type FeedStore } from "../store/feed.js";
import {
  checkSubscription,
  type PositionPage,
  type PositionReadOptions,
  type PositionScanOptions,
  type StoredPosition,
} from "../store/positions.js";
import {
  cantRestore,
  checkAggregateId,
  checkClaimName,
  checkCommitId,
  checkFailed,
  checkRange,
  checkSave,
  checkSaveAll,
  checkTailLength,
  checkTtlSeconds,
  newCommitId,
  recordTtl,
  throwIfAborted,
} from "../store/save-checks.js";
import {
  checkRecordScan,
  checkScan,
  decodeScanCursor,
  encodeScanCursor,
  versionInCursor,
} from "../store/scan-cursor.js";
import type {
  ClaimPage,
  EventStore,
  EventsOptions,
  History,
  LoadOptions,
  RecordPage,
  RecordScanOptions,
  RepairableStore,
  RestorableStore,
  SaveAggregateOptions,
  SaveOptions,
  ScannedClaim,
  StoredClaim,
  StoredRecord,
  StreamWrite,
  TransactionOptions,
  TrimmableStore,
} from "../store/store.js";
import {
  checkBeginning,
  checkContiguous,
  checkDamagedEnd,
  checkUnchanged,
  nothingLeft,
  orderCheck,
} from "../store/stream-checks.js";
import { checkStream, freeClaim, readClaim, scanClaims, writeClaim } from "./claims.js";
import { type Connection, otherTurns } from "./connection.js";
import { connectionOf } from "./connections.js";
import {
  type Append,
  deleteExpired,
  deleteFrom,
  deleteUpTo,
  expiredStreams,
  findRefusal,
  historyOf,
  insertRecords,
  isAlive,
  isStored,
  type Refusal,
  readRange,
  readRecords,
  scanRecords,
} from "./events.js";
import type { Call } from "./failures.js";
import { awaitFeed, feedEnd, readFeed, ringFeed } from "./feed.js";
import { checkBytes } from "./limits.js";
import { movePosition, readMark, readPosition, scanPositions, writeMark } from "./positions.js";
import { putKept, putRow, readRow } from "./rows.js";
import type { SqliteDatabase } from "./sqlite-database.js";
import { SqliteOpaqueStore } from "./sqlite-opaque-store.js";

export interface SqliteStoreOptions {
  /** Where `saveAggregate` writes to. A {@link SqliteOpaqueStore} on the same database by default. */
  readonly opaqueStore?: OpaqueStore | undefined;
  /** Seconds after which a record expires that has no `ttl` of its own. 0 or less, the default: never. */
  readonly ttlSeconds?: number | undefined;
  /** The machine's clock by default. */
  readonly clock?: Clock | undefined;
}

const MAX_INT64 = 2n ** 63n - 1n;

/** The number of records that are read at once when a limit doesn't say less. */
const PAGE_SIZE = 100;

/** The number of streams that are purged at once, so that other writers get their turn between. */
const PURGED_AT_ONCE = 100n;

/**
 * Keeps streams in an SQLite file, in the table `protosource_events`.
 *
 * A save is one transaction, however many records it has. Connections and processes may share a file; a write waits for
 * the one before it as long as the connection's busy timeout allows, and then throws `unavailable`. What a call that
 * returned has written survives a crash of the program, and one of the machine with the settings that `openSqlite`
 * makes by default. With a connection that you open yourself, its settings are yours.
 *
 * The calls are synchronous within: a long one keeps the program from other work.
 */
export class SqliteStore implements EventStore, RepairableStore, RestorableStore, TrimmableStore, FeedStore {
  readonly maxRowBytes: number = Number.POSITIVE_INFINITY;
  /** Where `saveAggregate` writes to. */
  readonly opaqueStore: OpaqueStore;
  /** Seconds after which a record expires that has no `ttl` of its own. */
  readonly ttlSeconds: number;
  readonly #database: SqliteDatabase;
  readonly #connection: Connection;
  readonly #clock: Clock;

  /**
   * Makes the tables if they are missing.
   *
   * Throws `invalid_argument` for what isn't a database, one of a newer version of the tables, one whose text isn't
   * UTF-8, and for a time to live that isn't possible.
   */
  constructor(database: SqliteDatabase, options: SqliteStoreOptions = {}) {
    const { clock = systemClock, ttlSeconds = 0 } = options;
    checkTtlSeconds(ttlSeconds);
    this.#connection = connectionOf(database);
    this.#database = database;
    this.ttlSeconds = ttlSeconds;
    this.#clock = clock;
    this.opaqueStore = options.opaqueStore ?? new SqliteOpaqueStore(database, { clock });
  }

  async save(aggregateId: string, records: readonly StoredRecord[], options: SaveOptions = {}): Promise<void> {
    const { after } = options;
    checkSave(aggregateId, records, after);
    const call = callOf("save", aggregateId, options);
    throwIfAborted(options.signal, "save");
    this.#append(call, [{ aggregateId, records, after }], options);
  }

  async saveAll(writes: readonly StreamWrite[], options: TransactionOptions = {}): Promise<void> {
    const { rows = [], positions = [], signal } = options;
    checkSaveAll(writes, options);
    const kept = positions.flatMap((move) => move.kept ?? []);
    if (rows.length + kept.length > 0) this.#checkRows([...rows, ...kept]);
    const call = callOf("saveAll", `${writes.length} streams and ${rows.length} rows`, options);
    throwIfAborted(signal, "saveAll");
    this.#append(call, writes, options);
  }

  async findClaim(scope: string, value: string, options: CallOptions = {}): Promise<StoredClaim | undefined> {
    checkClaimName(scope, value);
    throwIfAborted(options.signal, "findClaim");
    const call: Call = { operation: "findClaim", key: `a value of ${scope}` };
    return readClaim(this.#connection, call, scope, value, epochSeconds(this.#clock));
  }

  /** Reads one page. All claims lie in the first segment. */
  async scanClaims(options: ScanOptions = {}): Promise<ClaimPage> {
    checkScan(options);
    const { segment, limit = PAGE_SIZE, cursor, signal } = options;
    const [scope, value] = decodeScanCursor(options) ?? ["", ""];
    if (cursor !== undefined) await otherTurns();
    throwIfAborted(signal, "scanClaims");
    if (segment && segment.index > 0) return { claims: [], unreadable: [] };
    const call: Call = { operation: "scanClaims", key: "the claims" };
    const found = scanClaims(this.#connection, call, { scope, value }, BigInt(limit) + 1n);
    const page = found.slice(0, limit);
    const claims = await Promise.all(
      page.map(async ({ value: text, ...claim }) => {
        return { ...claim, key: JSON.stringify([claim.scope, text]), hash: await claimHash(text) };
      }),
    );
    const last = page.at(-1);
    if (!last || found.length === page.length) return { claims, unreadable: [] };
    return { claims, unreadable: [], cursor: encodeScanCursor(options, [last.scope, last.value]) };
  }

  async freeClaim(claim: ScannedClaim, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal, "freeClaim");
    const call: Call = { operation: "freeClaim", key: `a value of ${claim.scope}` };
    const [scope = "", value = ""] = JSON.parse(claim.key) as string[];
    return freeClaim(this.#connection, call, { ...claim, scope, value });
  }

  async load(aggregateId: string, options: LoadOptions = {}): Promise<History> {
    checkAggregateId(aggregateId);
    throwIfAborted(options.signal, "load");
    return this.#read("load", aggregateId, options);
  }

  async loadTail(aggregateId: string, n: number, options: LoadOptions = {}): Promise<History> {
    checkAggregateId(aggregateId);
    checkTailLength(n);
    throwIfAborted(options.signal, "loadTail");
    return n <= 0 ? historyOf([]) : this.#read("loadTail", aggregateId, options, n);
  }

  /** Reads a page at a time. The program's other work gets its turn between, and may write. */
  async *events(aggregateId: string, options: EventsOptions = {}): AsyncGenerator<StoredRecord, void, undefined> {
    checkAggregateId(aggregateId);
    checkRange(options);
    const { reverse = false, includeExpired = false, signal } = options;
    let { from = 1n, to = MAX_INT64, limit: left = Number.POSITIVE_INFINITY } = options;
    const now = epochSeconds(this.#clock);
    const checkOrder = orderCheck(aggregateId, reverse);
    const call: Call = { operation: "events", key: aggregateId };
    while (from <= to) {
      throwIfAborted(signal, "events");
      const limit = Math.min(PAGE_SIZE, left);
      const page = readRange(this.#connection, call, aggregateId, { from, to, reverse, limit });
      for (const record of page) {
        if (isAlive(record, now)) checkOrder(record);
        else if (!includeExpired) continue;
        yield record;
        left--;
      }
      const last = page.at(-1);
      if (!last || page.length < limit || left === 0) return;
      if (reverse) to = last.version - 1n;
      else from = last.version + 1n;
      await otherTurns();
    }
  }

  async saveAggregate<D extends DescMessage>(
    schema: D,
    message: MessageShape<D>,
    options: SaveAggregateOptions = {},
  ): Promise<PutOutcome> {
    throwIfAborted(options.signal, "saveAggregate");
    const row = opaqueDataFromMessage(schema, message, {
      ...options,
      clock: this.#clock,
      defaultTtlSeconds: this.ttlSeconds,
    });
    return this.opaqueStore.put(row, { signal: options.signal, versionOf: versionOf(schema) });
  }

  /**
   * Reads one page. All records lie in the first segment: a file has one reader's speed. The program's other work gets
   * its turn between two pages.
   */
  async scan(options: RecordScanOptions = {}): Promise<RecordPage> {
    checkRecordScan(options);
    const { aggregateId, segment, limit = PAGE_SIZE, cursor, signal } = options;
    const [id, version] = decodeScanCursor(options) ?? ["", "0"];
    const after = { aggregateId: id, version: versionInCursor(version) };
    if (cursor !== undefined) await otherTurns();
    throwIfAborted(signal, "scan");
    if (segment && segment.index > 0) return { records: [], unreadable: [] };
    const call: Call = { operation: "scan", key: aggregateId ?? "the streams" };
    const found = scanRecords(this.#connection, call, aggregateId, after, BigInt(limit) + 1n);
    const records = found.slice(0, limit);
    const last = records.at(-1);
    if (!last || found.length === records.length) return { records, unreadable: [] };
    const position = [last.aggregateId, last.record.version.toString()] as const;
    return { records, unreadable: [], cursor: encodeScanCursor(options, position) };
  }

  /** Reads one page. The program's other work gets its turn before it. */
  async readFeed(after: bigint, options: FeedOptions = {}): Promise<readonly FeedEntry[]> {
    checkFeed(after, options);
    const { limit = FEED_PAGE, signal } = options;
    await otherTurns();
    throwIfAborted(signal, "readFeed");
    return readFeed(this.#connection, { operation: "readFeed", key: "the feed" }, after, BigInt(limit));
  }

  /** What this connection saves wakes at once, and what others save within 20 ms. */
  async awaitFeed(after: bigint, options: CallOptions = {}): Promise<void> {
    checkFeed(after, {});
    await awaitFeed(this.#connection, { operation: "awaitFeed", key: "the feed" }, after, options.signal);
  }

  async feedEnd({ signal }: CallOptions = {}): Promise<bigint> {
    throwIfAborted(signal, "feedEnd");
    return feedEnd(this.#connection, { operation: "feedEnd", key: "the feed" });
  }

  async readPositions(
    subscription: string,
    streamIds: readonly string[],
    options: PositionReadOptions = {},
  ): Promise<readonly StoredPosition[]> {
    const { rows, signal } = options;
    checkSubscription(subscription);
    for (const streamId of streamIds) checkAggregateId(streamId);
    throwIfAborted(signal, "readPositions");
    if (rows) this.#checkRows([]);
    const call: Call = { operation: "readPositions", key: subscription };
    const now = epochSeconds(this.#clock);
    return streamIds.map((streamId, i) => {
      // A row that is later than its position does no harm: nothing is written behind a position that has moved.
      const position = readPosition(this.#connection, call, subscription, streamId);
      const key = rows?.[i];
      if (key === undefined) return position;
      return { ...position, kept: { key, row: readRow(this.#connection, call, key, now) } };
    });
  }

  /** Reads one page. All positions lie in the first segment. */
  async scanPositions(subscription: string, options: PositionScanOptions = {}): Promise<PositionPage> {
    checkSubscription(subscription);
    checkScan(options);
    const { segment, limit = PAGE_SIZE, parked = false, cursor, signal } = options;
    const [, after] = decodeScanCursor(options) ?? ["", ""];
    if (cursor !== undefined) await otherTurns();
    throwIfAborted(signal, "scanPositions");
    if (segment && segment.index > 0) return { positions: [] };
    const call: Call = { operation: "scanPositions", key: subscription };
    const range = { parked, limit: BigInt(limit) + 1n };
    const found = scanPositions(this.#connection, call, subscription, after, range);
    const positions = found.slice(0, limit);
    const last = positions.at(-1);
    if (!last || found.length === positions.length) return { positions };
    return { positions, cursor: encodeScanCursor(options, [subscription, last.streamId]) };
  }

  async readMark(subscription: string, mark: string, options: CallOptions = {}): Promise<bigint> {
    checkSubscription(subscription);
    throwIfAborted(options.signal, "readMark");
    return readMark(this.#connection, { operation: "readMark", key: subscription }, subscription, mark);
  }

  async setMark(
    subscription: string,
    mark: string,
    value: bigint,
    options: CallOptions & { readonly was?: bigint | undefined } = {},
  ): Promise<boolean> {
    checkSubscription(subscription);
    throwIfAborted(options.signal, "setMark");
    const call: Call = { operation: "setMark", key: subscription };
    const connection = this.#connection;
    return connection.transaction(call, () => {
      if (options.was !== undefined && options.was !== readMark(connection, call, subscription, mark)) return false;
      writeMark(connection, call, subscription, mark, value);
      return true;
    });
  }

  /** Deletes the last records of a stream for good, in one transaction. */
  async cutDamagedEnd(aggregateId: string, records: readonly StoredRecord[], options: CallOptions = {}): Promise<void> {
    const from = checkDamagedEnd(aggregateId, records);
    throwIfAborted(options.signal, "cutDamagedEnd");
    const call: Call = { operation: "cutDamagedEnd", key: aggregateId };
    this.#connection.transaction(call, () => {
      const all = { from, to: MAX_INT64, reverse: false, limit: records.length + 1 };
      checkUnchanged(aggregateId, records, readRange(this.#connection, call, aggregateId, all));
      deleteFrom(this.#connection, call, aggregateId, from);
    });
  }

  /** Takes the beginning off a stream, in one transaction. */
  async cutBeginning(aggregateId: string, records: readonly StoredRecord[], options: CallOptions = {}): Promise<void> {
    const last = checkBeginning(aggregateId, records);
    throwIfAborted(options.signal, "cutBeginning");
    const call: Call = { operation: "cutBeginning", key: aggregateId };
    this.#connection.transaction(call, () => {
      const read = (from: bigint, to: bigint, limit: number): readonly StoredRecord[] =>
        readRange(this.#connection, call, aggregateId, { from, to, reverse: false, limit });
      checkUnchanged(aggregateId, records, read(1n, last, records.length + 1));
      if (read(last + 1n, MAX_INT64, 1).length === 0) throw nothingLeft(aggregateId);
      deleteUpTo(this.#connection, call, aggregateId, last);
    });
  }

  /** Puts records of a copy where they belong, in one transaction. */
  async restore(aggregateId: string, records: readonly StoredRecord[], options: CallOptions = {}): Promise<void> {
    checkSave(aggregateId, records);
    throwIfAborted(options.signal, "restore");
    const [from, to] = [records[0]?.version, records.at(-1)?.version];
    if (from === undefined || to === undefined) return;
    const call: Call = { operation: "restore", key: aggregateId };
    const append = appendOf({ aggregateId, records }, ({ ttl }) => ttl);
    this.#connection.transaction(call, () => {
      const [taken] = readRange(this.#connection, call, aggregateId, { from, to, reverse: false, limit: 1 });
      if (taken) throw cantRestore(aggregateId, taken.version);
      insertRecords(this.#connection, call, append, newCommitId());
    });
  }

  /**
   * Deletes the expired records with which streams begin, and gives their number. Reads leave them out anyway; this
   * frees their room. A record that expired behind one that hasn't stays: without it the stream would have a gap, or
   * give its version away again. A stream of which every record has expired is gone, and may start anew at version 1.
   *
   * Other writers get their turn every hundred streams. An aborted signal stops it between.
   */
  async purgeExpired(options: CallOptions = {}): Promise<number> {
    const call: Call = { operation: "purgeExpired", key: "the streams" };
    const now = epochSeconds(this.#clock);
    let purged = 0;
    for (;;) {
      throwIfAborted(options.signal, "purgeExpired");
      const deleted = this.#connection.transaction(call, () =>
        expiredStreams(this.#connection, call, now, PURGED_AT_ONCE).map((stream) =>
          deleteExpired(this.#connection, call, stream, now),
        ),
      );
      purged += deleted.reduce((sum, count) => sum + count, 0);
      if (BigInt(deleted.length) < PURGED_AT_ONCE) return purged;
      await otherTurns();
    }
  }

  /**
   * Appends to every stream and writes every row and claim, or does none of it; or nothing, when this very save is
   * stored.
   */
  #append(call: SaveCall, writes: readonly StreamWrite[], options: TransactionOptions): void {
    const { rows = [], check = [], claims = [], positions = [], zeroIsNever } = options;
    const now = epochSeconds(this.#clock);
    const ttlSeconds = zeroIsNever ? 0 : this.ttlSeconds;
    const appends = writes
      .filter(({ records }) => records.length > 0)
      .map((write) => appendOf(write, (record) => recordTtl(record, ttlSeconds, now)));
    if (appends.length + rows.length + check.length + claims.length + positions.length === 0) return;

    const connection = this.#connection;
    connection.transaction(call, () => {
      const refused = appends.flatMap((append) => {
        const refusal = findRefusal(connection, call, append);
        return refusal ? { aggregateId: append.aggregateId, refusal } : [];
      });
      const [first] = refused;
      if (first && appends.every((one) => isStored(connection, call, one, call.commitId))) return;
      for (const move of positions) {
        movePosition(connection, call, move);
        if (move.kept) putKept(connection, call, move.kept);
      }
      if (first) throw versionConflict(first.aggregateId, first.refusal);
      for (const one of check) checkStream(connection, call, one);
      for (const claim of claims) writeClaim(connection, call, claim, call.commitId, now);
      for (const append of appends) insertRecords(connection, call, append, call.commitId);
      for (const row of rows) putRow(connection, call, row, now);
    });
    if (appends.length > 0) ringFeed(connection);
  }

  #read(operation: string, aggregateId: string, options: LoadOptions, tail?: number): History {
    const { includeExpired = false } = options;
    const now = epochSeconds(this.#clock);
    const call: Call = { operation, key: aggregateId };
    const records = readRecords(this.#connection, call, aggregateId, { includeExpired, tail, now });
    checkContiguous(aggregateId, includeExpired ? records.filter((record) => isAlive(record, now)) : records);
    return historyOf(records);
  }

  #checkRows(rows: readonly { readonly row: OpaqueRow | undefined }[]): void {
    if (!(this.opaqueStore instanceof SqliteOpaqueStore) || this.opaqueStore.database !== this.#database) {
      const problem = isOfAnotherCopy(this.opaqueStore, SqliteOpaqueStore)
        ? `the opaqueStore is of another copy of protosource-es: ${ONE_COPY}`
        : "a SqliteStore writes rows together with records only to a SqliteOpaqueStore on the same database: give it one";
      throw new ProtosourceError("invalid_argument", problem, { argument: "rows" });
    }
    for (const { row } of rows) {
      if (row === undefined) continue;
      checkRow(row);
      checkBytes("body", row.body);
    }
  }
}

/** Gives what to append. Throws `too_large` for a record that no row of a file holds. */
function appendOf(write: StreamWrite, ttlOf: (record: StoredRecord) => bigint): Append {
  for (const { data } of write.records) checkBytes("record", data);
  return { ...write, ttls: write.records.map(ttlOf) };
}

/** A save, which always has an id. */
interface SaveCall extends Call {
  readonly commitId: Uint8Array;
}

function callOf(operation: string, key: string, { commitId = newCommitId() }: SaveOptions): SaveCall {
  checkCommitId(commitId);
  return { operation, key, commitId };
}

function versionConflict(aggregateId: string, { problem, version }: Refusal): ProtosourceError<"version_conflict"> {
  if (problem === "changed") return checkFailed(aggregateId, version);
  const what = problem === "taken" ? "exists already" : "lies beyond the end of the stream";
  return new ProtosourceError(
    "version_conflict",
    `version ${version} of ${aggregateId} ${what}: load the stream, decide again and save`,
    { aggregateId, version },
  );
}
