/** Whether subscriptions have all that a store holds. */
import type { Doorbell } from "../store/doorbell.js";
import { eachSegment } from "../store/each-segment.js";
import { positionKey } from "../store/positions.js";
import { type CatchUpPlan, ringAll } from "./catch-up.js";
import { type Delivery, mergeDoorbells } from "./deliver.js";
import type { Engine } from "./engine.js";
import { KeyedQueue } from "./keyed-queue.js";
import { type Look, look, type Standing } from "./look.js";
import { modelPrefix } from "./model-rows.js";
import { positionPages } from "./position-pages.js";
import { type Subscription, sourceOf, subscriptionId } from "./subscription.js";

/** What an audit found. Streams count once for each subscription that gets their events. */
export interface AuditReport {
  /** Records that were read. */
  readonly records: number;
  /** Streams of which something is not handled yet, by subscription; with `repair` it is handled now. */
  readonly behind: readonly AuditFinding[];
  /** Streams that end before the position: they were cut, or the store is restored from an earlier time. */
  readonly ahead: readonly AuditFinding[];
  /** Streams that stand still. */
  readonly parked: readonly AuditFinding[];
  /** Items of the store that are no records. */
  readonly unreadable: number;
}

export interface AuditFinding extends Pick<Look, "lacks" | "since"> {
  readonly subscription: string;
  readonly streamId: string;
}

/** What is looked at: a stream, for one subscription. */
interface Suspect {
  readonly subscription: Subscription;
  readonly doorbell: Doorbell;
}

/**
 * Looks at each stream that the store holds, and at each position whose stream may be gone: `concurrency` of them at once.
 * `repair` has what is behind handled, and returns what could not be.
 */
export async function audit(
  engine: Engine,
  subscriptions: readonly Subscription[],
  plan: CatchUpPlan & { readonly concurrency: number },
  repair: ((subscription: Subscription, doorbell: Doorbell) => Promise<Delivery>) | undefined,
): Promise<AuditReport> {
  const { pageSize, pace, signal } = plan;
  const queue = new KeyedQueue(plan.concurrency);
  const found: Record<Exclude<Standing, "current">, Map<string, AuditFinding>> = {
    behind: new Map(),
    ahead: new Map(),
    parked: new Map(),
  };
  const lookAt = async ({ subscription, doorbell }: Suspect): Promise<void> => {
    const { standing, ...more } = await look(engine, subscription, doorbell);
    if (standing === "current") return;
    const { streamId, version } = doorbell;
    const stream = { subscription: subscriptionId(subscription), streamId };
    const key = JSON.stringify(stream);
    const isNew = !found[standing].has(key);
    found[standing].set(key, { ...stream, ...more });
    if (standing !== "behind") return;
    const lag = more.since === undefined ? undefined : engine.clock.now() - more.since;
    if (isNew) engine.observe({ ...stream, kind: "behind", version, events: 0, lag });
    const [failure] = (await repair?.(subscription, doorbell))?.failures ?? [];
    if (failure) throw failure.error;
  };
  const lookAtAll = (suspects: readonly Suspect[]): Promise<void> =>
    eachSegment(suspects.length, "audit", signal, async (i) => {
      const suspect = suspects[i] as Suspect;
      const key = positionKey(subscriptionId(suspect.subscription), suspect.doorbell.streamId);
      await queue.run(key, () => lookAt(suspect));
    });
  const counts = await ringAll(engine.store, plan, async (doorbells) => {
    await lookAtAll(
      mergeDoorbells(doorbells).flatMap((doorbell) =>
        subscriptions
          .filter((subscription) => sourceOf(subscription, doorbell.streamId) !== undefined)
          .map((subscription) => ({ subscription, doorbell })),
      ),
    );
    return { handled: 0, parked: 0, ahead: 0, failures: [] };
  });
  await eachSegment(subscriptions.length, "audit", signal, async (i, signal) => {
    const subscription = subscriptions[i] as Subscription;
    const id = subscriptionId(subscription);
    const keptUnder = subscription.rowOf && modelPrefix(id);
    const pages = positionPages(engine.store, id, { keptUnder, limit: pageSize, pace, signal });
    for await (const positions of pages) {
      await lookAtAll(
        positions.map(({ streamId, version }) => ({ subscription, doorbell: { streamId, version, kind: "gone" } })),
      );
    }
  });
  return {
    records: counts.records,
    behind: [...found.behind.values()],
    ahead: [...found.ahead.values()],
    parked: [...found.parked.values()],
    unreadable: counts.unreadable,
  };
}
