/** The store of streams in a DynamoDB table, and the way to the rows of another. */
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type Clock, epochSeconds, systemClock } from "../clock.js";
import { ProtosourceError } from "../errors.js";
import { HistorySchema } from "../gen/funinthecloud/protosource/history/v1/history_v1_pb.js";
import { opaqueDataFromMessage, versionOf } from "../opaquedata/opaque-data.js";
import type { OpaqueStore, PutOutcome } from "../opaquedata/opaque-store.js";
import {
  checkAggregateId,
  checkCommitId,
  checkSave,
  checkSaveAll,
  checkTailLength,
  checkTtlSeconds,
  newCommitId,
  recordTtl,
  throwIfAborted,
} from "../save-checks.js";
import { checkRecordScan, decodeScanCursor, versionInCursor } from "../scan-cursor.js";
import type {
  AggregateStore,
  EventsOptions,
  History,
  LoadOptions,
  RecordPage,
  RecordScanOptions,
  RowWrite,
  SaveAggregateOptions,
  SaveOptions,
  ScannableStore,
  SnapshotTailStore,
  Store,
  StoredRecord,
  StreamingStore,
  StreamWrite,
  TransactionalStore,
  TransactionOptions,
} from "../store.js";
import { corruptStream, type StreamProblem } from "../stream-checks.js";
import { type Committer, createCommitter, versionConflict } from "./committing.js";
import { checkClient, type DynamoDBClientLike } from "./dynamodb-client.js";
import { DynamoDBOpaqueStore } from "./dynamodb-opaque-store.js";
import { isMarked, type ReadRecord } from "./items.js";
import { getCommitId, queryStream, scanEvents } from "./requests.js";
import { recordPage } from "./scan-pages.js";
import { type RequestOptions, sleep } from "./sending.js";
import { createStreamReader, type StreamReader } from "./stream-reader.js";
import { DEFAULT_EVENTS_TABLE, type EventsTableName, eventsTableName } from "./table-names.js";
import { createTableRequests, type TableRequests } from "./table-requests.js";
import { checkTransaction, eventBatches, type Layout } from "./writes.js";

