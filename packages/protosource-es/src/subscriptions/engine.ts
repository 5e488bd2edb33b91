/** What rings share: where everything is kept, and what happened. */
import type { Clock } from "../clock.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import type { Serializer } from "../serializer/serializer.js";
import type { StoredPosition } from "../store/positions.js";
import type { SubscriptionStore } from "./subscription.js";

/** What a ring works with. */
export interface Engine {
  readonly store: SubscriptionStore;
  readonly opaqueStore: OpaqueStore | undefined;
  readonly serializer: Serializer;
  readonly clock: Clock;
  readonly observe: (happening: Happening) => void;
  /** The positions that this process has seen, by `positionKey`: never ahead of those that are stored. */
  readonly seen: Map<string, StoredPosition>;
  readonly signal: AbortSignal | undefined;
}

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
    | "parked";
  /** The version that the stream is at for the subscription, or that failed. */
  readonly version: bigint;
  /** How many events it is about. */
  readonly events: number;
  /** The time from the last of these events to now, in microseconds, where events were applied. */
  readonly lag?: bigint | undefined;
  readonly error?: unknown;
}
