/** Subscriptions at work: on what a store holds, and on what is being saved to it. */
import { requireKeyring } from "../aggregate/event-reader.js";
import type { CallOptions } from "../call-options.js";
import { type Clock, systemClock } from "../clock.js";
import { invalid, isProtosourceError, ProtosourceError } from "../errors.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import type { Keyring } from "../personal/keyring.js";
import { pause } from "../repository/pause.js";
import { binarySerializer } from "../serializer/binary.js";
import type { Serializer } from "../serializer/serializer.js";
import { sleep, withEither } from "../signals.js";
import type { Doorbell, DoorbellSource } from "../store/doorbell.js";
import type { StoredPosition } from "../store/positions.js";
import { type AuditReport, audit } from "./audit.js";
import { type CatchUpCounts, type CatchUpPlan, ringAll } from "./catch-up.js";
import { isProcess } from "./define-process.js";
import { type Delivery, deliver } from "./deliver.js";
import { type DropCounts, type DropPlan, drop } from "./drop.js";
import type { Engine, Happening, TraceStep } from "./engine.js";
import { isLasting } from "./failures.js";
import { type FiredTimers, fireTimers } from "./fire-timers.js";
import { followFeed, hasFeed } from "./follow-feed.js";
import { KeyedQueue } from "./keyed-queue.js";
import { look } from "./look.js";
import { admitVersion } from "./newest-version.js";
import { positionPages } from "./position-pages.js";
import { readPosition } from "./read-position.js";
import { type Saved, streamOf } from "./saved.js";
import { type SubscriptionStatus, subscriptionStatuses } from "./status.js";
import { type Subscription, type SubscriptionStore, subscriptionId } from "./subscription.js";
import { CAUGHT_UP, type PromotePlan, promote, scannableRows } from "./versions.js";

export interface SubscriptionsOptions {
  /** Where the streams are, and how far the subscriptions have come. */
  readonly store: SubscriptionStore;
  /** Where the rows of read models are kept: the store's own by default, where it tells that. */
  readonly opaqueStore?: OpaqueStore | undefined;
  /** The subscriptions, of different names or versions. */
  readonly all: readonly Subscription[];
  /** The one that the streams are written with. Binary by default. */
  readonly serializer?: Serializer | undefined;
  /** The one that the writers' repositories have. Events and rows with personal fields need it. */
  readonly keyring?: Keyring | undefined;
  /** Tells which records have expired. The machine's clock by default. */
  readonly clock?: Clock | undefined;
  /** How many streams are worked on at once. 16 by default. */
  readonly concurrency?: number | undefined;
  /** Is told of all that happens. When it throws, that is ignored. */
  readonly observe?: ((happening: Happening) => void) | undefined;
  /** Runs each step, as `subscriptionTelemetry` does, within a span. */
  readonly trace?: TraceStep | undefined;
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
  readonly #concurrency: number;
  readonly #queue: KeyedQueue;
  readonly #all: ReadonlyMap<string, Subscription>;
  /** By name, whether a newer version has run. */
  readonly #admitted = new Map<string, Promise<void>>();

