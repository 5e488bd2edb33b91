/** The end of a version: its rows and positions are deleted. */
import { invalid } from "../errors.js";
import type { OpaqueStore, ScannableOpaqueStore } from "../opaquedata/opaque-store.js";
import { eachSegment } from "../store/each-segment.js";
import { positionKey } from "../store/positions.js";
import type { KeyedQueue } from "./keyed-queue.js";
import { modelPrefix } from "./model-rows.js";
import { forgetVersion } from "./newest-version.js";
import { positionPages } from "./position-pages.js";
import { type ScanPlan, type ScanProgress, scanInSegments } from "./scan-plan.js";
import { type SubscriptionStore, subscriptionId } from "./subscription.js";
import { CAUGHT_UP, servedVersion } from "./versions.js";

/** How a version is dropped. */
export type DropPlan = ScanPlan<DropCounts>;

/** How far the drop of a version has come: plain JSON, to be kept until it goes on. */
export type DropProgress = ScanProgress<DropCounts>;

/** What was found and deleted. */
export interface DropCounts {
  /** Rows that were read, of any version. */
  readonly scanned: number;
  /** Rows that were deleted. */
  readonly rows: number;
  /** Positions that were deleted. */
  readonly positions: number;
}

const NOTHING: DropCounts = { scanned: 0, rows: 0, positions: 0 };

/** Where a version is, and how much is deleted at once. */
export interface DropTools {
  readonly store: SubscriptionStore;
  readonly rows: OpaqueStore & ScannableOpaqueStore;
  readonly queue: KeyedQueue;
}

interface Deletion {
  readonly key: string;
  readonly run: (signal: AbortSignal) => Promise<unknown>;
}

/**
 * Deletes the parked positions of a version, its rows, and then its other positions. No worker may have it any more, or it would begin anew. The
 * progress tells of the rows: the positions that are gone aren't found again.
 *
 * Throws `invalid_argument` for the version that is served.
 */
export async function drop(
  { store, rows, queue }: DropTools,
  { name, version }: { readonly name: string; readonly version: number },
  plan: DropPlan,
): Promise<DropCounts> {
  const { pageSize, pace, signal } = plan;
  const id = subscriptionId({ name, version });
  if ((await servedVersion(store, name, { signal })) === version) {
    throw invalid("version", `${id} is the version that is served: promote another one first`);
  }
  const dropPositions = async (parked: boolean): Promise<number> => {
    let dropped = 0;
    for await (const page of positionPages(store, id, { parked, limit: pageSize, pace, signal })) {
      const deletions = page.map(({ streamId, version: from, parked, kept }) => ({
        key: positionKey(id, streamId),
        run: (signal: AbortSignal) => {
          const move = { subscription: id, streamId, from, to: 0n, kept, release: parked !== undefined };
          return store.saveAll([], { positions: [move], signal });
        },
      }));
      await deleteAll(queue, deletions, signal);
      dropped += page.length;
    }
    return dropped;
  };
  // The positions that are kept in rows go with those, save for the list of the parked ones.
  let positions = await dropPositions(true);
  const prefix = modelPrefix(id);
  const counts = await scanInSegments("drop", plan, NOTHING, async (place) => {
    const page = await rows.scan(place);
    const ours = page.rows.filter(({ pk }) => pk.startsWith(prefix));
    const deletions = ours.map(({ pk, sk }) => ({
      key: JSON.stringify([pk, sk]),
      run: (signal: AbortSignal) => rows.delete({ pk, sk }, { signal }),
    }));
    await deleteAll(queue, deletions, place.signal);
    return { cursor: page.cursor, counts: { scanned: page.rows.length, rows: ours.length, positions: 0 } };
  });
  positions += await dropPositions(false);
  for (const mark of [CAUGHT_UP, "feed"]) await store.setMark(id, mark, 0n, { signal });
  await forgetVersion(store, { name, version });
  return { ...counts, positions };
}

/** Deletes all of some items, as many at once as the queue has room for. */
function deleteAll(queue: KeyedQueue, deletions: readonly Deletion[], signal: AbortSignal | undefined): Promise<void> {
  return eachSegment(deletions.length, "drop", signal, async (i, signal) => {
    const { key, run } = deletions[i] as Deletion;
    await queue.run(key, () => run(signal));
  });
}
