/** Aggregates that a repository keeps between commands, so that the next one needn't load its stream. */
import { type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import { type Aggregate, derive } from "../aggregate/aggregate.js";
import { behaviourOf } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { type Clock, epochSeconds } from "../clock.js";
import { invalid } from "../errors.js";
import type { Logger } from "../logger.js";
import type { Keyring } from "../personal/keyring.js";
import { personalPlan } from "../personal/personal-plan.js";
import { cachePlace } from "../personal/places.js";
import { decodeMessage } from "../serializer/decode-message.js";
import type { Store, StoredRecord } from "../store/store.js";
import type { LoadedState } from "./load.js";

/** What a cache holds of an aggregate. */
export interface CachedAggregate {
  readonly version: bigint;
  /** The state as bytes: what becomes of an object that was made from them can't reach the next command. */
  readonly state: Uint8Array;
  /** The last record behind the state. */
  readonly last: StoredRecord;
  /** When the first of the records behind the state expires, in epoch seconds; 0 for never. */
  readonly firstExpiry: bigint;
  /** What it is the state of. An entry of another aggregate is none. */
  readonly definition: object;
  /** Where the events are. An entry of another store is none. */
  readonly store: object;
}

/** A cache of the caller's, by the qualified ids of aggregates: a `Map`, or the `LRUCache` of the package lru-cache. */
export interface AggregateCache {
  get(key: string): CachedAggregate | undefined;
  set(key: string, entry: CachedAggregate): unknown;
  delete(key: string): unknown;
}

/** A state that a command is decided on. */
export interface WarmState<T extends AggregateTypes = AggregateTypes>
  extends Pick<LoadedState<T>, "aggregate" | "version" | "last" | "firstExpiry"> {
  /** Whether it comes from a cache, which doesn't see what becomes of the stream. */
  readonly isKept?: boolean;
}

/** What a repository does with its cache. A cache that fails is as good as an empty one, with a warning. */
export interface WarmAggregates<T extends AggregateTypes> {
  /** Gives the state that is kept of an aggregate. It may be stale. */
  find(streamId: string): Promise<WarmState<T> | undefined>;
  /** Keeps a state, unless a later one is kept already. Its personal fields are kept sealed. */
  keep(streamId: string, aggregate: T["aggregate"], last: StoredRecord | undefined, firstExpiry: bigint): Promise<void>;
  drop(streamId: string): Promise<void>;
}

export interface WarmAggregatesOptions<T extends AggregateTypes> {
  readonly definition: Aggregate<T>;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keyring: Keyring | undefined;
}

/**
 * Keeps aggregates in a cache. A stale one does no harm while versions only grow: a save that was decided on it
 * conflicts. So it isn't for streams that end and start anew, which may reach the same version with other events.
 *
 * Throws `invalid_argument` where events expire after a time: there, streams do start anew.
 */
export function warmAggregates<T extends AggregateTypes>(
  cache: AggregateCache,
  { definition, store, clock, logger, keyring }: WarmAggregatesOptions<T>,
): WarmAggregates<T> {
  const schema = definition.schema as DescMessage;
  if (behaviourOf(schema).ttlSeconds > 0n || (store.ttlSeconds ?? 0) > 0) {
    throw invalid(
      "cache",
      `the events of ${schema.typeName} expire, so that a stream may start anew, which a cache can't see: leave the cache out`,
    );
  }

  const sealed = keyring !== undefined && personalPlan(schema) !== undefined ? keyring : undefined;
  const attempt = async <R>(key: string, work: () => R | Promise<R>): Promise<R | undefined> => {
    try {
      return await work();
    } catch (error) {
      logger.warn(`The cache failed for ${key}: the aggregate is loaded instead.`, { error });
      return undefined;
    }
  };
  const entryOf = (key: string): CachedAggregate | undefined => {
    const entry = cache.get(key);
    return entry?.definition === definition && entry.store === store ? entry : undefined;
  };

  return {
    find: (key) =>
      attempt(key, async () => {
        const entry = entryOf(key);
        if (entry === undefined) return undefined;
        if (entry.firstExpiry > 0n && entry.firstExpiry <= epochSeconds(clock)) {
          cache.delete(key);
          return undefined;
        }
        // A copy, because byte fields are views: a rule that changes one would change the entry.
        const aggregate = decodeMessage(schema, entry.state.slice()) as T["aggregate"];
        if (sealed !== undefined) {
          const open = await sealed.opener([[schema, aggregate]]);
          open(schema, aggregate, cachePlace(key), `the cache for ${key}`);
        }
        derive(definition, aggregate);
        const { version, last, firstExpiry } = entry;
        return { aggregate, version, last, firstExpiry, isKept: true };
      }),
    async keep(key, aggregate, stored, firstExpiry) {
      await attempt(key, async () => {
        const { version } = aggregate;
        if (stored === undefined || (entryOf(key)?.version ?? 0n) > version) return;
        // A copy, because its bytes may be a view of a whole page.
        const last = { ...stored, data: stored.data.slice() };
        const kept: Message = sealed
          ? (await sealed.sealer([[schema, aggregate]])).seal(schema, aggregate, cachePlace(key))
          : aggregate;
        cache.set(key, { version, state: toBinary(schema, kept), last, firstExpiry, definition, store });
      });
    },
    async drop(key) {
      await attempt(key, () => cache.delete(key));
    },
  };
}
