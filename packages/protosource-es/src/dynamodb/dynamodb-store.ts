/** The store of streams in a DynamoDB table, and the way to the rows of another. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { CallOptions, ScanOptions } from "../call-options.js";
import { type Clock, epochSeconds, systemClock } from "../clock.js";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { HistorySchema } from "../gen/funinthecloud/protosource/history/v1/history_v1_pb.js";
import { opaqueDataFromMessage, versionOf } from "../opaquedata/opaque-data.js";
import type { OpaqueStore, PutOutcome } from "../opaquedata/opaque-store.js";
import { isOfAnotherCopy, ONE_COPY } from "../store/another-copy.js";
import { isAtEnd } from "../store/at-end.js";
import type {
  PositionMove,
  PositionPage,
  PositionReadOptions,
  PositionScanOptions,
  StoredPosition,
} from "../store/positions.js";
import {
  cantRestore,
  checkAggregateId,
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
import { checkRecordScan, decodeScanCursor, versionInCursor } from "../store/scan-cursor.js";
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
  StreamCheck,
  StreamWrite,
  TransactionOptions,
  TrimmableStore,
} from "../store/store.js";
import { checkBeginning, checkDamagedEnd, isSameRecord } from "../store/stream-checks.js";
import { deleteBeginning } from "./beginning.js";
import { type Committer, createCommitter, versionConflict } from "./committing.js";
import { deleteDamagedEnd } from "./damaged-end.js";
import { checkClient, type DynamoDBClientLike } from "./dynamodb-client.js";
import { DynamoDBOpaqueStore } from "./dynamodb-opaque-store.js";
import { eventItem, type ReadRecord, readEvents } from "./items.js";
import { MAX_ITEM_BYTES } from "./limits.js";
import { isOwnEvent, markedEvents } from "./own-events.js";
import { createPositionTable, type PositionTable } from "./position-table.js";
import type { PositionTables } from "./positions.js";
import { getEvent, queryStream, sampleEvents, scanEvents } from "./requests.js";
import { recordPage } from "./scan-pages.js";
import type { RequestOptions } from "./sending.js";
import { followStream } from "./stream-follower.js";
import { createStreamReader, type StreamReader } from "./stream-reader.js";
import {
  DEFAULT_EVENTS_TABLE,
  DEFAULT_FEEDS_TABLE,
  type EventsTableName,
  eventsTableName,
  type FeedsTableName,
  feedsTableName,
} from "./table-names.js";
import { createTableRequests, type TableRequests } from "./table-requests.js";
import {
  type CheckItem,
  checkItem,
  checkTransaction,
  type EventPut,
  eventBatches,
  type Layout,
  positionItems,
  seenItem,
  type TransactionItem,
} from "./writes.js";

export interface DynamoDBStoreOptions extends RequestOptions {
  /** The table of the events. `"events"` by default. */
  readonly eventsTable?: string | undefined;
  /** Where `saveAggregate` writes to. Without it, `saveAggregate` throws `not_configured`. */
  readonly opaqueStore?: OpaqueStore | undefined;
  /**
   * The table of how far subscriptions have come. `"feeds"` by default; it is needed where there are subscriptions, and
   * `ensureTables` makes it when it is named there too.
   */
  readonly feedsTable?: string | undefined;
  /**
   * `packed` writes the records of one save into one item: a tenth of the write units for ten small events, and all or
   * nothing for thousands. Go services can't read such items, and every writer of the table must pack. Both kinds are
   * read. `compatible` by default.
   */
  readonly layout?: Layout | undefined;
  /** Seconds after which an event expires that has no `ttl` of its own. 0 or less, the default: never. */
  readonly ttlSeconds?: number | undefined;
  /** The machine's clock by default. */
  readonly clock?: Clock | undefined;
}

/** From how many places of the table a sample is taken, and how many items from each. */
const SAMPLED_SEGMENTS = 4;
const SAMPLED_ITEMS = 250;