  /**
   * Throws `invalid_argument` for two subscriptions of one name and version, and `not_configured` without a keyring where
   * their events have personal fields.
   */
  constructor(options: SubscriptionsOptions) {
    const { store, opaqueStore = store.opaqueStore, serializer = binarySerializer, clock = systemClock } = options;
    const { all, observe, keyring, trace = (_, run) => run(), concurrency = 16 } = options;
    this.#all = new Map(all.map((subscription) => [subscriptionId(subscription), subscription]));
    if (this.#all.size < all.length) {
      throw invalid("all", "two subscriptions have one name and version: rename one, or raise its version");
    }
    for (const { behaviour } of all.flatMap(({ sources }) => sources)) {
      if (behaviour.isPersonal) requireKeyring(keyring, behaviour.schema.typeName);
    }
    const shared = { store, opaqueStore, serializer, keyring, clock };
    this.#engine = { ...shared, observe: quietly(observe), trace, seen: new Map() };
    this.#concurrency = concurrency;
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
   * Brings what is saved to the subscriptions, until the signal is aborted. What can't be done for now is tried again.
   *
   * A store in memory and an SQLite file tell by themselves what is saved and was saved: a new subscription begins with
   * the first event. Elsewhere it takes a `source`, which is asked for more when all is done that it rang for.
   *
   * Throws `not_configured` without a source where one is needed, and for a handler, a process or an outbox of which a
   * newer version has run: it would do again what that has done. It throws what `catchUp` throws, and what no repetition helps:
   * `denied`, `table_missing` and `not_configured` of a store.
   */
  async run(options: CallOptions & { readonly source?: DoorbellSource | undefined } = {}): Promise<void> {
    // What ends one of the parts ends all.
    const end = new AbortController();
    await withEither(options.signal, end.signal, async (signal) => {
      try {
        await Promise.all([this.#follow(options.source, signal), this.#fireAgain(signal)]);
      } finally {
        end.abort();
      }
    });
  }

  /**
   * Brings all that the store holds to the subscriptions, or to one: from the first event on for one that is new. It
   * may run while events are saved and brought. Price: a scan of the events, and what the effects cost.
   */
  async catchUp(options: CatchUpPlan & { readonly only?: Subscription | undefined } = {}): Promise<CatchUpCounts> {
    const { only, signal } = options;
    const subscriptions = only ? [this.#known(only)] : [...this.#all.values()];
    const counts = await ringAll(this.#engine.store, options, (doorbells, signal) =>
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
    const outcomes = await Promise.all(
      [...this.#all.values()].filter(isProcess).map(async (one) => {
        await this.#admit(one);
        return fireTimers(engine, one);
      }),
    );
    return {
      fired: outcomes.reduce((sum, { fired }) => sum + fired, 0),
      failed: outcomes.reduce((sum, { failed }) => sum + failed, 0),
    };
  }

  /**
   * Looks whether each subscription has all that the store holds, and with `repair` has done what is missing. Price: a
   * scan of the events, and 1 or 2 read units for each stream and subscription.
   */
  audit(options: CatchUpPlan & { readonly repair?: boolean | undefined } = {}): Promise<AuditReport> {
    const { repair = false, signal } = options;
    const mend = (subscription: Subscription, doorbell: Doorbell) => this.#deliver([subscription], [doorbell], signal);
    const plan = { ...options, concurrency: this.#concurrency };
    return audit({ ...this.#engine, signal }, [...this.#all.values()], plan, repair ? mend : undefined);
  }

  /** Gives the streams that stand still, of all subscriptions. Price on DynamoDB: a read unit for some ten of them. */
  async *parked(options: CallOptions = {}): AsyncGenerator<ParkedStream, void, undefined> {
    for (const subscription of this.#all.keys()) {
      const { signal } = options;
      for await (const positions of positionPages(this.#engine.store, subscription, { parked: true, signal })) {
        for (const position of positions) yield { ...position, subscription };
      }
    }
  }

  /**
   * Waits until a subscription has handled what was saved: so one who has saved reads what came of it. `saved` is what
   * `apply` gave, an id and a version where the subscription follows one aggregate, or a stream and a version. False when
   * the time is over before, or the stream is parked. Price: 1 read unit a look, at first each 20 ms and then each 400.
   *
   * Throws `invalid_argument` for what was saved by an aggregate that the subscription doesn't follow, and for an id
   * alone where it follows several.
   */
  async reached(
    subscription: Subscription,
    saved: Saved,
    options: CallOptions & { readonly timeoutMs?: number | undefined } = {},
  ): Promise<boolean> {
    const { timeoutMs = 5_000, signal } = options;
    const [streamId, { version }] = [streamOf(subscription, saved), saved];
    const end = performance.now() + timeoutMs;
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(2 * waitMs, LAST_LOOK_MS)) {
      const { standing } = await look({ ...this.#engine, signal }, subscription, { streamId, version, kind: "saved" });
      if (standing !== "behind") return standing === "current";
      if (performance.now() + waitMs > end || signal?.aborted) return false;
      await sleep(waitMs, signal);
    }
  }

  /** Gives how the subscriptions stand: what they have caught up with, which version is served, and what is parked. */
  async status(options: CallOptions = {}): Promise<readonly SubscriptionStatus[]> {
    return subscriptionStatuses(this.#engine.store, [...this.#all.values()], options);
  }

  /**
   * Has this version of a read model served from now on; readers of `servedRows` notice within 30 seconds. It audits the
   * version first, as `audit` does and for its price, unless `audit` is false. What has waited for less than a minute
   * may be in the hands of a worker, and doesn't count, and neither does the end of a life.
   *
   * Throws `not_caught_up` while it has never caught up, while streams of it are parked, where it fell behind, and where
   * it has handled events that aren't stored any more.
   */
  promote(subscription: Subscription, options: PromotePlan = {}): Promise<void> {
    const known = this.#known(subscription);
    const { audit: looks = true, ...plan } = options;
    const engine = { ...this.#engine, signal: options.signal };
    const findings = () => audit(engine, [known], { ...plan, concurrency: this.#concurrency }, undefined);
    return promote(engine, known, looks ? findings : undefined);
  }

  /**
   * Deletes the rows and the positions of a version that no worker has any more, and gives how many of them. It goes in
   * segments, at a pace, and is resumed as a catch-up is. Price: a scan of the rows' table, and 1 write unit for each row
   * and position.
   *
   * Throws `invalid_argument` for the version that is served.
   */
  drop(name: string, version: number, options: DropPlan = {}): Promise<DropCounts> {
    const { store, opaqueStore } = this.#engine;
    return drop({ store, rows: scannableRows(opaqueStore), queue: this.#queue }, { name, version }, options);
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
    const position = await readPosition({ store, signal: options.signal }, subscription, streamId);
    if (position.parked === undefined) {
      throw new ProtosourceError(
        "not_found",
        `${parked.subscription} isn't parked in ${streamId}: it may have been released already`,
        { aggregateId: streamId, reason: "unknown" },
      );
    }
    const { version: from, memo, expiry, kept } = position;
    // When what is skipped expires isn't known.
    const behind = skip ? { to: position.parked.version, expiry: 0n } : { to: from, expiry };
    const move = { subscription: parked.subscription, streamId, from, ...behind, memo, kept, release: true };
    await store.saveAll([], { positions: [move], ...options });
    // Whatever has waited behind it rings by nobody else.
    return this.#deliver([subscription], [{ streamId, version: MAX_INT64, kind: "saved" }], options.signal);
  }

  async #follow(source: DoorbellSource | undefined, signal: AbortSignal): Promise<void> {
    const { store } = this.#engine;
    if (source !== undefined) {
      for await (const { doorbells, missed } of source.listen({ signal })) {
        await this.#insist([...this.#all.values()], doorbells, signal);
        if (missed) await this.catchUp({ signal });
      }
      return;
    }
    if (!hasFeed(store)) {
      throw new ProtosourceError(
        "not_configured",
        "this store doesn't tell what is saved to it: give run a source, such as that of the table's stream",
        { option: "source" },
      );
    }
    const followed = [...this.#all].map(([id, subscription]) =>
      followFeed(store, id, (doorbells) => this.#insist([subscription], doorbells, signal), signal),
    );
    await Promise.all(followed);
  }

  /** Lets timers go off that have come due, again and again, where there are processes. */
  async #fireAgain(signal: AbortSignal): Promise<void> {
    if (![...this.#all.values()].some(isProcess)) return;
    while (!signal.aborted) {
      try {
        await this.fireTimers({ signal });
      } catch (error) {
        if (signal.aborted) return;
        // They come due again.
        if (!isProtosourceError(error, "unavailable")) throw error;
      }
      await sleep(TIMERS_MS, signal);
    }
  }

  #deliver(
    subscriptions: readonly Subscription[],
    doorbells: readonly Doorbell[],
    signal: AbortSignal | undefined,
  ): Promise<Delivery> {
    const admit = (subscription: Subscription) => this.#admit(subscription);
    return deliver({ ...this.#engine, signal }, this.#queue, subscriptions, doorbells, admit);
  }

  /** Lets a subscription work unless a newer version than these has run, and looks for that once. */
  #admit({ kind, name }: Subscription): Promise<void> {
    const known = this.#admitted.get(name);
    if (known !== undefined) return known;
    const versions = [...this.#all.values()].filter((one) => one.name === name).map(({ version }) => version);
    const admitted = admitVersion(this.#engine.store, { kind, name, version: Math.max(...versions) });
    this.#admitted.set(name, admitted);
    admitted.catch(() => this.#admitted.delete(name));
    return admitted;
  }

  async #insist(
    subscriptions: readonly Subscription[],
    doorbells: readonly Doorbell[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let left = doorbells;
    for (let attempt = 0; left.length > 0 && !signal?.aborted; attempt++) {
      const { failures } = await this.#deliver(subscriptions, left, signal);
      const lasting = failures.find(({ error }) => isLasting(error));
      if (lasting) throw lasting.error;
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

const MAX_INT64 = 2n ** 63n - 1n;

/** How often `run` looks for timers that have come due, in milliseconds. */
const TIMERS_MS = 1_000;

/** How long `reached` waits before its second look and between its last ones, in milliseconds. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 400;

function quietly(observe: ((happening: Happening) => void) | undefined): (happening: Happening) => void {
  return (happening) => {
    try {
      observe?.(happening);
    } catch {
      // What was done mustn't look like a failure.
    }
  };
}
