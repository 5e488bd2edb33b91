/** All streams of a store, each with a ring: how a subscription begins, catches up and is audited. */
import type { Doorbell } from "../store/doorbell.js";
import type { ScannedRecord } from "../store/store.js";
import type { Delivery } from "./deliver.js";
import { type ScanPlan, type ScanProgress, scanInSegments } from "./scan-plan.js";
import type { SubscriptionStore } from "./subscription.js";

/** How a catch-up goes. */
export type CatchUpPlan = ScanPlan<CatchUpCounts>;

/** How far a catch-up has come: plain JSON, to be kept until it goes on. */
export type CatchUpProgress = ScanProgress<CatchUpCounts>;

/** What was found and done. */
export interface CatchUpCounts {
  /** Records that were read, of any stream. */
  readonly records: number;
  /** Times that a stream was looked at: once for each page that it lies on. */
  readonly rings: number;
  /** Events that were handled, over all subscriptions. */
  readonly handled: number;
  /** Streams of subscriptions that stand still. */
  readonly parked: number;
  /** Streams that end before a position. */
  readonly ahead: number;
  /** Items that are no records. */
  readonly unreadable: number;
}

const NOTHING: CatchUpCounts = { records: 0, rings: 0, handled: 0, parked: 0, ahead: 0, unreadable: 0 };

/**
 * Rings for everything that a store holds, segment by segment. Saves may go on meanwhile: what is stored behind the scan
 * rings by itself.
 *
 * Throws the first failure of a ring, after the page, once the other segments have ended; the progress told before can
 * be resumed from.
 */
export async function ringAll(
  store: SubscriptionStore,
  plan: CatchUpPlan,
  deliver: (doorbells: readonly Doorbell[], signal: AbortSignal) => Promise<Delivery>,
): Promise<CatchUpCounts> {
  return scanInSegments("catch-up", plan, NOTHING, async (place) => {
    const { records, unreadable, cursor } = await store.scan(place);
    const doorbells = doorbellsOf(records);
    const { handled, parked, ahead, failures } = await deliver(doorbells, place.signal);
    const [failure] = failures;
    if (failure) throw failure.error;
    const rings = doorbells.length;
    return {
      cursor,
      counts: { records: records.length, rings, handled, parked, ahead, unreadable: unreadable.length },
    };
  });
}

/** Makes a doorbell for each stream of a page, with the records that the page has of it. */
export function doorbellsOf(records: readonly Pick<ScannedRecord, "aggregateId" | "record">[]): Doorbell[] {
  const doorbells: (Doorbell & { readonly records: ScannedRecord["record"][] })[] = [];
  for (const { aggregateId, record } of records) {
    const last = doorbells.at(-1);
    if (last?.streamId === aggregateId) {
      last.records.push(record);
      doorbells[doorbells.length - 1] = { ...last, version: record.version };
    } else {
      doorbells.push({ streamId: aggregateId, version: record.version, kind: "saved", records: [record] });
    }
  }
  return doorbells;
}
