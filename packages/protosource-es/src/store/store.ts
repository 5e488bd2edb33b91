/**
 * The contracts between the domain and a store, on one screen.
 *
 * `memory/memory-store.ts` is the shortest implementation; `protosource-es/testing` holds the cases that
 * every implementation must pass.
 */
import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import type { CallOptions, ScanOptions } from "../call-options.js";
import type { ProtosourceError } from "../errors.js";
import type { History } from "../gen/funinthecloud/protosource/history/v1/history_v1_pb.js";
import type { Record as StoredRecord } from "../gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
import type { OpaqueRow, PutOptions, PutOutcome } from "../opaquedata/opaque-store.js";
import type { PositionMove, PositionStore } from "./positions.js";

export type { History, StoredRecord };

export interface SaveOptions extends CallOptions {
  /**
   * Names the save: 8 random bytes. A repeated save of the same records with the same id completes what is missing
   * and doubles nothing; one of other records is `version_conflict`. `unavailable` and `partial_save` carry the id of
   * the failed save. A new one by default.
   */
  readonly commitId?: Uint8Array | undefined;
  /**
   * The last record of the stream as the caller has read it, right before the first one to save: it must be stored
   * still, just so. Where records can go, because they expire or a repair takes them, a version alone doesn't tell
   * whether the stream is the same. DynamoDB, which sees no end otherwise, charges 2 write units per KB of that record,
   * and 2 per KB of those to save; where it packs, also a look at the end. Any stream will do by default.
   */
  readonly after?: StoredRecord | undefined;
  /** Whether a `ttl` of 0 means never, also where the store has `ttlSeconds`. The store's applies by default. */
  readonly zeroIsNever?: boolean | undefined;
}

export interface LoadOptions extends CallOptions {
  /** Also returns records whose `ttl` has passed and that are still stored. They are left out by default. */
  readonly includeExpired?: boolean | undefined;
  /**
   * `eventual` may miss what was saved in the last moments, and costs half where the store charges for that. A save
   * that was decided on it is still guarded: it conflicts. `strong` by default.
   */
  readonly consistency?: "strong" | "eventual" | undefined;
}

/** Keeps streams of records. */
export interface Store {
  /**
   * Whether the store keeps the records of one save together: any number of them at once, and compressed over the
   * whole, so that data is best given uncompressed. Off by default.
   */
  readonly packs?: boolean | undefined;

  /**
   * The size in bytes of a row that the store takes at most, its keys and its body: what is larger is refused before
   * anything is stored. Undefined, the default, where the store keeps no rows, or doesn't say.
   */
  readonly maxRowBytes?: number | undefined;

  /** Seconds after which the store lets a record expire that has no `ttl` of its own. 0 or less, the default: never. */
  readonly ttlSeconds?: number | undefined;

  /**
   * Appends records to a stream. Their versions follow each other, and the first follows the stream's end.
   *
   * Throws `version_conflict` when a version exists already or the stream isn't as the caller has read it, and `invalid_argument` for an empty id or versions that
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

export interface EventsOptions extends LoadOptions {
  /** The first version to read. The stream's first by default. */
  readonly from?: bigint | undefined;
  /** The last version to read. The stream's last by default. */
  readonly to?: bigint | undefined;
  /** Reads from `to` down to `from`. */
  readonly reverse?: boolean | undefined;
  /** The number of records to return at most, after expired ones are left out. */
  readonly limit?: number | undefined;
}

/** A store that can read streams of any length, a part at a time. */
export interface StreamingStore {
  /**
   * Reads a range of a stream record by record, holding no more in memory than a few pages.
   *
   * Throws what `load` throws, and `invalid_argument` for a range or a limit that isn't possible. What was given before
   * an error is right, and isn't given again.
   */
  events(aggregateId: string, options?: EventsOptions): AsyncIterable<StoredRecord>;
}

/** A store that can read a stream's end without its beginning. */
export interface SnapshotTailStore {
  /** Reads the last `n` records in ascending order, or all when there are fewer. `n` ≤ 0 gives none, without a call. */
  loadTail(aggregateId: string, n: number, options?: LoadOptions): Promise<History>;
}

export interface SaveAggregateOptions extends CallOptions {
  /** The version of the state, for messages without a field `version`: a row never replaces one of a later version. */
  readonly version?: bigint | undefined;
  /** Seconds after which the row expires; by default what `event_ttl_seconds` says, or else the store. 0 for never. */
  readonly ttlSeconds?: number | undefined;
  /** When the row expires, in epoch seconds, in place of that: when the last record of the aggregate does. 0 for never. */
  readonly expiry?: bigint | undefined;
  /** Leaves the row out of each index whose keys are longer than DynamoDB allows, in place of `too_large`. */
  readonly omitLongKeys?: boolean | undefined;
  /** What the row keeps in place of the message that its keys are made of: the same one with personal fields sealed. */
  readonly body?: Message | undefined;
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
  /** The last record of the stream as the caller has read it: see {@link SaveOptions.after}. */
  readonly after?: StoredRecord | undefined;
}

