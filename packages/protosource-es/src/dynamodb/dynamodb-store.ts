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
import type {
  AggregateStore,
  History,
  LoadOptions,
  RowWrite,
  SaveAggregateOptions,
  SaveOptions,
  SnapshotTailStore,
  Store,
  StoredRecord,
  StreamWrite,
  TransactionalStore,
  TransactionOptions,
} from "../store.js";
import { corruptStream, findProblem, type StreamProblem } from "../stream-checks.js";
import { type Committer, createCommitter } from "./committing.js";
import { checkClient, type DynamoDBClientLike } from "./dynamodb-client.js";
import { DynamoDBOpaqueStore } from "./dynamodb-opaque-store.js";
import { type ReadRecord, readEvent } from "./items.js";
import type { Item } from "./limits.js";
import { queryStream, type StreamRange } from "./requests.js";
import { type RequestOptions, sleep } from "./sending.js";
import { DEFAULT_EVENTS_TABLE, type EventsTableName, eventsTableName } from "./table-names.js";
import { createTableRequests, type TableRequests } from "./table-requests.js";
import { checkTransaction, eventBatches } from "./writes.js";

export interface DynamoDBStoreOptions extends RequestOptions {
  /** The table of the events. `"events"` by default. */
  readonly eventsTable?: string | undefined;
  /** Where `saveAggregate` writes to. Without it, `saveAggregate` throws `not_configured`. */
  readonly opaqueStore?: OpaqueStore | undefined;
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
export class DynamoDBStore implements Store, SnapshotTailStore, AggregateStore, TransactionalStore {
  readonly #client: DynamoDBClientLike;
  readonly #table: EventsTableName;
  readonly #opaqueStore: OpaqueStore | undefined;
  readonly #ttlSeconds: number;
  readonly #clock: Clock;
  readonly #requests: TableRequests;
  readonly #commit: Committer;

  /** Throws `invalid_argument` for a missing client, a bad table name, time to live or time limit. */
  constructor(client: DynamoDBClientLike, options: DynamoDBStoreOptions = {}) {
    checkClient(client);
    checkTtlSeconds(options.ttlSeconds ?? 0);
    this.#client = client;
    this.#table = eventsTableName(options.eventsTable ?? DEFAULT_EVENTS_TABLE);
    this.#opaqueStore = options.opaqueStore;
    this.#ttlSeconds = options.ttlSeconds ?? 0;
    this.#clock = options.clock ?? systemClock;
    this.#requests = createTableRequests(client, options);
    this.#commit = createCommitter(client, options);
  }

  async save(aggregateId: string, records: readonly StoredRecord[], options: SaveOptions = {}): Promise<void> {
    checkSave(aggregateId, records);
    const commitId = commitIdOf(options);
    throwIfAborted(options.signal, "save");
    let committed: bigint | undefined;
    for (const batch of this.#batches(aggregateId, records, commitId)) {
      try {
        await this.#commit(batch, commitId, options.signal);
      } catch (cause) {
        throw committed === undefined ? cause : partialSave(aggregateId, committed, commitId, cause);
      }
      committed = batch.at(-1)?.version;
    }
  }

  async saveAll(writes: readonly StreamWrite[], options: TransactionOptions = {}): Promise<void> {
    const rows = options.rows ?? [];
    checkSaveAll(writes, rows);
    const commitId = commitIdOf(options);
    throwIfAborted(options.signal, "saveAll");
    const puts = [
      ...writes.flatMap(({ aggregateId, records }) => this.#batches(aggregateId, records, commitId).flat()),
      ...(rows.length > 0 ? this.#rowsOf(rows) : []),
    ];
    checkTransaction(puts);
    await this.#commit(puts, commitId, options.signal);
  }

  async load(aggregateId: string, options: LoadOptions = {}): Promise<History> {
    checkAggregateId(aggregateId);
    return this.#readWhole(aggregateId, options, async (before) => {
      const end = before.at(-1)?.record.version;
      const records = [...before];
      for await (const page of this.#pages(aggregateId, end === undefined ? {} : { from: end + 1n }, options.signal)) {
        for (const read of page) records.push(read);
      }
      return records;
    });
  }

  async loadTail(aggregateId: string, n: number, options: LoadOptions = {}): Promise<History> {
    checkAggregateId(aggregateId);
    checkTailLength(n);
    if (n <= 0) return create(HistorySchema);
    return this.#readWhole(aggregateId, options, async () => {
      const now = epochSeconds(this.#clock);
      const records: ReadRecord[] = [];
      let wanted = n;
      for await (const page of this.#pages(aggregateId, { reverse: true, limit: n }, options.signal)) {
        for (const read of page) {
          if (wanted === 0) break;
          records.push(read);
          if (options.includeExpired || !isExpired(read.record, now)) wanted--;
        }
        if (wanted === 0) break;
      }
      return records.reverse();
    });
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

  #batches(
    aggregateId: string,
    records: readonly StoredRecord[],
    commitId: Uint8Array,
  ): ReturnType<typeof eventBatches> {
    const now = epochSeconds(this.#clock);
    return eventBatches(this.#table, aggregateId, records, commitId, (record) =>
      recordTtl(record, this.#ttlSeconds, now),
    );
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

  /** Reads the pages of a range of a stream, as DynamoDB cuts them. */
  async *#pages(
    aggregateId: string,
    range: StreamRange,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ReadRecord[], void, undefined> {
    let startKey: Item | undefined;
    do {
      const input = queryStream(this.#table, aggregateId, range, startKey);
      const { output } = await this.#requests.query(input, signal);
      yield (output?.Items ?? []).map((item) => readEvent(item, this.#table, aggregateId));
      startKey = output?.LastEvaluatedKey;
    } while (startKey !== undefined);
  }

  /**
   * Reads to the end of a stream, again where the read met a part of a transaction: a Query sees transactions only
   * read-committed, so that their last records, or ones in the middle, may still be missing.
   */
  async #readWhole(
    aggregateId: string,
    options: LoadOptions,
    read: (before: readonly ReadRecord[]) => Promise<readonly ReadRecord[]>,
  ): Promise<History> {
    throwIfAborted(options.signal, "load");
    let before: readonly ReadRecord[] = [];
    for (let rereads = 0; ; rereads++) {
      const stored = await read(before);
      const now = epochSeconds(this.#clock);
      const alive = stored.filter(({ record }) => !isExpired(record, now)).map(({ record }) => record);
      const problem = findProblem(alive) ?? tornEnd(stored);
      if (problem === undefined) {
        const records = options.includeExpired ? stored.map(({ record }) => record) : alive;
        return create(HistorySchema, { records });
      }
      if (rereads === MAX_REREADS || problem.problem === "overlap") throw corruptStream(aggregateId, problem);
      await sleep((0.5 + Math.random()) * REREAD_PAUSE_MS * (rereads + 1), options.signal);
      before = stored.filter(({ record }) => record.version < problem.version);
    }
  }
}

/** Finds a transaction of which the stream's last record is not the last. */
function tornEnd(stored: readonly ReadRecord[]): StreamProblem | undefined {
  const last = stored.at(-1);
  if (last === undefined || last.following === 0) return undefined;
  return { problem: "torn", version: last.record.version + 1n };
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
