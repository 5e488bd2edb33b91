/** All positions of a subscription. */
import type { PositionScanOptions, StoredPosition } from "../store/positions.js";
import type { DropPlan } from "./drop.js";
import type { SubscriptionStore } from "./subscription.js";

/** Gives the positions of a subscription, page by page; with `parked`, only those that stand still. */
export async function* positionPages(
  store: Pick<SubscriptionStore, "scanPositions">,
  subscription: string,
  { pace, ...options }: Omit<PositionScanOptions, "cursor"> & Pick<DropPlan, "pace">,
): AsyncGenerator<readonly StoredPosition[], void, undefined> {
  let cursor: string | undefined;
  do {
    await pace?.(options.signal);
    const page = await store.scanPositions(subscription, { ...options, cursor });
    yield page.positions;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