/** A row to write, and how to tell the version of the row in its place if that has none. */
export interface RowWrite extends Pick<PutOptions, "versionOf"> {
  readonly row: OpaqueRow;
  /**
   * The version that the row in its place must have; 0 for no row. Another one is `row_conflict`. By default a later
   * version stays, and the row is left out.
   */
  readonly was?: bigint | undefined;
  /** Deletes the row instead of writing it. It needs `was`. */
  readonly remove?: boolean | undefined;
}

/** A condition on a stream that a transaction reads and doesn't write. */
export interface StreamCheck {
  readonly aggregateId: string;
  /** The version at which the stream ends, expired records included; 0 for a stream without records. */
  readonly version: bigint;
}

/** A value that one owner at a time has within its scope, such as the e-mail address of an account. */
export interface Claim {
  /** What the value is unique among, such as `example.app.account.v1.Account.email`. */
  readonly scope: string;
  /** The value, spelled the same whenever it means the same. DynamoDB keeps its SHA-256 only. */
  readonly value: string;
  /** The qualified id of the aggregate that the value belongs to. */
  readonly owner: string;
  /** When the claim ends, in epoch seconds. 0, the default: never. */
  readonly ttl?: bigint | undefined;
  /** A version of the owner's to keep with the claim. */
  readonly version?: bigint | undefined;
  /** Bytes that tell what the value was taken for, such as those of a hash. They are kept with the claim. */
  readonly purpose?: Uint8Array | undefined;
  /** Takes the value from nobody, not even from the owner itself. An owner may take a value again by default. */
  readonly once?: boolean | undefined;
  /** Frees the value instead of taking it. Nothing happens when it belongs to nobody, or to somebody else. */
  readonly release?: boolean | undefined;
}

export interface TransactionOptions extends Omit<SaveOptions, "after"> {
  /** Rows to write in the same transaction. A row of which the table holds a later version is left out. */
  readonly rows?: readonly RowWrite[] | undefined;
  /** What must be so of other streams. */
  readonly check?: readonly StreamCheck[] | undefined;
  /** Unique values to take and to free in the same transaction. They are kept beside the rows. */
  readonly claims?: readonly Claim[] | undefined;
  /** How far subscriptions come with it. The store must be a `PositionStore`. */
  readonly positions?: readonly PositionMove[] | undefined;
}

/** A store that writes to several streams, and rows, in one transaction. */
export interface TransactionalStore {
  /**
   * Appends to each stream, writes each row, and takes and frees each claim, or does none of it.
   *
   * Throws what `save` throws; `version_conflict` with the stream and the version of a check that fails; `claim_taken`
   * when a value belongs to somebody else; `position_conflict` and `row_conflict` when a subscription or a row isn't as it
   * was read, the first of them before any other conflict; `too_large` when it doesn't fit into one transaction; and `invalid_argument`
   * when a stream, a row, a position or a claim occurs twice, a check is of a stream that is written, or the rows belong to another
   * store.
   */
  saveAll(writes: readonly StreamWrite[], options?: TransactionOptions): Promise<void>;
}

/** Whom a value belongs to. */
export interface StoredClaim {
  readonly owner: string;
  /** The version that is kept with the claim; 0 when there is none. */
  readonly version: bigint;
  /** When the claim ends, in epoch seconds; 0 for never. */
  readonly ttl: bigint;
  /** What the value was taken for, where the claim says. */
  readonly purpose?: Uint8Array | undefined;
}

/** A store whose transactions take claims, and that tells of them. */
export interface ClaimingStore {
  /** Reads whom a value belongs to; undefined when it is nobody. It sees every claim that was acknowledged before. */
  findClaim(scope: string, value: string, options?: CallOptions): Promise<StoredClaim | undefined>;
}

/** A claim as it is stored. Of the value, not every store keeps more than its hash. */
export interface ScannedClaim extends StoredClaim {
  /** What the store knows it by. */
  readonly key: string;
  readonly scope: string;
  /** The SHA-256 of the value, in hexadecimal. */
  readonly hash: string;
  /** The id of the save that took it last. */
  readonly commitId: Uint8Array;
}

