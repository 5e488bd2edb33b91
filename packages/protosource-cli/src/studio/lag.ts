/** How much waits for a subscription. */
import type { Subscription } from "protosource-es/subscriptions";
import { feedBehind, subscriptionId } from "protosource-es/subscriptions";
import { readPayload } from "../payload.js";
import type { Schemas } from "../schemas.js";
import { envelopeOf } from "./event-view.js";
import { handles, readPositions } from "./positions.js";
import type { FollowedStore } from "./studio.js";
import type { Lag } from "./subscriptions-contract.js";

/** How many records are looked at: a lag beyond that is told as "or more". */
const LOOKED_AT = 500;

/**
 * Counts the events that wait for a subscription; undefined where only a look at all streams tells. Price: a read of what
 * the feed holds behind the mark of the subscription, and of the positions in its streams.
 */
export async function lagOf(
  store: FollowedStore,
  subscription: Subscription,
  schemas: Schemas,
  signal: AbortSignal,
): Promise<Lag | undefined> {
  const entries = await feedBehind(store, subscriptionId(subscription), { limit: LOOKED_AT, signal });
  if (entries === undefined) return undefined;
  const candidates = entries.flatMap(({ aggregateId, record }) => {
    const payload = readPayload(aggregateId, record, schemas);
    if (!handles(subscription, aggregateId, payload.typeName)) return [];
    return [{ streamId: aggregateId, version: record.version, at: envelopeOf(payload).at }];
  });
  const streamIds = [...new Set(candidates.map(({ streamId }) => streamId))];
  const positions = await readPositions(store, subscription, streamIds, signal);
  const handledTo = new Map(positions.map(({ streamId, version }) => [streamId, version]));
  const waiting = candidates.filter(({ streamId, version }) => version > (handledTo.get(streamId) ?? 0n));
  const since = waiting[0]?.at;
  return {
    waiting: waiting.length,
    more: entries.length === LOOKED_AT,
    ...(since === undefined ? {} : { since: since.toString() }),
  };
}
