/** The feed of a store as a source of doorbells, for one subscription. */
import { otherTurns } from "../signals.js";
import type { Doorbell } from "../store/doorbell.js";
import type { FeedEntry, FeedOptions, FeedStore } from "../store/feed.js";
import { doorbellsOf } from "./catch-up.js";
import type { SubscriptionStore } from "./subscription.js";

/** The mark of the position of the feed up to which everything has rung. */
const FEED = "feed";

/** How many records are read at once. */
const PAGE = 200;

/** How long the mark may lag behind, in milliseconds: what rings again costs a read, and a mark costs a write. */
const MARK_EVERY_MS = 1_000;

/**
 * Rings for all that a store holds and for what is being saved to it, in the order of the saves, until the signal is
 * aborted. It goes on where an earlier one has stopped, or a little before.
 */
export async function followFeed(
  store: SubscriptionStore & FeedStore,
  subscription: string,
  deliver: (doorbells: readonly Doorbell[]) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let marked = await store.readMark(subscription, FEED);
  let after = marked;
  let nextMark = performance.now() + MARK_EVERY_MS;
  const mark = async (): Promise<void> => {
    if (after === marked) return;
    await store.setMark(subscription, FEED, after);
    marked = after;
    nextMark = performance.now() + MARK_EVERY_MS;
  };
  while (!signal?.aborted) {
    const entries = await store.readFeed(after, { limit: PAGE });
    const last = entries.at(-1);
    if (last === undefined) {
      await mark();
      await store.awaitFeed(after, { signal });
      continue;
    }
    await deliver(doorbellsOf(entries));
    await otherTurns();
    if (signal?.aborted) break;
    after = last.position;
    if (performance.now() >= nextMark) await mark();
  }
  await mark();
}

/**
 * Reads the records of a store's feed that `run` has not brought to a subscription yet, as far as its mark tells: it may lag
 * a second behind, so that the positions tell what was handled. Undefined for a store without a feed.
 */
export async function feedBehind(
  store: SubscriptionStore,
  subscription: string,
  { limit, signal }: FeedOptions = {},
): Promise<readonly FeedEntry[] | undefined> {
  if (!hasFeed(store)) return undefined;
  return store.readFeed(await store.readMark(subscription, FEED, { signal }), { limit, signal });
}

/** Tells whether a store has a feed. */
export function hasFeed<S extends SubscriptionStore>(store: S): store is S & FeedStore {
  return typeof (store as Partial<FeedStore>).readFeed === "function";
}