/**
 * Keeps streams in a DynamoDB table, an item for each record.
 *
 * A save of one record is one conditional PutItem: 1 write unit per KB. 2 to 100 records are one transaction: 2 write
 * units per KB and record. More are several transactions of at most 100 records and 4 MB, each atomic. Reads are
 * consistent: 1 read unit per 4 KB of each page, and a page holds up to 1 MB.
 */
export class DynamoDBStore implements EventStore, RepairableStore, RestorableStore, TrimmableStore {
  /** 400 KB with an OpaqueStore. */
  readonly maxRowBytes: number | undefined;
  /** Whether the store was made with the packed layout. */
  readonly packs: boolean;
  /** Seconds after which an event expires that has no `ttl` of its own. */
  readonly ttlSeconds: number;
  readonly #client: DynamoDBClientLike;
  readonly #table: EventsTableName;
  readonly #feedsTable: FeedsTableName;
  /** Where rows are kept, when the store was made with a place for them. */
  readonly opaqueStore: OpaqueStore | undefined;
  readonly #clock: Clock;
  readonly #requests: TableRequests;
  readonly #read: StreamReader;
  readonly #positions: PositionTable;
  readonly #commit: Committer;

  /** Throws `invalid_argument` for a missing client, a bad table name, time to live or time limit. */
  constructor(client: DynamoDBClientLike, options: DynamoDBStoreOptions = {}) {
    checkClient(client);
    checkTtlSeconds(options.ttlSeconds ?? 0);
    this.packs = options.layout === "packed";
    this.#client = client;
    this.#table = eventsTableName(options.eventsTable ?? DEFAULT_EVENTS_TABLE);
    this.#feedsTable = feedsTableName(options.feedsTable ?? DEFAULT_FEEDS_TABLE);
    this.opaqueStore = options.opaqueStore;
    this.maxRowBytes = options.opaqueStore && MAX_ITEM_BYTES;
    this.ttlSeconds = options.ttlSeconds ?? 0;
    this.#clock = options.clock ?? systemClock;
    this.#requests = createTableRequests(client, options);
    this.#read = createStreamReader(this.#requests, this.#table);
    this.#positions = createPositionTable(
      this.#requests,
      this.#feedsTable,
      () => this.#rowStore("a position that is kept in a row").table,
    );
    this.#commit = createCommitter(client, options);
  }

  async save(aggregateId: string, records: readonly StoredRecord[], options: SaveOptions = {}): Promise<void> {
    const { after, signal } = options;
    const write = { aggregateId, records, after };
    checkSave(aggregateId, records, after);
    const commitId = commitIdOf(options);
    throwIfAborted(signal, "save");
    const batches = this.#batches(write, commitId, options);
    await this.#checkEnds(batches[0] ?? [], options);
    let committed: bigint | undefined;
    for (const batch of batches) {
      try {
        if (committed === undefined) await this.#commitBehind(batch, [write], commitId, signal);
        else await this.#commit(batch, commitId, signal);
      } catch (cause) {
        throw committed === undefined ? cause : partialSave(aggregateId, committed, commitId, cause);
      }
      committed = batch.at(-1)?.last;
    }
  }

  async saveAll(writes: readonly StreamWrite[], options: TransactionOptions = {}): Promise<void> {
    const { rows = [], check = [], claims = [], positions = [], signal } = options;
    checkSaveAll(writes, options);
    const commitId = commitIdOf(options);
    throwIfAborted(signal, "saveAll");
    const items: TransactionItem[] = [
      ...positions.flatMap((move) => positionItems(this.#tablesOf(move), move)),
      ...writes.flatMap((write) => this.#batches(write, commitId, options, true).flat()),
      ...(rows.length > 0 ? this.#rowStore("saveAll with rows").puts(rows) : []),
      ...check.map((one) => checkItem(this.#table, one)),
    ];
    if (claims.length > 0) items.push(...(await this.#rowStore("saveAll with claims").claimWrites(claims, commitId)));
    checkTransaction(items);
    await Promise.all([
      this.#checkEnds(items, options),
      ...check.map((one) => this.#checkStream(one, items, signal)),
    ]).catch(async (error) => {
      // A subscription that was moved meanwhile is the first reason why a stream has gone on.
      if (isProtosourceError(error, "version_conflict")) await this.#positions.checkMoves(positions, signal);
      throw error;
    });
    await this.#commitBehind(items, writes, commitId, signal);
  }

  /** Reads whom a value belongs to, consistently: 1 read unit. Throws `not_configured` without an OpaqueStore. */
  async findClaim(scope: string, value: string, options: CallOptions = {}): Promise<StoredClaim | undefined> {
    return this.#rowStore("findClaim").findClaim(scope, value, options);
  }

  /** Reads a page of the claims, and the rows among them: 1 read unit per 4 KB. */
  async scanClaims(options: ScanOptions = {}): Promise<ClaimPage> {
    return this.#rowStore("scanClaims").scanClaims(options);
  }

  /** Frees a claim while it is as it was read: 1 write unit. */
  async freeClaim(claim: ScannedClaim, options: CallOptions = {}): Promise<boolean> {
    return this.#rowStore("freeClaim").freeClaim(claim, options);
  }

  /** Reads each position consistently: 1 read unit for each. */
  readPositions(
    subscription: string,
    streamIds: readonly string[],
    options: PositionReadOptions = {},
  ): Promise<readonly StoredPosition[]> {
    return this.#positions.readPositions(subscription, streamIds, options);
  }

  /**
   * Reads a page of the positions of a subscription: 1 read unit per 4 KB, and half of one where there are none. They
   * lie in 256 partitions, so that pages of a small subscription are short or empty; the parked ones lie in one. Those
   * that rows keep are found by a scan of all rows.
   */
  scanPositions(subscription: string, options: PositionScanOptions = {}): Promise<PositionPage> {
    return this.#positions.scanPositions(subscription, options);
  }

  /** Reads a number beside a subscription, consistently: 1 read unit. */
  readMark(subscription: string, mark: string, options: CallOptions = {}): Promise<bigint> {
    return this.#positions.readMark(subscription, mark, options);
  }

  /** Keeps a number beside a subscription: 1 write unit. */
  setMark(
    subscription: string,
    mark: string,
    value: bigint,
    options: CallOptions & { readonly was?: bigint | undefined } = {},
  ): Promise<boolean> {
    return this.#positions.setMark(subscription, mark, value, options);
  }

  async load(aggregateId: string, options: LoadOptions = {}): Promise<History> {
    const records: StoredRecord[] = [];
    for await (const chunk of this.#follow(aggregateId, options, "load")) {
      for (const record of chunk) records.push(record);
    }
    return history(records);
  }

  async loadTail(aggregateId: string, n: number, options: LoadOptions = {}): Promise<History> {
    checkTailLength(n);
    const records: StoredRecord[] = [];
    if (n > 0) {
      const tail = { ...options, reverse: true, limit: n };
      for await (const chunk of this.#follow(aggregateId, tail, "loadTail")) {
        for (const record of chunk) records.push(record);
      }
    } else {
      checkAggregateId(aggregateId);
    }
    return history(records.reverse());
  }

  async *events(aggregateId: string, options: EventsOptions = {}): AsyncGenerator<StoredRecord, void, undefined> {
    checkRange(options);
    for await (const chunk of this.#follow(aggregateId, options, "events")) yield* chunk;
  }

  async saveAggregate<D extends DescMessage>(
    schema: D,
    message: MessageShape<D>,
    options: SaveAggregateOptions = {},
  ): Promise<PutOutcome> {
    throwIfAborted(options.signal, "saveAggregate");
    if (!this.opaqueStore) throw noOpaqueStore("saveAggregate");
    const row = opaqueDataFromMessage(schema, message, {
      ...options,
      clock: this.#clock,
      defaultTtlSeconds: this.ttlSeconds,
    });
    return this.opaqueStore.put(row, { signal: options.signal, versionOf: versionOf(schema) });
  }

  /** Reads one page of at most 1 MB: 1 read unit per 4 KB. */
  async scan(options: RecordScanOptions = {}): Promise<RecordPage> {
    checkRecordScan(options);
    const { aggregateId, limit, signal } = options;
    const after = decodeScanCursor(options);
    throwIfAborted(signal, "scan");
    const startKey = after && { a: { S: after[0] }, v: { N: versionInCursor(after[1]).toString() } };
    const { output } =
      aggregateId === undefined
        ? await this.#requests.scan(scanEvents(this.#table, options, startKey), signal)
        : await this.#requests.query(
            queryStream(this.#table, aggregateId, { limit, consistent: true }, startKey),
            signal,
          );
    return recordPage(output, this.#table, options);
  }

  /**
   * Deletes the last records of a stream for good: 2 write units per KB of each item, and 2 for each 99 items. Items of
   * one transaction, 99 and 2 MB at most, go at once, and the last ones first.
   */
  async cutDamagedEnd(aggregateId: string, records: readonly StoredRecord[], options: CallOptions = {}): Promise<void> {
    const from = checkDamagedEnd(aggregateId, records);
    throwIfAborted(options.signal, "cutDamagedEnd");
    await deleteDamagedEnd(this.#requests, this.#table, aggregateId, from, records, options.signal);
  }

  /**
   * Takes the beginning off a stream, in transactions of 100 items: 1 read unit per 4 KB of it, and 2 write units per KB.
   * A packed item that also holds later records stays.
   */
  async cutBeginning(aggregateId: string, records: readonly StoredRecord[], options: CallOptions = {}): Promise<void> {
    const last = checkBeginning(aggregateId, records);
    throwIfAborted(options.signal, "cutBeginning");
    await deleteBeginning(this.#requests, this.#table, aggregateId, last, records, options.signal);
  }

  /**
   * Puts records of a copy where they belong, in the layout of the store. It looks first, also into packed items that
   * begin before: 1 read unit, and 1 per 4 KB of such an item. The writes cost what they do in a save.
   */
  async restore(aggregateId: string, records: readonly StoredRecord[], options: CallOptions = {}): Promise<void> {
    checkSave(aggregateId, records);
    const { signal } = options;
    throwIfAborted(signal, "restore");
    const commitId = newCommitId();
    const batches = eventBatches(this.#table, this.#layout, aggregateId, records, commitId);
    await this.#checkFree(aggregateId, records, signal);
    for (const batch of batches) await this.#commit(batch, commitId, signal);
  }

  /**
   * Tells by a sample of the table which layout its writers use; undefined when no item of the sample is of a save of
   * several records. It reads 1000 items at most: half a read unit per 4 KB of them.
   */
  async findLayout(options: CallOptions = {}): Promise<Layout | undefined> {
    throwIfAborted(options.signal, "findLayout");
    const segments = Array.from({ length: SAMPLED_SEGMENTS }, (_, index) => ({ index, of: SAMPLED_SEGMENTS }));
    const pages = await Promise.all(
      segments.map((segment) => this.#requests.scan(sampleEvents(this.#table, segment, SAMPLED_ITEMS), options.signal)),
    );
    const items = pages.flatMap(({ output }) => output?.Items ?? []);
    if (items.some(({ n }) => n !== undefined)) return "packed";
    return items.some(({ m }) => m !== undefined) ? "compatible" : undefined;
  }

  #follow(
    aggregateId: string,
    options: EventsOptions,
    operation: string,
  ): AsyncGenerator<readonly StoredRecord[], void, undefined> {
    return followStream(this.#read, this.#clock, aggregateId, options, operation);
  }

  #batches(
    { aggregateId, records, after }: StreamWrite,
    commitId: Uint8Array,
    { zeroIsNever }: Pick<SaveOptions, "zeroIsNever">,
    together = false,
  ): ReturnType<typeof eventBatches> {
    const now = epochSeconds(this.#clock);
    const ttlSeconds = zeroIsNever ? 0 : this.ttlSeconds;
    const expiring = records.map((record) => ({ ...record, ttl: recordTtl(record, ttlSeconds, now) }));
    return eventBatches(this.#table, this.#layout, aggregateId, expiring, commitId, { together, after });
  }

  /**
   * Commits items together with the checks of the records that were seen last. Where such a record is an item of its
   * own, its key is known; in a table that is packed, too, a look tells in which item it lies.
   */
  async #commitBehind(
    items: readonly TransactionItem[],
    writes: readonly StreamWrite[],
    commitId: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const seen = writes.filter(({ records, after }) => after !== undefined && records.length > 0);
    const commit = async (checks: readonly CheckItem[]): Promise<void> => {
      const all = [...items, ...checks];
      if (checks.length > 0) checkTransaction(all);
      await this.#commit(all, commitId, signal);
    };
    const look = (): Promise<CheckItem[]> => Promise.all(seen.map((write) => this.#findSeen(write, items, signal)));
    if (this.packs) return commit(await look());
    try {
      await commit(seen.map((write) => this.#seenAlone(write)));
    } catch (error) {
      if (!seen.some((write) => isConflictAt(error, write))) throw error;
      await commit(await look());
    }
  }

  /** Gives the check of the record that was seen last, where it is an item of its own. */
  #seenAlone({ aggregateId, after }: StreamWrite): CheckItem {
    const record = after as StoredRecord;
    return seenItem(this.#table, aggregateId, record, eventItem(aggregateId, record));
  }

  /**
   * Finds the item that holds the record that was seen last, and gives the check of it: 1 read unit per 4 KB.
   *
   * Throws `version_conflict` when it isn't stored any more as it was seen, and this very save isn't either.
   */
  async #findSeen(
    write: StreamWrite,
    items: readonly TransactionItem[],
    signal: AbortSignal | undefined,
  ): Promise<CheckItem> {
    const { aggregateId } = write;
    const after = write.after as StoredRecord;
    const range = { to: after.version, reverse: true, limit: 1, consistent: true };
    const { output } = await this.#requests.query(queryStream(this.#table, aggregateId, range, undefined), signal);
    const stored: ReadRecord[] = [];
    const [item] = output?.Items ?? [];
    if (item) readEvents(item, this.#table, aggregateId, stored);
    if (item && stored.some(({ record }) => isSameRecord(record, after))) {
      return seenItem(this.#table, aggregateId, after, item);
    }
    const first = markedEvents(items).find((event) => event.aggregateId === aggregateId);
    if (first && (await this.#isStored(first, signal))) return this.#seenAlone(write);
    throw checkFailed(aggregateId, after.version);
  }

  /** Gives the tables that a move writes to. */
  #tablesOf({ kept }: PositionMove): PositionTables {
    return { feeds: this.#feedsTable, rows: kept && this.#rowStore("a position that is kept in a row").table };
  }

  get #layout(): Layout {
    return this.packs ? "packed" : "compatible";
  }

  /**
   * Sees that records begin at the end of their stream, where one item holds several versions and its key alone can't
   * tell: 1 read unit for each stream, unless the caller has looked.
   *
   * Throws `version_conflict` when a stream ends elsewhere, and not with this very save.
   */
  async #checkEnds(items: readonly TransactionItem[], options: SaveOptions): Promise<void> {
    if (!this.packs || isAtEnd(options)) return;
    const { signal } = options;
    await Promise.all(
      markedEvents(items).map(async (first) => {
        const { aggregateId, version } = first;
        const end = await this.#endOf(aggregateId, signal);
        if (end === version - 1n || (await this.#isStored(first, signal))) return;
        throw end < version ? notAtEnd(aggregateId, version, end) : versionConflict(aggregateId, version);
      }),
    );
  }

  /** Sees that a stream holds none of the versions of some records. Throws `version_conflict` with the first that it does. */
  async #checkFree(
    aggregateId: string,
    records: readonly StoredRecord[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const [from, to] = [records[0]?.version, records.at(-1)?.version];
    if (from === undefined || to === undefined) return;
    for await (const chunk of this.#read(aggregateId, { from, to, limit: 1, consistent: true }, signal)) {
      const taken = chunk.find(({ record }) => record.version >= from && record.version <= to);
      if (taken) throw cantRestore(aggregateId, taken.record.version);
    }
  }

  /**
   * Sees that a stream ends at a version; that it doesn't go on then is a condition of the transaction. The look costs
   * 1 read unit per 4 KB of the last item, and the condition 2 write units: one on the last item itself would cost 2
   * write units per KB of it, and couldn't tell which versions a packed item holds.
   *
   * Throws `version_conflict` when the stream ends elsewhere, and this very save isn't stored.
   */
  async #checkStream(
    { aggregateId, version }: StreamCheck,
    items: readonly TransactionItem[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if ((await this.#endOf(aggregateId, signal)) === version) return;
    const [first] = markedEvents(items);
    if (!first || !(await this.#isStored(first, signal))) throw checkFailed(aggregateId, version);
  }

  /** Reads the version at which a stream ends; 0 when it is empty. */
  async #endOf(aggregateId: string, signal: AbortSignal | undefined): Promise<bigint> {
    const range = { reverse: true, limit: 1, consistent: true };
    for await (const [last] of this.#read(aggregateId, range, signal)) {
      if (last) return last.record.version;
    }
    return 0n;
  }

  /** Tells whether the first event of a stream is stored by this very save. */
  async #isStored(first: EventPut, signal: AbortSignal | undefined): Promise<boolean> {
    const { output } = await this.#requests.getItem(getEvent(this.#table, first.aggregateId, first.version), signal);
    return output?.Item !== undefined && isOwnEvent(first, output.Item);
  }

  /** Gives the place of rows, when it can be part of a transaction. */
  #rowStore(call: string): DynamoDBOpaqueStore {
    if (!this.opaqueStore) throw noOpaqueStore(call);
    if (!(this.opaqueStore instanceof DynamoDBOpaqueStore) || this.opaqueStore.client !== this.#client) {
      const problem = isOfAnotherCopy(this.opaqueStore, DynamoDBOpaqueStore)
        ? `has an opaqueStore of another copy of protosource-es: ${ONE_COPY}`
        : "needs an opaqueStore that is a DynamoDBOpaqueStore with the same client as the store's";
      throw new ProtosourceError("invalid_argument", `${call} ${problem}`, { argument: "opaqueStore" });
    }
    return this.opaqueStore;
  }
}

/** Tells whether a save was refused for the record that was seen last. */
function isConflictAt(error: unknown, { aggregateId, after }: StreamWrite): boolean {
  if (!isProtosourceError(error, "version_conflict")) return false;
  return error.details.aggregateId === aggregateId && error.details.version === after?.version;
}

function history(records: StoredRecord[]): History {
  return { $typeName: HistorySchema.typeName, records };
}

function commitIdOf(options: SaveOptions): Uint8Array {
  if (options.commitId === undefined) return newCommitId();
  checkCommitId(options.commitId);
  return new Uint8Array(options.commitId);
}

function partialSave(
  aggregateId: string,
  committed: bigint,
  commitId: Uint8Array,
  cause: unknown,
): ProtosourceError<"partial_save"> {
  return new ProtosourceError(
    "partial_save",
    `the save to ${aggregateId} failed after version ${committed} was stored: save the same records again with the commitId of this error`,
    { aggregateId, committed, commitId },
    { cause },
  );
}

/** Gives the error of a save that would leave a gap, which in the packed layout nothing else would refuse. */
function notAtEnd(aggregateId: string, version: bigint, end: bigint): ProtosourceError<"version_conflict"> {
  return new ProtosourceError(
    "version_conflict",
    `the save begins with version ${version} of ${aggregateId}, which ends at ${end}: load the stream, decide again and save`,
    { aggregateId, version },
  );
}

function noOpaqueStore(call: string): ProtosourceError<"not_configured"> {
  return new ProtosourceError(
    "not_configured",
    `${call} needs a place for rows: give the store an opaqueStore, such as new DynamoDBOpaqueStore(client)`,
    { option: "opaqueStore" },
  );
}
