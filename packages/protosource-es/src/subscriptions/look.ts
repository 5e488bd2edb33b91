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

/** How a stream stands, and what it lacks. */
export interface Look {
  readonly standing: Standing;
  /** Whether events wait, or the end of a life alone, which nobody need have told of yet. Of those behind only. */
  readonly lacks?: "events" | "end" | undefined;
  /** When the first event that waits was saved, in microseconds, where that is known. */
  readonly since?: bigint | undefined;
}

/** What waits for less may be in the hands of a worker, in microseconds: a minute. */
export const WAITS_TOO_LONG = 60_000_000n;

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
    if (found.kind !== "records") {
      return { standing: "behind", lacks: found.kind === "unreadable" ? "events" : "end" };
    }
    const next = await nextRun(engine, source, position, found.records, 1);
    if ("error" in next) return { standing: "behind", lacks: "events" };
    if (next.run.ended) return { standing: "behind", lacks: "end" };
    const [first] = next.run.events;
    if (first !== undefined) return { standing: "behind", lacks: "events", since: first.at };
    if (next.run.to >= bell.version) return { standing: "current" };
    position = { ...position, version: next.run.to, expiry: next.expiry };
  }
}
