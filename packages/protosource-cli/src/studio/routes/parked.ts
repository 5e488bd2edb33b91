import { subscriptionId } from "protosource-es/subscriptions";
import { findSubscription } from "../../find-subscription.js";
import { parkedView } from "../positions.js";
import { pageSize, required, requireFollowed } from "../query.js";
import type { Route } from "../studio.js";
import type { ParkedPage } from "../subscriptions-contract.js";

/** `parked`: a page of the streams that stand still for `subscription`, with what went wrong. */
export const parked: Route = async (studio, query, signal): Promise<ParkedPage> => {
  const { all, store } = requireFollowed(studio);
  const id = subscriptionId(findSubscription(all, required(query, "subscription")));
  const cursor = query.get("cursor") ?? undefined;
  const page = await store.scanPositions(id, { parked: true, cursor, limit: pageSize(query, 100, 1_000), signal });
  return {
    parked: page.positions.flatMap(({ streamId, parked }) =>
      parked ? [{ id: streamId, ...parkedView(parked, studio.personal) }] : [],
    ),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  };
};
