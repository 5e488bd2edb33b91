/** `subscriptions catch-up`: all that a store holds, brought to subscriptions. */
import {
  type CatchUpCounts,
  type CatchUpProgress,
  type Subscription,
  subscriptionId,
} from "protosource-es/subscriptions";
import { type Action, type SegmentsOption, segmentCount } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { counted, duration } from "../format.js";
import { keepState } from "../keep-state.js";
import { chooseSubscriptions, type SubscriptionsOption, useSubscriptions } from "../known-subscriptions.js";
import type { Output } from "../output.js";
import { createPace, type PaceOption } from "../pace.js";
import { createProgress } from "../progress.js";
import { openStateFile } from "../state-file.js";
import { storeUrl } from "../store-url.js";

export interface CatchUpOptions extends SubscriptionsOption, SegmentsOption, PaceOption {
  readonly only?: readonly string[];
  readonly state: string;
  readonly resume?: boolean;
}

export const catchUp: Action<CatchUpOptions> = async (context, options) => {
  const { output, signal } = context;
  const segments = segmentCount(options);
  const { pace, onRequest, pageSize } = await createPace(options);
  return useSubscriptions(
    options,
    async ({ opened, all, fingerprint, start }) => {
      const chosen = chooseSubscriptions(all, options.only);
      const job = {
        "catch-up": storeUrl(opened.location),
        subscriptions: Object.fromEntries(chosen.map((one) => [subscriptionId(one), handledEvents(one)])),
        segments,
        "messages and code": fingerprint,
      };
      const state = openStateFile<CatchUpProgress>(options.state, "--state", job, options.resume === true);
      const total = (await opened.estimate())?.records;
      const progress = createProgress(output, "records", total, state.resumed?.counts.records);
      const began = performance.now();
      let lag = 0n;
      const subscriptions = start({
        all: chosen,
        observe(happening) {
          lag = happening.lag ?? lag;
          if (happening.kind !== "parked") return;
          const { subscription, streamId, version, error } = happening;
          const reason = error instanceof Error ? error.message : String(error);
          output.note(`${subscription} is parked in ${streamId} at version ${version}: ${reason}`);
        },
      });
      const counts = await keepState(context, state, options.state, () =>
        subscriptions.catchUp({
          segments,
          pageSize,
          pace,
          resume: state.resumed,
          signal,
          onProgress(told) {
            state.update(told);
            const { records, handled } = told.counts;
            progress(records, `${handled} events handled, of ${duration(Number(lag / 1_000_000n))} ago`);
          },
        }),
      );
      await print(output, counts, (performance.now() - began) / 1000);
      return counts.parked + counts.ahead + counts.unreadable === 0 ? EXIT.ok : EXIT.found;
    },
    { onRequest },
  );
};

/** Names the events that a subscription handles: what it handles besides was passed over by what was done before. */
function handledEvents({ sources }: Subscription): readonly string[] {
  return sources
    .flatMap(({ behaviour, handles, handlesRemoval }) => [
      ...handles,
      ...(handlesRemoval ? [`${behaviour.streamPrefix} removed`] : []),
    ])
    .toSorted();
}

async function print(output: Output, counts: CatchUpCounts, seconds: number): Promise<void> {
  if (output.json) {
    await output.value({ caughtUp: counts });
    return;
  }
  const { records, handled, parked, ahead, unreadable } = counts;
  await output.line(`${counted(handled, "event")} handled, of ${counted(records, "record")} in ${duration(seconds)}`);
  if (parked > 0) {
    await output.line(output.style("red", "streams stand still: protosource subscriptions parked says which"));
  }
  if (ahead > 0) {
    await output.line(
      output.style("red", "streams end before what was handled: protosource subscriptions audit says which"),
    );
  }
  if (unreadable > 0) await output.line(output.style("red", `${counted(unreadable, "item")} couldn't be read`));
}
