/** All events of a store, in one order. */
import type { Aggregate } from "../aggregate/aggregate.js";
import { behaviourOf } from "../aggregate/behaviour.js";
import { eventReader } from "../aggregate/event-reader.js";
import type { AggregateTypes, EventOf } from "../aggregate/types.js";
import type { CallOptions } from "../call-options.js";
import { invalid } from "../errors.js";
import type { Keyring } from "../personal/keyring.js";
import { binarySerializer } from "../serializer/binary.js";
import type { Serializer } from "../serializer/serializer.js";
import type { FeedEntry, FeedStore } from "../store/feed.js";
import { metaOf, type SaveMeta } from "../store/meta.js";

export interface FeedPlan<L extends readonly AggregateTypes[]> extends CallOptions {
  /** The aggregates whose events are given. The others are passed over, and so are snapshots and retired events that are ignored. */
  readonly of: { readonly [I in keyof L]: Aggregate<L[I]> };
  /** The position behind which it begins: the last one that was dealt with. 0n by default. */
  readonly after?: bigint | undefined;
  /** The one that the streams are written with. Binary by default. */
  readonly serializer?: Serializer | undefined;
  /** The one that the writers' repositories have. Events with personal fields need it. */
  readonly keyring?: Keyring | undefined;
}

/** The events of each of several aggregates. */
type EventIn<T> = T extends AggregateTypes ? EventOf<T> : never;

/** An event, and its place among all events of the store. */
export interface FeedEvent<E> {
  /** Counts in the order of the saves. No position is given twice, and none changes. */
  readonly position: bigint;
  readonly streamId: string;
  /** The id of the aggregate. */
  readonly id: string;
  readonly event: E;
  /** What was kept with its save. */
  readonly meta: SaveMeta | undefined;
}

/** How many records are read at once. */
const PAGE = 200;

/** How far the feed was read, and what was found there. */
export interface FeedStep<E> {
  readonly position: bigint;
  /** The event in it; undefined for what is passed over. */
  readonly found: FeedEvent<E> | undefined;
  /** Whether there is nothing behind it yet, so that the next step has to be waited for. */
  readonly isEnd: boolean;
}

/**
 * Gives the events of a store in the order in which they were saved, those of the past and then those to come, until the
 * signal is aborted. Whoever keeps the position of the last one that it has dealt with goes on behind it.
 *
 * A store in memory and an SQLite file have such an order. A table of DynamoDB hasn't: there `ledgerFeed` gives it, of a
 * ledger that a subscription keeps. Events that have expired and are stored still are given too. Throws `invalid_argument` for a position below 0 and for no aggregates, and what the read of
 * a record throws: `corrupt_record` and `unhandled_event`.
 */
export async function* feed<L extends readonly AggregateTypes[]>(
  store: FeedStore,
  plan: FeedPlan<L>,
): AsyncGenerator<FeedEvent<EventIn<L[number]>>, void, undefined> {
  for await (const { found } of feedSteps(store, plan)) {
    if (found !== undefined) yield found;
  }
}

/**
 * Gives each step through the feed, what is passed over and the end of what there is included. Throws what `feed` throws.
 */
export async function* feedSteps<L extends readonly AggregateTypes[]>(
  store: FeedStore,
  plan: FeedPlan<L>,
): AsyncGenerator<FeedStep<EventIn<L[number]>>, void, undefined> {
  const { signal } = plan;
  const definitions = plan.of as readonly object[] as readonly Aggregate<AggregateTypes>[];
  if (definitions.length === 0) throw invalid("of", "the feed gives no events: say of which aggregates");
  let { after = 0n } = plan;
  while (!signal?.aborted) {
    const entries = await store.readFeed(after, { limit: PAGE });
    const last = entries.at(-1);
    if (last === undefined) {
      yield { position: after, found: undefined, isEnd: true };
      await store.awaitFeed(after, { signal });
      continue;
    }
    for (const entry of entries) {
      const { position, aggregateId } = entry;
      const definition = definitions.find(({ schema }) => aggregateId.startsWith(behaviourOf(schema).streamPrefix));
      const found = definition && (await eventIn(entry, definition, plan));
      if (signal?.aborted) return;
      yield { position, found: found as FeedEvent<EventIn<L[number]>> | undefined, isEnd: false };
    }
    after = last.position;
  }
}

/** Reads the event in an entry; undefined for a snapshot, a retired event that is ignored, and one that took its place. */
async function eventIn(
  { position, aggregateId: streamId, record, at }: FeedEntry,
  definition: Aggregate<AggregateTypes>,
  {
    serializer = binarySerializer,
    keyring,
    signal,
  }: Pick<FeedPlan<readonly AggregateTypes[]>, "serializer" | "keyring" | "signal">,
): Promise<FeedEvent<unknown> | undefined> {
  const { snapshot, retired, streamPrefix } = behaviourOf(definition.schema);
  const read = await eventReader(definition, { serializer, keyring }, streamId, [record], { signal });
  const event = read(record);
  if (event.$typeName === snapshot?.schema.typeName || retired.has(event.$typeName)) return undefined;
  if (at !== undefined && event.at !== at) return undefined;
  const id = streamId.slice(streamPrefix.length);
  return { position, streamId, id, event, meta: metaOf(record) };
}