/** Some of the claims that a store keeps, and where to go on. */
export interface ClaimPage {
  readonly claims: readonly ScannedClaim[];
  /** One error for each claim that can't be read, which names it. */
  readonly unreadable: readonly ProtosourceError<"corrupt_record">[];
  /** Continues behind this page. Absent at the end, and only there: a page may be short, or empty. */
  readonly cursor?: string | undefined;
}

/** A store whose claims can be looked at, so that `rebuild` finds those that nobody needs. */
export interface ClaimScanningStore {
  /** Reads a page of all claims, expired ones and the ids of commands too. Throws what `scan` throws. */
  scanClaims(options?: ScanOptions): Promise<ClaimPage>;

  /** Frees a claim while it is as it was read, and tells whether it did. */
  freeClaim(claim: ScannedClaim, options?: CallOptions): Promise<boolean>;
}

/**
 * A store that lets the damaged end of a stream be taken away. It is made for tools such as `protosource streams repair`,
 * which first keep what they take: a program has no use for it.
 */
export interface RepairableStore {
  /**
   * Deletes the last records of a stream for good. `records` are all that the stream holds from the lowest of them on,
   * expired ones too and in the order of a scan. The later ones go first, so that what is left of a call that was
   * interrupted is as damaged as before, and shorter.
   *
   * Throws `version_conflict` when the stream doesn't hold just these records there any more, `corrupt_record` for an
   * item that can't be read, and `invalid_argument` without records.
   */
  cutDamagedEnd(aggregateId: string, records: readonly StoredRecord[], options?: CallOptions): Promise<void>;
}

/**
 * A store that lets the beginning of a stream be taken away. It is made for the deletion of an aggregate, whose stream
 * ends with a tombstone then, and for archives of what lies before a snapshot.
 */
export interface TrimmableStore {
  /**
   * Deletes the first records of a stream for good, the oldest first. `records` are all that the stream begins with,
   * expired ones too, and at least one must lie behind them: a stream's end tells which versions were used. What is left
   * of a call that was interrupted begins later, and the same call with that goes on. A record that is stored in one item
   * with later ones stays with them.
   *
   * Throws `version_conflict` when the stream doesn't begin with just these records any more, `corrupt_record` for an item
   * that can't be read, and `invalid_argument` without records, and for all that there are.
   */
  cutBeginning(aggregateId: string, records: readonly StoredRecord[], options?: CallOptions): Promise<void>;
}

/**
 * A store into which records of a copy can be put. It is made for tools such as `protosource import`: what it makes of a
 * stream can't be loaded before all of the copy is there, so that a program has no use for it.
 */
export interface RestorableStore {
  /**
   * Puts records where their versions belong: behind the stream's end, beyond it, or into a gap. Their versions follow
   * each other, and their expiries are kept.
   *
   * Throws `version_conflict` with the first version that exists already, of whatever save, and what `save` throws. It
   * doesn't see what is appended at the same moment: writers of the stream should rest.
   */
  restore(aggregateId: string, records: readonly StoredRecord[], options?: CallOptions): Promise<void>;
}

/** A record as it is stored, and where. */
export interface ScannedRecord {
  readonly aggregateId: string;
  readonly record: StoredRecord;
  /** How many records behind it were stored with it, at once: as many must follow. 0 where the store can't lose some. */
  readonly following: number;
  /** The same for records of a stream that were stored at once. Undefined where `following` tells it. */
  readonly commitId?: string | undefined;
}

export interface RecordScanOptions extends ScanOptions {
  /** Only the records of this stream. */
  readonly aggregateId?: string | undefined;
}

/** Some of what a table of records holds, and where to go on. */
export interface RecordPage {
  readonly records: readonly ScannedRecord[];
  /** What lies in the table and is no record: one error for each, which names it. */
  readonly unreadable: readonly ProtosourceError<"corrupt_record">[];
  /** Continues behind this page. Absent at the end, and only there: a page may be short, or empty. */
  readonly cursor?: string | undefined;
}

/** A store that can read everything it holds. */
export interface ScannableStore {
  /**
   * Reads a page of all records as they are stored: expired ones too, and without a check that streams are whole. It
   * sees every save that was acknowledged before. The records of a stream lie in one segment, after each other and in
   * ascending order.
   *
   * Throws `invalid_argument` for a segment that can't be, a limit below 1 and the cursor of another scan.
   */
  scan(options?: RecordScanOptions): Promise<RecordPage>;
}

/** A store that can do whatever a program asks of one. Those of this package are such, and can do more. */
export interface EventStore
  extends Store,
    StreamingStore,
    SnapshotTailStore,
    AggregateStore,
    TransactionalStore,
    ClaimingStore,
    ClaimScanningStore,
    ScannableStore,
    PositionStore {}
