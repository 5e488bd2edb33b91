/** Doorbells brought to subscriptions: each stream in order, many streams at once. */
import type { Doorbell } from "../store/doorbell.js";
import { positionKey } from "../store/positions.js";
import { commitTogether } from "./commit-together.js";
import type { Engine } from "./engine.js";
import type { KeyedQueue } from "./keyed-queue.js";
import { type Rung, ring } from "./ring.js";
import { type Subscription, sourceOf, subscriptionId } from "./subscription.js";

/** What became of doorbells. */
export interface Delivery {
  /** How many events were handled, over all subscriptions. */
  readonly handled: number;
  /** How many streams of subscriptions stand still. */
  readonly parked: number;
  /** How many streams end before the position: they were cut, or restored from an earlier time. */
  readonly ahead: number;
  /** The doorbells that must ring again, each with what kept it from being answered. */
  readonly failures: readonly DeliveryFailure[];
}

export interface DeliveryFailure {
  readonly doorbell: Doorbell;
  readonly subscription: string;
  readonly error: unknown;
}

/** Rings for each subscription and stream, once `admit` lets it. It throws nothing: failures are told. */
export async function deliver(
  engine: Engine,
  queue: KeyedQueue,
  subscriptions: readonly Subscription[],
  doorbells: readonly Doorbell[],
  admit: (subscription: Subscription) => Promise<void>,
): Promise<Delivery> {
  const failures: DeliveryFailure[] = [];
  const rungs: Rung[] = [];
  const commits = new Map(subscriptions.map((one) => [one, commitTogether(engine, one)]));
  const rings = mergeDoorbells(doorbells).flatMap((doorbell) =>
    subscriptions
      .filter((subscription) => sourceOf(subscription, doorbell.streamId) !== undefined)
      .map(async (subscription) => {
        const id = subscriptionId(subscription);
        const commit = commits.get(subscription);
        try {
          await admit(subscription);
          const key = positionKey(id, doorbell.streamId);
          rungs.push(await queue.run(key, () => ring(engine, subscription, doorbell, commit)));
        } catch (error) {
          failures.push({ doorbell, subscription: id, error });
          const { streamId, version } = doorbell;
          engine.observe({ subscription: id, streamId, kind: "failed", version, events: 0, error });
        }
      }),
  );
  await Promise.all(rings);
  return {
    handled: rungs.reduce((sum, { handled }) => sum + handled, 0),
    parked: rungs.filter(({ kind }) => kind === "parked").length,
    ahead: rungs.filter(({ kind }) => kind === "ahead").length,
    failures,
  };
}

/** Makes one doorbell of all that ring for a stream: of the highest version, with the records of all. */
export function mergeDoorbells(doorbells: readonly Doorbell[]): Doorbell[] {
  const merged = new Map<string, Doorbell>();
  for (const doorbell of doorbells) {
    const { streamId } = doorbell;
    const other = merged.get(streamId);
    merged.set(streamId, other === undefined ? doorbell : merge(other, doorbell));
  }
  return [...merged.values()];
}

function merge(a: Doorbell, b: Doorbell): Doorbell {
  const byVersion = new Map([...(a.records ?? []), ...(b.records ?? [])].map((record) => [record.version, record]));
  const records = [...byVersion.values()].sort((x, y) => (x.version < y.version ? -1 : 1));
  // A stream of which something was deleted is looked at in the store.
  const kind = a.kind === "gone" || b.kind === "gone" ? "gone" : "saved";
  return { streamId: a.streamId, version: a.version > b.version ? a.version : b.version, kind, records };
}
