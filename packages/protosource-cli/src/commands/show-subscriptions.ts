/** `subscriptions status`: how each subscription stands. */
import type { SubscriptionStatus } from "protosource-es/subscriptions";
import type { Action } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { isoTime } from "../format.js";
import { type SubscriptionsOption, useSubscriptions } from "../known-subscriptions.js";

const TITLES = ["SUBSCRIPTION", "KIND", "SERVED", "PARKED", "CAUGHT UP"];

export const showSubscriptions: Action<SubscriptionsOption> = ({ output, signal }, options) =>
  useSubscriptions(options, async ({ start }) => {
    const all = await start().status({ signal });
    if (output.json) {
      for (const status of all) {
        const { subscription, kind, name, version, servedVersion, parked, caughtUpAt } = status;
        const served = kind === "read-model" ? servedVersion : undefined;
        await output.value({ subscription, kind, name, version, served, parked, caughtUpAt: timeOf(caughtUpAt) });
      }
    } else {
      const rows = all.map((status) => [
        status.subscription,
        status.kind,
        served(status),
        `${status.parked}`,
        timeOf(status.caughtUpAt) ?? "never",
      ]);
      await output.table(TITLES, rows);
    }
    const parked = all.some(({ parked }) => parked > 0);
    if (parked) output.note("Streams stand still: protosource subscriptions parked says why.");
    return parked ? EXIT.found : EXIT.ok;
  });

function timeOf(caughtUpAt: bigint): string | undefined {
  return caughtUpAt === 0n ? undefined : isoTime(caughtUpAt);
}

/** Other kinds than read models have nothing that is served. */
function served({ kind, name, version, servedVersion }: SubscriptionStatus): string {
  if (kind !== "read-model") return "-";
  if (servedVersion === 0) return "none promoted";
  return servedVersion === version ? "yes" : `no, ${name}@${servedVersion} is`;
}