export interface DynamoDBStoreOptions extends RequestOptions {
  /** The table of the events. `"events"` by default. */
  readonly eventsTable?: string | undefined;
  /** Where `saveAggregate` writes to. Without it, `saveAggregate` throws `not_configured`. */
  readonly opaqueStore?: OpaqueStore | undefined;
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

/** How often a stream is read again that shows a gap or a part of a transaction, before it counts as corrupt. */
const MAX_REREADS = 5;
const REREAD_PAUSE_MS = 40;

/**
 * Keeps streams in a DynamoDB table, an item for each record.
 *
 * A save of one record is one conditional PutItem: 1 write unit per KB. 2 to 100 records are one transaction: 2 write
 * units per KB and record. More are several transactions of at most 100 records and 4 MB, each atomic. Reads are
 * consistent: 1 read unit per 4 KB of each page, and a page holds up to 1 MB.
 */
export class DynamoDBStore
  implements StreamingStore, Store, SnapshotTailStore, AggregateStore, TransactionalStore, ScannableStore
{
  /** Whether the store was made with the packed layout. */
  readonly packs: boolean;
  readonly #client: DynamoDBClientLike;
  readonly #table: EventsTableName;
  readonly #opaqueStore: OpaqueStore | undefined;
  readonly #ttlSeconds: number;
  readonly #clock: Clock;
  readonly #requests: TableRequests;
  readonly #read: StreamReader;
  readonly #commit: Committer;

  /** Throws `invalid_argument` for a missing client, a bad table name, time to live or time limit. */
  constructor(client: DynamoDBClientLike, options: DynamoDBStoreOptions = {}) {
    checkClient(client);
    checkTtlSeconds(options.ttlSeconds ?? 0);
    this.packs = options.layout === "packed";
    this.#client = client;
    this.#table = eventsTableName(options.eventsTable ?? DEFAULT_EVENTS_TABLE);
    this.#opaqueStore = options.opaqueStore;
    this.#ttlSeconds = options.ttlSeconds ?? 0;
    this.#clock = options.clock ?? systemClock;
    this.#requests = createTableRequests(client, options);
    this.#read = createStreamReader(this.#requests, this.#table);
    this.#commit = createCommitter(client, options);
  }

  async save(aggregateId: string, records: readonly StoredRecord[], options: SaveOptions = {}): Promise<void> {
    checkSave(aggregateId, records);
    const commitId = commitIdOf(options);
    throwIfAborted(options.signal, "save");
    await this.#checkEnd({ aggregateId, records }, commitId, options);
    let committed: bigint | undefined;
    for (const batch of this.#batches(aggregateId, records, commitId)) {
      try {
        await this.#commit(batch, commitId, options.signal);
      } catch (cause) {
        throw committed === undefined ? cause : partialSave(aggregateId, committed, commitId, cause);
      }
      committed = batch.at(-1)?.last;
    }
  }

  async saveAll(writes: readonly StreamWrite[], options: TransactionOptions = {}): Promise<void> {
    const rows = options.rows ?? [];
    checkSaveAll(writes, rows);
    const commitId = commitIdOf(options);
    throwIfAborted(options.signal, "saveAll");
    await Promise.all(writes.map((write) => this.#checkEnd(write, commitId, options)));
    const puts = [
      ...writes.flatMap(({ aggregateId, records }) => this.#batches(aggregateId, records, commitId).flat()),
      ...(rows.length > 0 ? this.#rowsOf(rows) : []),
    ];
    checkTransaction(puts);
    await this.#commit(puts, commitId, options.signal);
  }

  async load(aggregateId: string, options: LoadOptions = {}): Promise<History> {
    const records: StoredRecord[] = [];
    for await (const chunk of this.#chunks(aggregateId, options, "load")) {
      for (const record of chunk) records.push(record);
    }
    return history(records);
  }

  async loadTail(aggregateId: string, n: number, options: LoadOptions = {}): Promise<History> {
    checkTailLength(n);
    const records: StoredRecord[] = [];
    if (n > 0) {
      const tail = { ...options, reverse: true, limit: n };
      for await (const chunk of this.#chunks(aggregateId, tail, "loadTail")) records.push(...chunk);
    } else {
      checkAggregateId(aggregateId);
    }
    return history(records.reverse());
  }

  async *events(aggregateId: string, options: EventsOptions = {}): AsyncGenerator<StoredRecord, void, undefined> {
    checkRange(options);
    for await (const chunk of this.#chunks(aggregateId, options, "events")) yield* chunk;
  }

  async saveAggregate<D extends DescMessage>(
    schema: D,
    message: MessageShape<D>,
    options: SaveAggregateOptions = {},
  ): Promise<PutOutcome> {
    throwIfAborted(options.signal, "saveAggregate");
    if (!this.#opaqueStore) throw noOpaqueStore("saveAggregate");
    const row = opaqueDataFromMessage(schema, message, { ...options, clock: this.#clock });
    return this.#opaqueStore.put(row, { signal: options.signal, versionOf: versionOf(schema) });
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

  #batches(
    aggregateId: string,
    records: readonly StoredRecord[],
    commitId: Uint8Array,
  ): ReturnType<typeof eventBatches> {
    const now = epochSeconds(this.#clock);
    const expiring = records.map((record) => ({ ...record, ttl: recordTtl(record, this.#ttlSeconds, now) }));
    return eventBatches(this.#table, this.packs ? "packed" : "compatible", aggregateId, expiring, commitId);
  }

  /**
   * Sees that records begin at the end of their stream, where one item holds several versions and its key alone can't
   * tell: 1 read unit, unless the caller has looked.
   *
   * Throws `version_conflict` when the stream ends elsewhere, and not with this very save.
   */
  async #checkEnd(
    { aggregateId, records }: StreamWrite,
    commitId: Uint8Array,
    { atEnd, beyondEnd, signal }: SaveOptions,
  ): Promise<void> {
    const [first] = records;
    if (!this.packs || atEnd || first === undefined) return;
    let end = 0n;
    for await (const chunk of this.#read(aggregateId, { reverse: true, limit: 1, consistent: true }, signal)) {
      end = chunk[0]?.record.version ?? 0n;
      break;
    }
    if (end === first.version - 1n || (end < first.version && beyondEnd)) return;
    const { output } = await this.#requests.getItem(getCommitId(this.#table, aggregateId, first.version), signal);
    if (!isMarked(output?.Item, commitId)) throw versionConflict(aggregateId, first.version);
  }

  #rowsOf(rows: readonly RowWrite[]): ReturnType<DynamoDBOpaqueStore["puts"]> {
    if (!this.#opaqueStore) throw noOpaqueStore("saveAll with rows");
    if (!(this.#opaqueStore instanceof DynamoDBOpaqueStore) || this.#opaqueStore.client !== this.#client) {
      throw new ProtosourceError(
        "invalid_argument",
        "rows can be written in a transaction only to a DynamoDBOpaqueStore with the same client as the store's",
        { argument: "rows" },
      );
    }
    return this.#opaqueStore.puts(rows);
  }

  /**
   * Gives the records of a range that count, checked to follow each other. A Query sees transactions only
   * read-committed, so that their last records, or ones in the middle, may still be missing: from there the stream is
   * read again, a few times, before it counts as corrupt.
   */
  async *#chunks(
    aggregateId: string,
    options: EventsOptions,
    operation: string,
  ): AsyncGenerator<readonly StoredRecord[], void, undefined> {
    checkAggregateId(aggregateId);
    const { reverse = false, includeExpired = false, signal } = options;
    const step = reverse ? -1n : 1n;
    let { from, to } = options;
    let consistent = options.consistency !== "eventual";
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    // The last record that was seen, and the version that the next one that counts must have.
    let last: ReadRecord | undefined;
    let expected: bigint | undefined;
    for (let rereads = 0; ; rereads++) {
      throwIfAborted(signal, operation);
      const now = epochSeconds(this.#clock);
      let problem: StreamProblem | undefined;
      const range = { from, to, reverse, limit: options.limit && left, consistent };
      for await (const chunk of this.#read(aggregateId, range, signal)) {
        const records: StoredRecord[] = [];
        for (const read of chunk) {
          const { version } = read.record;
          if ((from !== undefined && version < from) || (to !== undefined && version > to)) continue;
          if (reverse && last === undefined && to === undefined) problem = tornAfter(read);
          const counts = !isExpired(read.record, now);
          if (counts && expected !== undefined && version !== expected) {
            const isGap = reverse ? version < expected : version > expected;
            problem = isGap ? { problem: "gap", version: expected } : { problem: "overlap", version };
          }
          if (problem || left === 0) break;
          last = read;
          if (counts) expected = version + step;
          if (counts || includeExpired) {
            records.push(read.record);
            left--;
          }
        }
        if (records.length > 0) {
          rereads = 0;
          yield records;
        }
        if (problem || left === 0) break;
      }
      if (left === 0) return;
      if (!problem && !reverse && to === undefined) problem = tornAfter(last);
      if (problem === undefined) return;
      if (rereads === MAX_REREADS || problem.problem === "overlap") throw corruptStream(aggregateId, problem);
      await sleep((0.5 + Math.random()) * REREAD_PAUSE_MS * (rereads + 1), signal);
      consistent = true;
      if (last !== undefined && reverse) to = last.record.version - 1n;
      else if (last !== undefined) from = last.record.version + 1n;
    }
  }
}

/** Tells that a transaction was seen in part, when a record that ought to be the last isn't the last of its save. */
function tornAfter(read: ReadRecord | undefined): StreamProblem | undefined {
  if (read === undefined || read.following === 0) return undefined;
  return { problem: "torn", version: read.record.version + 1n };
}

function history(records: StoredRecord[]): History {
  return create(HistorySchema, { records });
}

function checkRange({ from, to, limit }: EventsOptions): void {
  const invalid = (argument: string, message: string): ProtosourceError<"invalid_argument"> =>
    new ProtosourceError("invalid_argument", message, { argument });
  if (from !== undefined && from < 1n) throw invalid("from", `there is no version ${from}: versions begin at 1n`);
  if (to !== undefined && to < (from ?? 1n))
    throw invalid("to", `no version lies from ${from ?? 1n} to ${to}: swap them`);
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) {
    throw invalid("limit", `a limit can't be ${limit}: give a whole number from 1, or leave it out`);
  }
}

function isExpired(record: StoredRecord, nowSeconds: bigint): boolean {
  return record.ttl > 0n && record.ttl <= nowSeconds;
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

function noOpaqueStore(call: string): ProtosourceError<"not_configured"> {
  return new ProtosourceError(
    "not_configured",
    `${call} needs a place for rows: give the store an opaqueStore, such as new DynamoDBOpaqueStore(client)`,
    { option: "opaqueStore" },
  );
}
