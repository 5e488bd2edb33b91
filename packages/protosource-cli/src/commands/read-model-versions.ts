/** `subscriptions promote` and `drop`: the version of a read model that is served, and the end of another. */
import { type DropProgress, subscriptionId } from "protosource-es/subscriptions";
import { type Action, type SegmentsOption, segmentCount } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { findSubscription } from "../find-subscription.js";
import { counted } from "../format.js";
import { keepState } from "../keep-state.js";
import { type SubscriptionsOption, useSubscriptions } from "../known-subscriptions.js";
import { createPace, type PaceOption } from "../pace.js";
import { createProgress } from "../progress.js";
import { openStateFile } from "../state-file.js";
import { storeUrl } from "../store-url.js";

export interface PromoteOptions extends SubscriptionsOption, SegmentsOption, PaceOption {
  /** False with `--no-audit`. */
  readonly audit: boolean;
}

export const promoteVersion: Action<PromoteOptions> = async ({ output, signal }, options, id = "") => {
  const segments = segmentCount(options);
  const { pace, onRequest, pageSize } = await createPace(options);
  return useSubscriptions(
    options,
    async ({ opened, all, start }) => {
      const chosen = findSubscription(all, id);
      if (chosen.kind !== "read-model") {
        throw usageError("subscription", `${subscriptionId(chosen)} is a ${chosen.kind}: only read models are served`);
      }
      const progress = createProgress(output, "records", (await opened.estimate())?.records);
      await start().promote(chosen, {
        audit: options.audit,
        segments,
        pageSize,
        pace,
        signal,
        onProgress: ({ counts }) => progress(counts.records),
      });
      if (output.json) await output.value({ promoted: subscriptionId(chosen) });
      else await output.line(`${subscriptionId(chosen)} is served; readers notice within 30 seconds`);
      return EXIT.ok;
    },
    { onRequest },
  );
};

export interface DropOptions extends SubscriptionsOption, SegmentsOption, PaceOption {
  readonly state: string;
  readonly resume?: boolean;
}

export const dropVersion: Action<DropOptions> = async (context, options, id = "") => {
  const { output, signal } = context;
  const segments = segmentCount(options);
  const { pace, onRequest, pageSize } = await createPace(options);
  return useSubscriptions(
    options,
    async ({ opened, all, start }) => {
      const { name = "", version } = /^(?<name>[^@]+)@(?<version>\d{1,15})$/.exec(id)?.groups ?? {};
      if (version === undefined) {
        throw usageError("subscription", `${JSON.stringify(id)} has no version: write it as in customer-sales@1`);
      }
      const dropped = { name, version: Number(version) };
      if (all.some((one) => subscriptionId(one) === subscriptionId(dropped))) {
        const advice = "leave it out of the module, and stop the workers that have it";
        throw usageError("subscription", `${id} is in --domain, and its workers would begin it anew: ${advice}`);
      }
      const job = { drop: subscriptionId(dropped), of: storeUrl(opened.location), segments };
      const state = openStateFile<DropProgress>(options.state, "--state", job, options.resume === true);
      const progress = createProgress(output, "rows", (await opened.estimate())?.rows, state.resumed?.counts.scanned);
      const { rows } = await keepState(context, state, options.state, () =>
        start().drop(dropped.name, dropped.version, {
          segments,
          pageSize,
          pace,
          resume: state.resumed,
          signal,
          onProgress(told) {
            state.update(told);
            progress(told.counts.scanned, `${told.counts.rows} deleted`);
          },
        }),
      );
      if (output.json) await output.value({ dropped: subscriptionId(dropped), rows });
      else await output.line(`${subscriptionId(dropped)} is dropped, with ${counted(rows, "row")}`);
      return EXIT.ok;
    },
    { onRequest },
  );
};
