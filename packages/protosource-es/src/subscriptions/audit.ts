/** Whether subscriptions have all that a store holds. */
import type { Doorbell } from "../store/doorbell.js";
import type { StoredPosition } from "../store/positions.js";
import { ringAll, type ScanPlan } from "./catch-up.js";
import { type Delivery, mergeDoorbells } from "./deliver.js";
import type { Engine } from "./engine.js";
import { look, type Standing } from "./look.js";
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

export interface AuditFinding {
  readonly subscription: string;
  readonly streamId: string;
}

/**
 * Looks at each stream that the store holds, and at each position whose stream may be gone. `repair` has what is behind
 * handled, and returns what could not be.
 */
export async function audit(
  engine: Engine,
  subscriptions: readonly Subscription[],
  plan: ScanPlan,
  repair: ((subscription: Subscription, doorbell: Doorbell) => Promise<Delivery>) | undefined,
): Promise<AuditReport> {
  const found: Record<Exclude<Standing, "current">, Map<string, AuditFinding>> = {
    behind: new Map(),
    ahead: new Map(),
    parked: new Map(),
  };
  const lookAt = async (subscription: Subscription, doorbell: Doorbell): Promise<void> => {
    const standing = await look(engine, subscription, doorbell);
    if (standing === "current") return;
    const finding = { subscription: subscriptionId(subscription), streamId: doorbell.streamId };
    found[standing].set(JSON.stringify(finding), finding);
    if (standing !== "behind" || repair === undefined) return;
    const [failure] = (await repair(subscription, doorbell)).failures;
    if (failure) throw failure.error;
  };
  const counts = await ringAll(engine.store, plan, async (doorbells) => {
    for (const doorbell of mergeDoorbells(doorbells)) {
      for (const subscription of subscriptions) {
        if (sourceOf(subscription, doorbell.streamId)) await lookAt(subscription, doorbell);
      }
    }
    return { handled: 0, parked: 0, ahead: 0, failures: [] };
  });
  for (const subscription of subscriptions) {
    for await (const { streamId, version } of positionsOf(engine, subscriptionId(subscription))) {
      await lookAt(subscription, { streamId, version, kind: "gone" });
    }
  }
  return {
    records: counts.records,
    behind: [...found.behind.values()],
    ahead: [...found.ahead.values()],
    parked: [...found.parked.values()],
    unreadable: counts.unreadable,
  };
}

/** Gives the positions of a subscription: all, or those that are parked. */
export async function* positionsOf(
  { store, signal }: Engine,
  subscription: string,
  parked = false,
): AsyncGenerator<StoredPosition, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await store.scanPositions(subscription, { parked, cursor, signal });
    yield* page.positions;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
