import { subscriptionId, subscriptionStatuses } from "protosource-es/subscriptions";
import { lagOf } from "../lag.js";
import { requireFollowed } from "../query.js";
import type { Route } from "../studio.js";
import type { SubscriptionNow, SubscriptionsNow } from "../subscriptions-contract.js";

/** `subscriptions`: how each stands, and how much waits for it where the store tells that. */
export const subscriptions: Route = async (studio, _, signal): Promise<SubscriptionsNow> => {
  const { all, store } = requireFollowed(studio);
  const statuses = await subscriptionStatuses(store, all, { signal });
  const found: SubscriptionNow[] = [];
  for (const { subscription: id, kind, name, version, servedVersion, parked, caughtUpAt } of statuses) {
    const followed = all.find((one) => subscriptionId(one) === id);
    const lag = followed && (await lagOf(store, followed, studio.schemas, signal));
    found.push({
      ...{ id, kind, name, version, parked },
      ...(kind === "read-model" ? { served: servedVersion } : {}),
      ...(caughtUpAt === 0n ? {} : { caughtUpAt: caughtUpAt.toString() }),
      ...(lag === undefined ? {} : { lag }),
    });
  }
  return { subscriptions: found, at: (BigInt(Date.now()) * 1000n).toString() };
};
