/**
 * The contracts between the domain and a store, on one screen.
 *
 * `memory/memory-store.ts` is the shortest implementation; `protosource-es/testing` holds the cases that
 * every implementation must pass.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { CallOptions } from "./call-options.js";
import type { History } from "./gen/funinthecloud/protosource/history/v1/history_v1_pb.js";
import type { Record as StoredRecord } from "./gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
import type { OpaqueRow, PutOptions, PutOutcome } from "./opaquedata/opaque-store.js";

export type { History, StoredRecord };

export interface SaveOptions extends CallOptions {
  /**
   * Names the save: 8 random bytes. A repeated save of the same records with the same id completes what is missing
   * and doubles nothing. `unavailable` and `partial_save` carry the id of the failed save. A new one by default.
   */
  readonly commitId?: Uint8Array | undefined;
}

export interface LoadOptions extends CallOptions {
  /** Also returns records whose `ttl` has passed and that are still stored. They are left out by default. */
  readonly includeExpired?: boolean | undefined;
}

/** Keeps streams of records. */
export interface Store {
  /**
   * Appends records to a stream. Their versions follow each other, and the first follows the stream's end.
   *
   * Throws `version_conflict` when a version exists already, and `invalid_argument` for an empty id or versions that
   * aren't positive and contiguous. Without records it does nothing. `record.data` is kept as it is.
   */
  save(aggregateId: string, records: readonly StoredRecord[], options?: SaveOptions): Promise<void>;

  /**
   * Reads a stream in ascending order. An unknown one is empty. `ttl` of each record is filled in.
   *
   * Throws `corrupt_stream` when a version is missing and `corrupt_record` when a record can't be read.
   */
  load(aggregateId: string, options?: LoadOptions): Promise<History>;
}

/** A store that can read a stream's end without its beginning. */
export interface SnapshotTailStore {
  /** Reads the last `n` records in ascending order, or all when there are fewer. `n` ≤ 0 gives none, without a call. */
  loadTail(aggregateId: string, n: number, options?: LoadOptions): Promise<History>;
}

export interface SaveAggregateOptions extends CallOptions {
  /** The version of the state, for messages without a field `version`: a row never replaces one of a later version. */
  readonly version?: bigint | undefined;
  /** Seconds after which the row expires; by default what the aggregate's `event_ttl_seconds` says. 0 for never. */
  readonly ttlSeconds?: number | undefined;
}

/** A store that keeps the current state of aggregates and projections, in rows that can be queried. */
export interface AggregateStore {
  /**
   * Writes the row of an aggregate or a projection.
   *
   * Throws `not_configured` when the store was made without an OpaqueStore, and `not_keyed` for a message without
   * key annotations.
   */
  saveAggregate<D extends DescMessage>(
    schema: D,
    message: MessageShape<D>,
    options?: SaveAggregateOptions,
  ): Promise<PutOutcome>;
}

/** The records for one stream. */
export interface StreamWrite {
  readonly aggregateId: string;
  readonly records: readonly StoredRecord[];
}

/** A row to write, and how to tell the version of the row in its place if that has none. */
export interface RowWrite extends Pick<PutOptions, "versionOf"> {
  readonly row: OpaqueRow;
}

export interface TransactionOptions extends SaveOptions {
  /** Rows to write in the same transaction. A row of which the table holds a later version is left out. */
  readonly rows?: readonly RowWrite[] | undefined;
}

/** A store that writes to several streams, and rows, in one transaction. */
export interface TransactionalStore {
  /**
   * Appends to each stream and writes each row, or does none of it.
   *
   * Throws what `save` throws; `too_large` when it doesn't fit into one transaction; and `invalid_argument` when a
   * stream occurs twice or the rows belong to another store.
   */
  saveAll(writes: readonly StreamWrite[], options?: TransactionOptions): Promise<void>;
}
