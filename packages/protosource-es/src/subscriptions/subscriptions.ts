/** Subscriptions at work: on what a store holds, and on what is being saved to it. */
import type { CallOptions } from "../call-options.js";
import { type Clock, systemClock } from "../clock.js";
import { invalid, ProtosourceError } from "../errors.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import { pause } from "../repository/pause.js";
import { binarySerializer } from "../serializer/binary.js";
import type { Serializer } from "../serializer/serializer.js";
import type { Doorbell, DoorbellSource } from "../store/doorbell.js";
import type { StoredPosition } from "../store/positions.js";
import { type CatchUpCounts, ringAll, type ScanPlan } from "./catch-up.js";
import { isProcess } from "./define-process.js";
import { type Delivery, deliver } from "./deliver.js";
import type { Engine, Happening } from "./engine.js";
import { type FiredTimers, fireTimers } from "./fire-timers.js";
import { KeyedQueue } from "./keyed-queue.js";
import { type Subscription, type SubscriptionStore, subscriptionId } from "./subscription.js";

export interface SubscriptionsOptions {
  /** Where the streams are, and how far the subscriptions have come. */
  readonly store: SubscriptionStore & { readonly opaqueStore?: OpaqueStore | undefined };
  /** Where the rows of read models are kept: the store's own by default, where it tells that. */
  readonly opaqueStore?: OpaqueStore | undefined;
  /** The subscriptions, of different names or versions. */
  readonly all: readonly Subscription[];
  /** The one that the streams are written with. Binary by default. */
  readonly serializer?: Serializer | undefined;
  /** Tells which records have expired. The machine's clock by default. */
  readonly clock?: Clock | undefined;
  /** How many streams are worked on at once. 16 by default. */
  readonly concurrency?: number | undefined;
  /** Is told of all that happens. When it throws, that is ignored. */
  readonly observe?: ((happening: Happening) => void) | undefined;
}

/** A stream that stands still. */
export interface ParkedStream extends StoredPosition {
  readonly subscription: string;
}

/**
 * Brings events to subscriptions. Any number of these may work at once, in any number of processes: each event has its
 * effect once.
 */
export class Subscriptions {
  readonly #engine: Omit<Engine, "signal">;
  readonly #queue: KeyedQueue;
  readonly #all: ReadonlyMap<string, Subscription>;

  /** Throws `invalid_argument` for two subscriptions of one name and version. */
  constructor(options: SubscriptionsOptions) {
    const { store, opaqueStore = store.opaqueStore, serializer = binarySerializer, clock = systemClock } = options;
    const { all, observe, concurrency = 16 } = options;
    this.#all = new Map(all.map((subscription) => [subscriptionId(subscription), subscription]));
    if (this.#all.size < all.length) {
      throw invalid("all", "two subscriptions have one name and version: rename one, or raise its version");
    }
    this.#engine = { store, opaqueStore, serializer, clock, observe: quietly(observe), seen: new Map() };
    this.#queue = new KeyedQueue(concurrency);
  }

  /**
   * Brings doorbells to all subscriptions that get events of their streams, and tells which must ring again. It is what
   * a Lambda function calls.
   */
  deliver(doorbells: readonly Doorbell[], options: CallOptions = {}): Promise<Delivery> {
    return this.#deliver([...this.#all.values()], doorbells, options.signal);
  }

  /**
   * Brings what a source rings to the subscriptions, until the signal is aborted. What can't be done for now is tried
   * again, and the source is asked for more when it is done.
   */
  async run(options: CallOptions & { readonly source: DoorbellSource }): Promise<void> {
    const { source, signal } = options;
    for await (const { doorbells, missed } of source.listen({ signal })) {
      await this.#insist([...this.#all.values()], doorbells, signal);
      if (missed) await this.catchUp({ signal });
    }
  }

