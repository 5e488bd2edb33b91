/** A ledger as the feed of the store whose events it orders. */
import type { CallOptions } from "../call-options.js";
import { isProtosourceError } from "../errors.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import { ge, le } from "../opaquedata/sort-condition.js";
import { sleep } from "../signals.js";
import { checkFeed, FEED_PAGE, type FeedEntry, type FeedOptions, type FeedStore } from "../store/feed.js";
import { throwIfAborted } from "../store/save-checks.js";
import type { EventsOptions, StoredRecord } from "../store/store.js";
import type { Ledger } from "./define-ledger.js";
import { KeyedQueue } from "./keyed-queue.js";
import { entryKey, ledgerEntries, type PlacedEntry, requireRows } from "./ledger-entries.js";
import { type SubscriptionStore, subscriptionId } from "./subscription.js";

export interface LedgerFeedOptions {
  /** Where the streams are. */
  readonly store: Pick<SubscriptionStore, "events" | "opaqueStore">;
  /** Where the entries are: the store's own rows by default, where it tells that. */
  readonly opaqueStore?: OpaqueStore | undefined;
  /** How long one who waits for more rests before the next look, in milliseconds. 500 by default. */
  readonly lookMs?: number | undefined;
}

/** An event's place. */
interface Place {
  readonly position: bigint;
  readonly streamId: string;
  readonly version: bigint;
  readonly at: bigint;
}

/** What was found behind a position, and how far that goes: what is gone by now is left out. */
interface Behind {
  readonly entries: readonly FeedEntry[];
  /** The last position that was looked at; undefined where there is none yet. */
  readonly end: bigint | undefined;
}

/** How many streams are read at once. */
const STREAMS_AT_ONCE = 16;

/**
 * Gives the events of a ledger as a feed, for `feed`: positions and streams of the entries, and the records as they are
 * stored. Records that were deleted are left out, and their positions stay empty for good.
 *
 * Price of a page on DynamoDB: 1 or 2 read units per 4 KB of its entries, and 1 per 4 KB for each of its streams. A look
 * of one who waits costs 1 or 2.
 *
 * Throws `not_configured` without a place for rows. Its reads throw `corrupt_record` for an entry that can't be read,
 * and what `store.events` throws.
 */
export function ledgerFeed(ledger: Pick<Ledger, "name" | "version">, options: LedgerFeedOptions): FeedStore {
  const { store, opaqueStore = store.opaqueStore, lookMs = 500 } = options;
  const subscription = subscriptionId(ledger);
  const rows = requireRows(opaqueStore, subscription);

  /** Reads the entries from the one on that holds the position behind `after`. */
  const entriesBehind = async (after: bigint, query: FeedOptions): Promise<readonly PlacedEntry[]> => {
    const found = await ledgerEntries(rows, subscription, { sort: ge(entryKey(after + 1n)), ...query });
    if (after === 0n || found[0]?.first === after + 1n) return found;
    const { signal } = query;
    const before = await ledgerEntries(rows, subscription, {
      sort: le(entryKey(after)),
      reverse: true,
      limit: 1,
      signal,
    });
    return [...before, ...found];
  };

  const readBehind = async (after: bigint, limit: number, signal: AbortSignal | undefined): Promise<Behind> => {
    for (let from = after, end: bigint | undefined; ; ) {
      const entries = await entriesBehind(from, { limit, signal });
      const places = entries
        .flatMap(placesOf)
        .filter(({ position }) => position > from)
        .slice(0, limit);
      const last = places.at(-1);
      if (last === undefined) return { entries: [], end };
      const found = await recordsAt(store, places, signal);
      if (found.length > 0) return { entries: found, end: last.position };
      end = from = last.position;
    }
  };

  return {
    async readFeed(after: bigint, query: FeedOptions = {}): Promise<readonly FeedEntry[]> {
      checkFeed(after, query);
      throwIfAborted(query.signal, "readFeed");
      return (await readBehind(after, query.limit ?? FEED_PAGE, query.signal)).entries;
    },

    async awaitFeed(after: bigint, { signal }: CallOptions = {}): Promise<void> {
      checkFeed(after, {});
      for (let from = after; !signal?.aborted; ) {
        try {
          const { entries, end = from } = await readBehind(from, 1, signal);
          if (entries.length > 0) return;
          from = end;
        } catch (error) {
          if (!isProtosourceError(error, "cancelled")) throw error;
          return;
        }
        await sleep(lookMs, signal);
      }
    },

    async feedEnd({ signal }: CallOptions = {}): Promise<bigint> {
      throwIfAborted(signal, "feedEnd");
      const [last] = await ledgerEntries(rows, subscription, { reverse: true, limit: 1, signal });
      return last?.end ?? 0n;
    },
  };
}

function placesOf({ first, entry }: PlacedEntry): Place[] {
  const places = entry.spans.flatMap(({ stream: streamId, versions, times }) =>
    versions.map((version, i) => ({ streamId, version, at: times[i] ?? 0n })),
  );
  return places.map((place, i) => ({ ...place, position: first + BigInt(i) }));
}

/** Gives the records of places that are stored still, in the order of the places. */
async function recordsAt(
  store: LedgerFeedOptions["store"],
  places: readonly Place[],
  signal: AbortSignal | undefined,
): Promise<FeedEntry[]> {
  const queue = new KeyedQueue(STREAMS_AT_ONCE);
  const stored = new Map<string, Map<bigint, StoredRecord>>();
  await Promise.all(
    [...new Set(places.map(({ streamId }) => streamId))].map(async (streamId) => {
      const versions = places.filter((place) => place.streamId === streamId).map(({ version }) => version);
      const [from, to] = [versions.reduce(lower), versions.reduce(higher)];
      stored.set(streamId, await queue.run(streamId, () => recordsOf(store, streamId, { from, to, signal })));
    }),
  );
  return places.flatMap(({ position, streamId, version, at }) => {
    const record = stored.get(streamId)?.get(version);
    return record === undefined ? [] : [{ position, aggregateId: streamId, record, at }];
  });
}

async function recordsOf(
  store: LedgerFeedOptions["store"],
  streamId: string,
  range: EventsOptions,
): Promise<Map<bigint, StoredRecord>> {
  const records = new Map<bigint, StoredRecord>();
  for await (const record of store.events(streamId, { ...range, includeExpired: true })) {
    records.set(record.version, record);
  }
  return records;
}

function lower(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function higher(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
