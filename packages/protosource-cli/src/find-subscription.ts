import { type Subscription, subscriptionId } from "protosource-es/subscriptions";
import { usageError } from "./failure.js";

/** Finds a subscription by its name, with the version where there are several. Throws `invalid_argument`. */
export function findSubscription(all: readonly Subscription[], name: string): Subscription {
  const [found, ...others] = all.filter((one) => one.name === name || subscriptionId(one) === name);
  if (found && others.length === 0) return found;
  const ids = all.map(subscriptionId).join(", ");
  throw usageError(
    "subscription",
    found
      ? `there are several versions of ${name}: give one of ${ids}`
      : `there is no subscription ${name}: there are ${ids}`,
  );
}
