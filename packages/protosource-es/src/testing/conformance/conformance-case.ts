/** What a conformance case is, and what it is given. */
import type { Clock } from "../../clock.js";
import type { OpaqueStore, ScannableOpaqueStore } from "../../opaquedata/opaque-store.js";
import type { FeedStore } from "../../store/feed.js";
import type { PositionStore } from "../../store/positions.js";
import type {
  AggregateStore,
  ClaimingStore,
  ClaimScanningStore,
  RestorableStore,
  ScannableStore,
  SnapshotTailStore,
  Store,
  StoredRecord,
  StreamingStore,
  TransactionalStore,
  TrimmableStore,
} from "../../store/store.js";
import type { FakeClock } from "../fake-clock.js";

/**
 * What a store can do beyond `Store`, or how it does what is left open. A case is run only on a store that has what the
 * case needs.
 *
 * - `tail`: it is a `SnapshotTailStore`.
 * - `events`: it is a `StreamingStore`.
 * - `opaque-store`: an `OpaqueStore` belongs to it.
 * - `aggregates`: it is an `AggregateStore` over that OpaqueStore.
 * - `optional-opaque-store`: it can also be made without an OpaqueStore.
 * - `transactions`: it is a `TransactionalStore`, for records and for rows of its OpaqueStore.
 * - `checks`: its transactions check streams that they don't write.
 * - `claims`: it is a `ClaimingStore`, and its transactions take and free claims.
 * - `claim-scan`: it is a `ClaimScanningStore` too.
 * - `scan`: it is a `ScannableStore`, and its OpaqueStore, if it has one, is a `ScannableOpaqueStore`.
 * - `positions`: it is a `PositionStore`, its transactions move positions, and write rows where they are as they were
 *   read.
 * - `feed`: it is a `FeedStore`.
 * - `restore`: it is a `RestorableStore`.
 * - `trim`: it is a `TrimmableStore`.
 * - `transaction-limit`: one transaction takes 100 records and rows at most.
 * - `item-limit`: a record or a row takes 400 KB at most, keys and all.
 * - `atomic-saves`: a save is stored whole or not at all, however many records it has.
 * - `batched-saves`: a save of more than 100 records is stored in batches of 100, each whole or not at all.
 * - `refuses-gaps`: it sees where a stream ends, and refuses to save beyond the end.
 * - `finds-gaps-on-read`: it saves beyond the end, and refuses to load what has a gap.
 * - `raw-records`: the harness can put a record into a stream without the store, as another program would.
 */
export type Capability =
  | "tail"
  | "events"
  | "opaque-store"
  | "aggregates"
  | "optional-opaque-store"
  | "transactions"
  | "checks"
  | "claims"
  | "claim-scan"
  | "scan"
  | "positions"
  | "feed"
  | "restore"
  | "trim"
  | "transaction-limit"
  | "item-limit"
  | "atomic-saves"
  | "batched-saves"
  | "refuses-gaps"
  | "finds-gaps-on-read"
  | "raw-records";

/** How to open a store. */
export interface OpenOptions {
  /** The clock of the store and of its OpaqueStore. */
  readonly clock: Clock;
  /** The store's own time to live for records. None by default. */
  readonly ttlSeconds?: number | undefined;
  /** Opens the store without an OpaqueStore. Asked only of a store with `optional-opaque-store`. */
  readonly withoutOpaqueStore?: boolean | undefined;
}

/** A store to judge. Which of the optional methods it has is what its capabilities say. */
export interface StoreUnderTest {
  readonly store: Store &
    Partial<
      StreamingStore &
        SnapshotTailStore &
        AggregateStore &
        TransactionalStore &
        ClaimingStore &
        ClaimScanningStore &
        ScannableStore &
        PositionStore &
        FeedStore &
        RestorableStore &
        TrimmableStore
    >;
  readonly opaqueStore?: (OpaqueStore & Partial<ScannableOpaqueStore>) | undefined;
  /** Gives back what the store holds open. Called after the case. */
  readonly close?: (() => void | Promise<void>) | undefined;
}

/** What a case works with. */
export interface ConformanceContext {
  /** The clock of every store that the case opens. */
  readonly clock: FakeClock;
  /** Gives an id that ends in `name` and that no other case has, nor any other run on the same tables. */
  id(name: string): string;
  /** Opens a client of the data that all cases share. */
  open(options?: Omit<OpenOptions, "clock">): Promise<StoreUnderTest>;
  /** Puts a record into a stream without the store. Only with `raw-records`. */
  writeRaw(aggregateId: string, record: StoredRecord): Promise<void>;
}

/** One promise of the contracts, and how to see whether a store keeps it. */
export interface ConformanceCase {
  /** Says what is promised. No two cases have the same name. */
  readonly name: string;
  readonly needs: readonly Capability[];
  /** Throws when the store doesn't keep the promise. */
  run(context: ConformanceContext): Promise<void>;
}
