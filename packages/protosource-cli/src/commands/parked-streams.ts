/** `subscriptions parked` and `release`: streams that stand still for a subscription, and the way on. */
import { type ParkedStream, type Subscriptions, subscriptionId } from "protosource-es/subscriptions";
import type { Action, Context } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { throwIfInterrupted, usageError } from "../failure.js";
import { findSubscription } from "../find-subscription.js";
import { counted, isoTime } from "../format.js";
import { type SubscriptionsOption, useSubscriptions } from "../known-subscriptions.js";

export interface ReleaseOptions extends SubscriptionsOption {
  readonly all?: boolean;
  readonly skip?: boolean;
}

const TITLES = ["SUBSCRIPTION", "STREAM", "VERSION", "SINCE", "TRIES", "WHY"];

/** How many streams are printed at once. */
const PRINTED_AT_ONCE = 100;

export const listParked: Action<SubscriptionsOption> = (context, options) =>
  useSubscriptions(options, async ({ start }) => {
    let count = 0;
    let page: ParkedStream[] = [];
    for await (const stream of start().parked({ signal: context.signal })) {
      count++;
      page.push(stream);
      if (page.length < PRINTED_AT_ONCE) continue;
      await print(context, page);
      page = [];
    }
    await print(context, page);
    if (!context.output.json) await context.output.line(`${counted(count, "stream")} parked`);
    return count === 0 ? EXIT.ok : EXIT.found;
  });

async function print({ output }: Context, streams: readonly ParkedStream[]): Promise<void> {
  const parked = streams.flatMap(({ subscription, streamId, parked }) =>
    parked ? [{ subscription, streamId, ...parked, since: isoTime(parked.since) }] : [],
  );
  if (output.json) {
    for (const stream of parked) await output.value(stream);
    return;
  }
  const rows = parked.map(({ subscription, streamId, version, since, tries, error }) => [
    ...[subscription, streamId, `${version}`, since, `${tries}`, error],
  ]);
  if (rows.length > 0) await output.table(TITLES, rows);
}

export const releaseParked: Action<ReleaseOptions> = async (context, options, name = "", stream) => {
  const { output, signal } = context;
  const { all = false, skip = false } = options;
  if ((stream === undefined) !== all) {
    throw usageError("stream", "name one stream to release, or all that are parked by --all");
  }
  return useSubscriptions(options, async (known) => {
    const chosen = findSubscription(known.all, name);
    const subscriptions = known.start({ all: [chosen] });
    const streamIds = stream === undefined ? await parkedOf(subscriptions, signal) : [stream];
    const counts = { streams: 0, handled: 0, parked: 0 };
    for (const streamId of streamIds) {
      throwIfInterrupted(signal);
      const delivery = await subscriptions.release(
        { subscription: subscriptionId(chosen), streamId, skip },
        { signal },
      );
      const [failure] = delivery.failures;
      if (failure) throw failure.error;
      if (delivery.parked > 0) output.note(`${streamId} is parked again: protosource subscriptions parked says why`);
      counts.streams++;
      counts.handled += delivery.handled;
      counts.parked += delivery.parked;
    }
    if (output.json) await output.value({ released: counts });
    else {
      const { streams, handled, parked } = counts;
      await output.line(
        `${counted(streams, "stream")} released: ${counted(handled, "event")} handled, ${parked} parked again`,
      );
    }
    return counts.parked === 0 ? EXIT.ok : EXIT.found;
  });
};

/** Lists them first: one that is parked again must not be met twice. */
async function parkedOf(subscriptions: Subscriptions, signal: AbortSignal): Promise<readonly string[]> {
  const streamIds: string[] = [];
  for await (const { streamId } of subscriptions.parked({ signal })) streamIds.push(streamId);
  return streamIds;
}
