import type { CallOptions } from "../call-options.js";
import { positionPages } from "./position-pages.js";
import { type Subscription, type SubscriptionStore, subscriptionId } from "./subscription.js";
import { CAUGHT_UP, servedVersion } from "./versions.js";

/** How a subscription stands. */
export interface SubscriptionStatus extends Pick<Subscription, "kind" | "name" | "version"> {
  readonly subscription: string;
  /** How many streams stand still. */
  readonly parked: number;
  /** When `catchUp` was done with all that was stored, in microseconds; 0n for never. */
  readonly caughtUpAt: bigint;
  /** The version of a read model that was promoted last; 0 for none. */
  readonly servedVersion: number;
}

/** Tells how subscriptions stand, as {@link Subscriptions.status} does, without what it takes to let them work. */
export async function subscriptionStatuses(
  store: SubscriptionStore,
  all: readonly Subscription[],
  options: CallOptions = {},
): Promise<readonly SubscriptionStatus[]> {
  const { signal } = options;
  return Promise.all(
    all.map(async (subscription) => {
      const { kind, name, version } = subscription;
      const id = subscriptionId(subscription);
      let parked = 0;
      for await (const { length } of positionPages(store, id, { parked: true, signal })) parked += length;
      const caughtUpAt = await store.readMark(id, CAUGHT_UP, options);
      const served = kind === "read-model" ? await servedVersion(store, name, options) : 0;
      return { subscription: id, kind, name, version, parked, caughtUpAt, servedVersion: served };
    }),
  );
}
