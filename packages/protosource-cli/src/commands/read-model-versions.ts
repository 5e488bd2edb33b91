/** `subscriptions promote` and `drop`: the version of a read model that is served, and the end of another. */
import { subscriptionId } from "protosource-es/subscriptions";
import type { Action } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { counted } from "../format.js";
import { findSubscription, type SubscriptionsOption, useSubscriptions } from "../known-subscriptions.js";

export const promoteVersion: Action<SubscriptionsOption> = ({ output, signal }, options, id = "") =>
  useSubscriptions(options, async ({ all, start }) => {
    const chosen = findSubscription(all, id);
    if (chosen.kind !== "read-model") {
      throw usageError("subscription", `${subscriptionId(chosen)} is a ${chosen.kind}: only read models are served`);
    }
    await start().promote(chosen, { signal });
    if (output.json) await output.value({ promoted: subscriptionId(chosen) });
    else await output.line(`${subscriptionId(chosen)} is served; readers notice within 30 seconds`);
    return EXIT.ok;
  });

export const dropVersion: Action<SubscriptionsOption> = ({ output, signal }, options, id = "") =>
  useSubscriptions(options, async ({ all, start }) => {
    const { name = "", version } = /^(?<name>[^@]+)@(?<version>\d{1,15})$/.exec(id)?.groups ?? {};
    if (version === undefined) {
      throw usageError("subscription", `${JSON.stringify(id)} has no version: write it as in customer-sales@1`);
    }
    const dropped = { name, version: Number(version) };
    if (all.some((one) => subscriptionId(one) === subscriptionId(dropped))) {
      const advice = "leave it out of the module, and stop the workers that have it";
      throw usageError("subscription", `${id} is in --domain, and its workers would begin it anew: ${advice}`);
    }
    const rows = await start().drop(dropped.name, dropped.version, { signal });
    if (output.json) await output.value({ dropped: subscriptionId(dropped), rows });
    else await output.line(`${subscriptionId(dropped)} is dropped, with ${counted(rows, "row")}`);
    return EXIT.ok;
  });
