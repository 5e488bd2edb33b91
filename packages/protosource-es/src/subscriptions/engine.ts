/** What rings share: where everything is kept, and what happened. */
import type { Clock } from "../clock.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import type { Keyring } from "../personal/keyring.js";
import type { Serializer } from "../serializer/serializer.js";
import type { StoredPosition } from "../store/positions.js";
import type { SubscriptionStore } from "./subscription.js";

/** What a ring works with. */
export interface Engine {
  readonly store: SubscriptionStore;
  readonly opaqueStore: OpaqueStore | undefined;
  readonly serializer: Serializer;
  /** Opens the personal fields of events, and seals those of rows. */
  readonly keyring: Keyring | undefined;
  readonly clock: Clock;
  readonly observe: (happening: Happening) => void;
  /** Runs each step. */
  readonly trace: TraceStep;
  /** The positions that this process has seen, by `positionKey`: where they are, or were. */
  readonly seen: Map<string, StoredPosition>;
  readonly signal: AbortSignal | undefined;
}

/** A step of a subscription: what some events or a timer lead to is worked out, and stored. */
export interface ObservedStep {
  readonly operation: "handle" | "timer";
  /** The subscription and its version: `customer-sales@2`. */
  readonly subscription: string;
  /** The full name of the message of the aggregate. */
  readonly aggregateType: string;
  /** How many events it is about. */
  readonly events: number;
  /** The traces that their saves were a part of, as `traceparent` spells them. */
  readonly traceparents: readonly string[];
}

/** Runs a step, once, and answers or fails as it does. */
export type TraceStep = <R>(step: ObservedStep, run: () => Promise<R>) => Promise<R>;

/** Something that a subscription has done, or met. */
export interface Happening {
  /** The subscription and its version: `customer-sales@2`. */
  readonly subscription: string;
  readonly streamId: string;
  /**
   * - `applied`: the effect of events is stored.
   * - `duplicate`: a doorbell told nothing new.
   * - `filled`: events were read from the store, because the doorbell hadn't brought them.
   * - `position_conflict`, `row_conflict`: another worker was first, and it was done again.
   * - `removed`: the end of a life was handled.
   * - `timer`: a timer went off.
   * - `failed`: a handler threw, or the store or a sink could not for now; it is tried again.
   * - `parked`: the stream stands still for this subscription.
   * - `behind`: an audit found that events weren't handled.
   */
  readonly kind:
    | "applied"
    | "duplicate"
    | "filled"
    | "position_conflict"
    | "row_conflict"
    | "removed"
    | "timer"
    | "failed"
    | "parked"
    | "behind";
  /** The version that the stream is at for the subscription, or that failed. */
  readonly version: bigint;
  /** How many events it is about. */
  readonly events: number;
  /**
   * The time from the last of these events to now, in microseconds; of a timer, from when it was to go off; of an audit's
   * finding, from the first event that waits, where that can be read.
   */
  readonly lag?: bigint | undefined;
  readonly error?: unknown;
}
