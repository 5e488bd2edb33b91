/** The position of a stream, wherever the subscription has it kept. */
import type { StoredPosition } from "../store/positions.js";
import type { Engine } from "./engine.js";
import { type Subscription, sourceOf, subscriptionId } from "./subscription.js";

/** Reads how far a subscription has come in a stream. Price: 1 read unit, and with the row that it is kept in 1 per 4 KB. */
export async function readPosition(
  { store, signal }: Pick<Engine, "store" | "signal">,
  subscription: Subscription,
  streamId: string,
): Promise<StoredPosition> {
  const prefix = sourceOf(subscription, streamId)?.behaviour.streamPrefix ?? "";
  const row = subscription.rowOf?.(streamId.slice(prefix.length));
  const rows = row && [row];
  const [position] = await store.readPositions(subscriptionId(subscription), [streamId], { rows, signal });
  return position as StoredPosition;
}
