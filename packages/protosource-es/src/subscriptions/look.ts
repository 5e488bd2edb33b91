/** How a stream stands for a subscription, without a change. */
import type { Doorbell } from "../store/doorbell.js";
import type { StoredPosition } from "../store/positions.js";
import type { Engine } from "./engine.js";
import { findEvents } from "./find-events.js";
import { nextRun } from "./next-run.js";
import { type Subscription, sourceOf, subscriptionId } from "./subscription.js";

/**
 * - `current`: nothing that the subscription handles lies behind the position.
 * - `behind`: something does, or the end of a life.
 * - `parked`, `ahead`: the stream stands still, or ends before the position.
 */
export type Standing = "current" | "behind" | "parked" | "ahead";

/** Looks how a stream stands for a subscription. */
export async function look(engine: Engine, subscription: Subscription, bell: Doorbell): Promise<Standing> {
  const source = sourceOf(subscription, bell.streamId);
  if (source === undefined) return "current";
  const id = subscriptionId(subscription);
  const [read] = await engine.store.readPositions(id, [bell.streamId], { signal: engine.signal });
  let position = read as StoredPosition;
  if (position.parked) return "parked";
  for (;;) {
    const found = await findEvents(engine, position, bell);
    if (found.kind === "nothing") return "current";
    if (found.kind === "ahead") return "ahead";
    if (found.kind !== "records") return "behind";
    const next = await nextRun(engine, source, position, found.records, 1);
    if ("error" in next || next.run.ended || next.run.events.length > 0) return "behind";
    if (next.run.to >= bell.version) return "current";
    position = { ...position, version: next.run.to, expiry: next.expiry };
  }
}
