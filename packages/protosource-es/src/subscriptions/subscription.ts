/** What a subscription is: plain data, whatever it makes of events. */
import type { Aggregate } from "../aggregate/aggregate.js";
import type { Behaviour, EventMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import type { Clock } from "../clock.js";
import { invalid } from "../errors.js";
import type { OpaqueKey, OpaqueStore } from "../opaquedata/opaque-store.js";
import type { Keyring } from "../personal/keyring.js";
import type { SaveMeta } from "../store/meta.js";
import { checkSubscription, type KeptRow } from "../store/positions.js";
import type { EventStore, StreamWrite, TransactionOptions } from "../store/store.js";

/** Something that is done for the events of one or several aggregates. `defineReadModel` and its like make them. */
export interface Subscription {
  readonly kind: "read-model" | "handler" | "process" | "outbox" | "ledger";
  /** Names its positions and rows in the tables, together with the version. */
  readonly name: string;
  /** A higher version begins anew, beside the one before it. */
  readonly version: number;
  /** The aggregates whose events it gets. */
  readonly sources: readonly SubscriptionSource[];
  /** How often an event is tried before its stream is parked. */
  readonly tries: number;
  /** The key of the row of an aggregate, by its id, where each has one: the position of its stream is kept in it. */
  readonly rowOf?: ((id: string) => OpaqueKey) | undefined;
  /**
   * Works out what events of one stream lead to. It writes nothing that belongs to the effect: that is done by the
   * transaction that moves the position. What it throws is the fault of an event, save for `unavailable` and its like.
   */
  react(run: EventRun, tools: ReactTools): Promise<Effect>;
  /** Does the same for runs of several streams at once, where their effects may share a transaction. */
  reactTogether?(runs: readonly EventRun[], tools: ReactTools): Promise<SharedEffect>;
}

/** An aggregate whose events a subscription gets. */
export interface SubscriptionSource {
  readonly definition: Aggregate<AggregateTypes>;
  readonly behaviour: Behaviour;
  /** The type names of the events that it does something for. */
  readonly handles: ReadonlySet<string>;
  /** Whether it does something when a stream has come to its end. */
  readonly handlesRemoval: boolean;
}

/** Events of one life of an aggregate that follow each other, or the end of that life, for one subscription. */
export interface EventRun {
  readonly source: SubscriptionSource;
  readonly streamId: string;
  /** The id of the aggregate. */
  readonly id: string;
  /** The position before the run. */
  readonly from: bigint;
  /** The position behind it, snapshots and events of no interest included. */
  readonly to: bigint;
  /** What there is to handle, in order; none where the life has ended. */
  readonly events: readonly EventMessage[];
  /** What was kept with the saves of these events, by their versions. */
  readonly metas: ReadonlyMap<bigint, SaveMeta>;
  /** Whether the life that the events up to `from` were of has ended: they have expired, or were deleted. */
  readonly ended: boolean;
  /** What was remembered of the stream before; empty at the beginning of a life. */
  readonly memo: Uint8Array;
  /** The row that the position is kept in, where it is. */
  readonly kept?: KeptRow | undefined;
}

/** What a subscription may use while it reacts. */
export interface ReactTools {
  readonly store: SubscriptionStore;
  readonly opaqueStore: OpaqueStore | undefined;
  /** Seals and opens the personal fields of rows. */
  readonly keyring: Keyring | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** What events lead to: written in one transaction with the position, all or none. */
export interface Effect extends Pick<TransactionOptions, "rows" | "claims" | "check"> {
  /** The last version whose effect it is; the run's `to` by default. */
  readonly to?: bigint | undefined;
  readonly writes?: readonly StreamWrite[] | undefined;
  /** What to remember of the stream. Nothing by default. */
  readonly memo?: Uint8Array | undefined;
  /** The row that the position is kept in, as it is now; as it was by default. */
  readonly kept?: KeptRow | undefined;
}

/** How far the effect of a run goes, and what is remembered of its stream then. */
export interface Reached {
  readonly to: bigint;
  readonly memo: Uint8Array;
  readonly kept?: KeptRow | undefined;
}

/** What runs of several streams lead to together. */
export interface SharedEffect extends Pick<Effect, "rows"> {
  /** In the order of the runs; undefined for one that had no room, and is to be handled later. */
  readonly reached: readonly (Reached | undefined)[];
}

/** What subscriptions need of a store. Those of this package have it. */
export type SubscriptionStore = Pick<
  EventStore,
  "events" | "saveAll" | "scan" | "readPositions" | "scanPositions" | "readMark" | "setMark"
> & { readonly opaqueStore?: OpaqueStore | undefined };

/** Gives the name of a subscription with its version, as the tables have it: `customer-sales@2`. */
export function subscriptionId({ name, version }: Pick<Subscription, "name" | "version">): string {
  return `${name}@${version}`;
}

/** Checks what names a subscription. Throws `invalid_argument`. */
export function checkName(name: string, version: number): void {
  if (typeof name !== "string" || name.includes("@")) {
    throw invalid("name", `${JSON.stringify(name)} can't name a subscription: leave out the "@"`);
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw invalid("version", `${name} can't have the version ${version}: count from 1`);
  }
  checkSubscription(subscriptionId({ name, version }));
}

/** Finds the source that a stream belongs to; undefined when the subscription doesn't get its events. */
export function sourceOf({ sources }: Subscription, streamId: string): SubscriptionSource | undefined {
  return sources.find(({ behaviour }) => streamId.startsWith(behaviour.streamPrefix));
}
