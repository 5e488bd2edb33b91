/** What a repository is made with, what its calls take, and what comes of them. */
import type { Message } from "@bufbuild/protobuf";
import type { AggregateMessage, EventMessage } from "../aggregate/behaviour.js";
import type { CallOptions } from "../call-options.js";
import type { Clock } from "../clock.js";
import type { Logger } from "../logger.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import type { Keyring } from "../personal/keyring.js";
import type { Serializer } from "../serializer/serializer.js";
import type { SaveMeta } from "../store/meta.js";
import type { EventStore, LoadOptions, Store, TrimmableStore } from "../store/store.js";
import type { ObserveOperation } from "./observed-operation.js";
import type { ValidateFields } from "./validate.js";
import type { AggregateCache } from "./warm-aggregates.js";

/** What a repository needs of a store, and what it uses where the store has it. */
export type RepositoryStore = Store &
  Partial<EventStore & TrimmableStore> & {
    /** Where the rows are, for a deletion to take them away. */
    readonly opaqueStore?: OpaqueStore | undefined;
  };

export interface RepositoryOptions {
  /** Tells the time of events, and which records have expired. The machine's clock by default. */
  readonly clock?: Clock | undefined;
  /** Makes the id for a creation command that comes without one. Without it, such a command is refused. */
  readonly newId?: (() => string) | undefined;
  /** The same for all who read and write the streams. Binary by default. */
  readonly serializer?: Serializer | undefined;
  /**
   * Seals and opens personal fields, with the keys of a key store. An aggregate that has such fields needs it, a serializer
   * that keeps what is sealed, as the binary one does, and no Go services that share its streams.
   */
  readonly keyring?: Keyring | undefined;
  /** Data of this many bytes and more is gzipped; 300 by default, and 0 for never. A store that packs does it itself. */
  readonly compressThreshold?: number | undefined;
  /**
   * When the rows of the aggregate and its projections are written. `best-effort`, the default: after the events, and
   * a failure is logged and counted; a row that is too large for the store fails the command before. `transactional`: with the events, all or none; the store must be able to. `off`: never.
   */
  readonly materialize?: "best-effort" | "transactional" | "off" | undefined;
  /**
   * What becomes of a row with a key of an index over 2,048 bytes, or a sort key over 1,024, which no store takes.
   * `refuse`, the default: the command is `too_large`. `omit`: the row is kept, and left out of that index.
   */
  readonly longIndexKeys?: "refuse" | "omit" | undefined;
  /**
   * Keeps aggregates between commands, so that the next command on one spares the load: a `Map`, or what forgets, such
   * as the `LRUCache` of the package lru-cache. Repositories may share one. A stale entry costs a second try and does no
   * harm: the save finds it, and only a fresh state refuses or skips a command. It is `invalid_argument` where events
   * expire by `event_ttl_seconds` or the store's `ttlSeconds`. None by default.
   */
  readonly cache?: AggregateCache | undefined;
  /**
   * Whether a save that was decided on a kept aggregate also requires that its last record is stored still. So a stale
   * entry never appends behind what a repair has cut off or somebody has deleted, which DynamoDB doesn't see otherwise,
   * nor on other events than it knows. True by default. On DynamoDB it makes the save a transaction: 2 write units per
   * KB of the new records and 2 per KB of that last one, where a record alone costs 1. With false it costs nothing, and
   * whoever cuts or deletes streams must stop the services first, or empty their caches. Other stores charge nothing.
   */
  readonly guardCache?: boolean | undefined;
  /**
   * How a command loads the aggregate at first. `eventual` costs half where the store charges for that; when its state
   * was stale, or a command is refused or skipped, it is loaded again, strongly. `strong` by default.
   */
  readonly consistency?: LoadOptions["consistency"];
  /** How often a command is decided again when somebody else changed the aggregate meanwhile; 8 by default. */
  readonly retries?: number | undefined;
  /**
   * Whether Go services read the same streams; true by default, save for a store that packs, which they can't read.
   * It is false where the aggregate has personal fields, which Go's snapshots and rows would lose. They need every
   * snapshot, so one that is too large for the store fails its command. With false it is left out, with
   * a warning.
   */
  readonly sharedWithGo?: boolean | undefined;
  /**
   * Whether a command may come to more than the 100 records that one transaction holds; false by default, and such a
   * command is `too_large`, except for a store that packs. With true the store saves it in parts, and a failure between
   * them is `partial_save`. A `commandId`, unique values that change and transactional rows need one transaction always.
   */
  readonly splitSaves?: boolean | undefined;
  /** Seconds for which the `commandId` of a command is remembered; a day by default. */
  readonly commandIdSeconds?: number | undefined;
  /** Runs each call, and sees what comes of it, as `repositoryTelemetry` does. None by default. */
  readonly observe?: ObserveOperation | undefined;
  /** Checks the fields of each command, instead of @bufbuild/protovalidate. */
  readonly validate?: ValidateFields | undefined;
  /** Takes failures that no call fails for, such as that of a row. The console by default. */
  readonly logger?: Logger | undefined;
}