  /**
   * Brings all that the store holds to the subscriptions, or to one: from the first event on for one that is new. It
   * may run while events are saved and brought. Price: a scan of the events, and what the effects cost.
   */
  async catchUp(options: ScanPlan & { readonly only?: Subscription | undefined } = {}): Promise<CatchUpCounts> {
    const { only, signal } = options;
    const subscriptions = only ? [this.#known(only)] : [...this.#all.values()];
    const counts = await ringAll(this.#engine.store, options, (doorbells) =>
      this.#deliver(subscriptions, doorbells, signal),
    );
    const now = this.#engine.clock.now();
    for (const subscription of subscriptions) {
      await this.#engine.store.setMark(subscriptionId(subscription), CAUGHT_UP, now, { signal });
    }
    return counts;
  }

  /**
   * Lets the timers of processes go off that have come due, once each. `run` does so again and again; where functions
   * are called instead, call it once a minute or so. Price: 2 read units for each process with timers, and what they
   * lead to.
   */
  async fireTimers(options: CallOptions = {}): Promise<FiredTimers> {
    const engine = { ...this.#engine, signal: options.signal };
    const outcomes = await Promise.all([...this.#all.values()].filter(isProcess).map((one) => fireTimers(engine, one)));
    return {
      fired: outcomes.reduce((sum, { fired }) => sum + fired, 0),
      failed: outcomes.reduce((sum, { failed }) => sum + failed, 0),
    };
  }

  /** Gives the streams that stand still, of all subscriptions. */
  async *parked(options: CallOptions = {}): AsyncGenerator<ParkedStream, void, undefined> {
    for (const subscription of this.#all.keys()) {
      let cursor: string | undefined;
      do {
        const page = await this.#engine.store.scanPositions(subscription, { ...options, parked: true, cursor });
        for (const position of page.positions) yield { ...position, subscription };
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
  }

  /**
   * Lets a parked stream go on with the event that was parked, or with `skip` behind it, and handles what has waited.
   *
   * Throws `not_found` for a stream that isn't parked, and `invalid_argument` for an unknown subscription.
   */
  async release(
    parked: { readonly subscription: string; readonly streamId: string; readonly skip?: boolean | undefined },
    options: CallOptions = {},
  ): Promise<Delivery> {
    const { streamId, skip = false } = parked;
    const { store } = this.#engine;
    const subscription = this.#all.get(parked.subscription);
    if (subscription === undefined) {
      const known = [...this.#all.keys()].join(", ");
      throw invalid("subscription", `there is no subscription ${parked.subscription}: there are ${known}`);
    }
    const [position] = await store.readPositions(parked.subscription, [streamId], options);
    if (position?.parked === undefined) {
      throw new ProtosourceError(
        "not_found",
        `${parked.subscription} isn't parked in ${streamId}: it may have been released already`,
        { aggregateId: streamId, reason: "unknown" },
      );
    }
    const { version: from, memo, expiry } = position;
    const to = skip ? position.parked.version : from;
    const move = { subscription: parked.subscription, streamId, from, to, memo, expiry, release: true };
    await store.saveAll([], { positions: [move], ...options });
    return this.#deliver([subscription], [{ streamId, version: to + 1n, kind: "saved" }], options.signal);
  }

  #deliver(
    subscriptions: readonly Subscription[],
    doorbells: readonly Doorbell[],
    signal: AbortSignal | undefined,
  ): Promise<Delivery> {
    return deliver({ ...this.#engine, signal }, this.#queue, subscriptions, doorbells);
  }

  async #insist(
    subscriptions: readonly Subscription[],
    doorbells: readonly Doorbell[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let left = doorbells;
    for (let attempt = 0; left.length > 0 && !signal?.aborted; attempt++) {
      const { failures } = await this.#deliver(subscriptions, left, signal);
      left = failures.map(({ doorbell }) => doorbell);
      if (left.length > 0) await pause(attempt, signal);
    }
  }

  #known(subscription: Subscription): Subscription {
    const known = this.#all.get(subscriptionId(subscription));
    if (known) return known;
    throw invalid("only", `${subscriptionId(subscription)} isn't among these subscriptions: give it in all`);
  }
}

/** The mark of the time at which a subscription had seen all that was stored, in microseconds. */
const CAUGHT_UP = "caught-up";

function quietly(observe: ((happening: Happening) => void) | undefined): (happening: Happening) => void {
  return (happening) => {
    try {
      observe?.(happening);
    } catch {
      // What was done mustn't look like a failure.
    }
  };
}
