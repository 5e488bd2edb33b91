/** How a stream stands for a subscription, without a change. */
import type { Doorbell } from "../store/doorbell.js";
import type { Engine } from "./engine.js";
import { findEvents } from "./find-events.js";
import { nextRun } from "./next-run.js";
import { readPosition } from "./read-position.js";
import { type Subscription, sourceOf } from "./subscription.js";

/**
 * - `current`: nothing that the subscription handles lies behind the position.
 * - `behind`: something does, or the end of a life.
 * - `parked`, `ahead`: the stream stands still, or ends before the position.
 */
export type Standing = "current" | "behind" | "parked" | "ahead";

/** How a stream stands, and since when an event waits, in microseconds, where that is known. */
export interface Look {
  readonly standing: Standing;
  readonly since?: bigint | undefined;
}

/** Looks how a stream stands for a subscription. */
export async function look(engine: Engine, subscription: Subscription, bell: Doorbell): Promise<Look> {
  const source = sourceOf(subscription, bell.streamId);
  if (source === undefined) return { standing: "current" };
  let position = await readPosition(engine, subscription, bell.streamId);
  if (position.parked) return { standing: "parked" };
  for (;;) {
    const found = await findEvents(engine, source, position, bell);
    if (found.kind === "nothing") return { standing: "current" };
    if (found.kind === "ahead") return { standing: "ahead" };
    if (found.kind !== "records") return { standing: "behind" };
    const next = await nextRun(engine, source, position, found.records, 1);
    if ("error" in next || next.run.ended) return { standing: "behind" };
    const [first] = next.run.events;
    if (first !== undefined) return { standing: "behind", since: first.at };
    if (next.run.to >= bell.version) return { standing: "current" };
    position = { ...position, version: next.run.to, expiry: next.expiry };
  }
}