/** How commands are applied, whichever aggregates they are for. */
export interface ApplyAllOptions {
  /**
   * Who acts: it takes the place of the command's own actor. Give it wherever commands come from outside, or callers
   * choose whom they act as. Not even undefined may stand for it, so that a missing claim can't be taken for none.
   */
  readonly actor?: string;
  /**
   * Names the command, such as after the message that brought it: whoever sends it again, from any process, has no
   * effect and is told what came of the first, even if that had nothing to do. Of one that was refused nothing is
   * known. Its ids are those of one kind of aggregate, and for another aggregate of it, `claim_taken`. Another command to
   * the same aggregate under a used id, whoever sends it, is `command_id_reused`: 8 bytes of a hash of the command are
   * kept with the id. The store must keep claims.
   */
  readonly commandId?: string | undefined;
  /** What to keep with the events beside them, such as what caused the command. Nothing by default. */
  readonly meta?: SaveMeta | undefined;
  /** How often to decide again; by default what the repository says. 0 for never. */
  readonly retries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How commands are decided that are saved with something else. */
export type PlanOptions = Pick<ApplyAllOptions, "actor" | "meta" | "signal">;

/** Which aggregate a command is for. */
export interface AggregateChoice {
  /** The aggregate: it fills in a command's empty id, and any other id is `invalid_argument`. */
  readonly id?: string;
  /** The version that the caller decided on, 0 for no aggregate: another one is `version_conflict`, without retries. */
  readonly expectedVersion?: bigint | undefined;
}

export interface ApplyOptions extends ApplyAllOptions, AggregateChoice {}

/** What came of a command, or of several. */
export interface Applied<A extends Message, E> {
  readonly id: string;
  /** The version of the aggregate afterwards. Snapshots take a version too. */
  readonly version: bigint;
  /** The new events, without snapshots. */
  readonly events: readonly E[];
  readonly aggregate: A;
  /** Whether there was nothing to do, so that nothing was stored. */
  readonly skipped: boolean;
  /**
   * Whether a command of the same `commandId` was carried out before. Then `id` and `version` are what came of that
   * one, there are no events, and `aggregate` is as it is now.
   */
  readonly repeated: boolean;
}

/** Which events of an aggregate to read. */
export interface HistoryOptions extends CallOptions {
  /** The first version to read. The first of all by default. */
  readonly from?: bigint | undefined;
  /** The last version to read. The last of all by default. */
  readonly to?: bigint | undefined;
  /** Reads from `to` down to `from`. */
  readonly reverse?: boolean | undefined;
  /** The number of events to give at most. */
  readonly limit?: number | undefined;
}

/** Appends to a stream, as `Repository.save` takes it. */
export interface AppendEventsOptions extends CallOptions {
  /** The version after which the events come: another one is `version_conflict`. */
  readonly expectedVersion?: bigint | undefined;
}

/** Deletes an aggregate, as `Repository.delete` takes it. */
export interface DeleteOptions extends CallOptions {
  /** Who deletes it, for the tombstone. Nobody by default. */
  readonly actor?: string | undefined;
  /** The version that the caller decided on: another one is `version_conflict`, without retries. */
  readonly expectedVersion?: bigint | undefined;
}

/** What came of commands to an aggregate of any kind. */
export type AnyApplied = Applied<AggregateMessage, EventMessage>;
