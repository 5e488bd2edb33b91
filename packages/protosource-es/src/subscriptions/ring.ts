/** The engine of subscriptions: what a doorbell leads to. */
import { asError, isProtosourceError } from "../errors.js";
import { pause } from "../repository/pause.js";
import type { Doorbell } from "../store/doorbell.js";
import { type PositionMove, positionKey, type StoredPosition } from "../store/positions.js";
import { type Commit, commitAlone, isIdle } from "./commit-step.js";
import type { Engine, Happening, ObservedStep } from "./engine.js";
import { isForAll } from "./failures.js";
import { endedMemo, findEvents, MAX_RECORDS } from "./find-events.js";
import { endOf, nextRun } from "./next-run.js";
import { readPosition } from "./read-position.js";
import { checkRowsPlace } from "./rows-elsewhere.js";
import { type EventRun, type Reached, type Subscription, sourceOf, subscriptionId } from "./subscription.js";

/** How a stream stands for a subscription after a ring. */
export interface Rung {
  /**
   * - `current`: all that the doorbell tells of is handled, and what was found on the way.
   * - `parked`: the stream stands still.
   * - `ahead`: the stream ends before the position.
   * - `foreign`: the subscription doesn't get events of such streams.
   */
  readonly kind: "current" | "parked" | "ahead" | "foreign";
  /** The position. */
  readonly version: bigint;
  /** How many events were handled, or ends of lives. */
  readonly handled: number;
}

/** How often a step is tried again that met another worker, or a store that couldn't for now. */
const MAX_ATTEMPTS = 20;
const MAX_UNAVAILABLE = 3;

/** How far a position may lag behind events of no interest: reading them again costs less than a write. */
const MAX_IDLE_LAG = 32n;

/**
 * Brings a subscription up to what a stream holds: reads what the doorbell hasn't brought, and gives it to the
 * subscription run by run, each with its effect and the position in one transaction. It may be called any number of
 * times, at once, anywhere: an event has its effect once.
 *
 * Throws what keeps it from going on that is no event's fault: `unavailable`, `denied` and their like. An event that
 * can't be handled parks the stream.
 */
export async function ring(
  engine: Engine,
  subscription: Subscription,
  bell: Doorbell,
  commit: Commit = (step) => commitAlone(engine, subscription, step),
): Promise<Rung> {
  const source = sourceOf(subscription, bell.streamId);
  if (source === undefined) return { kind: "foreign", version: 0n, handled: 0 };
  const ringing = new Ringing(engine, subscription, bell.streamId, commit);
  const recalled = ringing.recall();
  let isRecalled = recalled !== undefined;
  let position = recalled ?? (await ringing.position());
  for (;;) {
    if (position.parked) return ringing.rung("parked", position);
    const found = await findEvents(engine, source, position, bell);
    switch (found.kind) {
      case "nothing":
        if (isRecalled) {
          // Another worker may have forgotten the stream, and its id be used again.
          isRecalled = false;
          position = await ringing.position();
          continue;
        }
        if (ringing.handled === 0) ringing.tell("duplicate", position.version);
        return ringing.rung("current", position);
      case "ahead":
        return ringing.rung("ahead", position);
      case "restarted":
        position = await ringing.forget(position);
        continue;
      case "unreadable":
        position = await ringing.park(position, position.version + 1n, found.error, 1);
        continue;
      case "ended":
        position = await ringing.step(position, endOf(source, position), position.expiry, !found.stored);
        continue;
      case "records":
    }
    const next = await nextRun(engine, source, position, found.records, ringing.maxEvents);
    if ("error" in next) {
      position = await ringing.park(position, next.version, next.error, 1);
      continue;
    }
    const { run, expiry } = next;
    if (found.filled) ringing.tell("filled", run.to, { events: run.events.length });
    const isOfNoInterest = run.events.length === 0 && !run.ended;
    const isLast = run.to >= (found.records.at(-1)?.version ?? 0n);
    if (isOfNoInterest && isLast && run.to - run.from < MAX_IDLE_LAG) return ringing.rung("current", position);
    position = await ringing.step(position, run, expiry, false);
    const isDone = run.to >= bell.version && isLast && found.records.length < MAX_RECORDS;
    if (isDone && position.version >= run.to && !position.parked) return ringing.rung("current", position);
  }
}

function stepOf(subscription: string, { source, events, metas }: EventRun): ObservedStep {
  const traceparents = [...metas.values()].flatMap(({ traceparent }) => traceparent ?? []);
  const aggregateType = source.behaviour.schema.typeName;
  return { operation: "handle", subscription, aggregateType, events: events.length, traceparents };
}

/** One ring: the steps that it makes, and what it counts on the way. */
class Ringing {
  handled = 0;
  maxEvents: number = MAX_RECORDS;
  readonly #engine: Engine;
  readonly #subscription: Subscription;
  readonly #streamId: string;
  readonly #id: string;
  readonly #commit: Commit;
  #attempts = 0;
  #unavailable = 0;
  #failures = 0;

  constructor(engine: Engine, subscription: Subscription, streamId: string, commit: Commit) {
    this.#engine = engine;
    this.#subscription = subscription;
    this.#streamId = streamId;
    this.#id = subscriptionId(subscription);
    this.#commit = commit;
  }

  rung(kind: Rung["kind"], { version }: StoredPosition): Rung {
    return { kind, version, handled: this.handled };
  }

  tell(kind: Happening["kind"], version: bigint, more: Partial<Happening> = {}): void {
    this.#engine.observe({
      subscription: this.#id,
      streamId: this.#streamId,
      kind,
      version,
      events: 0,
      ...more,
    });
  }

  /** Gives the position that this process has seen last. */
  recall(): StoredPosition | undefined {
    return this.#engine.seen.get(this.#key);
  }

  /** Reads the position. */
  async position(): Promise<StoredPosition> {
    const read = await readPosition(this.#engine, this.#subscription, this.#streamId);
    this.#keep(read);
    return read;
  }

  /**
   * Has a run handled, and gives the position afterwards: where the run leads to, or where another worker has brought it;
   * the same as before when it is to be tried again; parked when it was tried often enough.
   */
  async step(position: StoredPosition, run: EventRun, expiry: bigint, forgets: boolean): Promise<StoredPosition> {
    const moveTo = ({ to, memo, kept }: Reached): PositionMove => ({
      subscription: this.#id,
      streamId: this.#streamId,
      from: position.version,
      // The version stays where a life ends.
      was: run.ended ? position : undefined,
      to: forgets ? 0n : to,
      memo: run.ended && !forgets ? endedMemo() : memo,
      expiry,
      kept,
    });
    const commit = (): ReturnType<Commit> => this.#commit({ run, moveTo });
    try {
      const { move, to } = await (isIdle(run) ? commit() : this.#engine.trace(stepOf(this.#id, run), commit));
      const applied = run.events.filter(({ version }) => version <= to);
      this.handled += run.ended ? 1 : applied.length;
      this.#attempts = this.#unavailable = this.#failures = 0;
      const last = applied.at(-1);
      if (run.ended) this.tell("removed", run.from);
      else if (last) this.tell("applied", to, { events: applied.length, lag: this.#engine.clock.now() - last.at });
      return this.#remember(move);
    } catch (error) {
      return this.#failed(position, run, error);
    }
  }

  /** Takes a position away whose stream begins anew at version 1. */
  async forget(position: StoredPosition): Promise<StoredPosition> {
    return this.#move(position, { to: 0n });
  }

  /** Parks the stream at a version. */
  async park(position: StoredPosition, version: bigint, error: unknown, tries: number): Promise<StoredPosition> {
    const park = {
      version,
      error: asError(error).message.slice(0, MAX_ERROR_LENGTH),
      since: this.#engine.clock.now(),
      tries,
    };
    const { memo, expiry } = position;
    const parked = await this.#move(position, { to: position.version, memo, expiry, park });
    if (parked.parked) this.tell("parked", version, { error });
    return parked;
  }

  async #move(
    position: StoredPosition,
    change: Pick<PositionMove, "to" | "memo" | "expiry" | "park">,
  ): Promise<StoredPosition> {
    const { store, signal } = this.#engine;
    const { version: from, kept } = position;
    const move = { subscription: this.#id, streamId: this.#streamId, from, was: position, kept, ...change };
    try {
      await store.saveAll([], { positions: [move], signal });
    } catch (error) {
      if (!isProtosourceError(error, "position_conflict") && !isProtosourceError(error, "unavailable")) throw error;
      await this.#wait(error);
    }
    return this.position();
  }

  async #failed(position: StoredPosition, run: EventRun, error: unknown): Promise<StoredPosition> {
    if (isProtosourceError(error, "position_conflict")) {
      this.tell("position_conflict", error.details.version);
      await this.#wait(error, 0);
      return this.position();
    }
    if (isProtosourceError(error, "row_conflict") || isProtosourceError(error, "version_conflict")) {
      this.tell("row_conflict", run.to);
      if (isProtosourceError(error, "row_conflict")) await checkRowsPlace(this.#engine, this.#id, error.details);
      await this.#wait(error);
      return position;
    }
    if (isProtosourceError(error, "unavailable")) {
      // It may have been done all the same: the position tells.
      await this.#wait(error);
      return this.position();
    }
    if (isForAll(error)) throw error;
    if (run.events.length > 1) {
      // One of them is it: alone they show which.
      this.maxEvents = 1;
      return position;
    }
    this.#failures++;
    const version = run.events[0]?.version ?? run.from;
    this.tell("failed", version, { error });
    if (this.#failures >= this.#subscription.tries) return this.park(position, version, error, this.#failures);
    await pause(this.#failures, this.#engine.signal);
    return position;
  }

  /** Waits before a step is tried again. Throws the error when it was tried often enough. */
  async #wait(error: unknown, attempt: number = this.#attempts): Promise<void> {
    const { signal } = this.#engine;
    const isTooOften = isProtosourceError(error, "unavailable")
      ? ++this.#unavailable > MAX_UNAVAILABLE
      : ++this.#attempts > MAX_ATTEMPTS;
    if (isTooOften || signal?.aborted) throw error;
    await pause(attempt, signal);
  }

  get #key(): string {
    return positionKey(this.#id, this.#streamId);
  }

  #remember({ to, memo = new Uint8Array(), expiry = 0n, kept }: PositionMove): StoredPosition {
    const position = { streamId: this.#streamId, version: to, memo, expiry, kept };
    this.#keep(position);
    return position;
  }

  /** Keeps the positions that move; the others are read when they are needed. */
  #keep(position: StoredPosition): void {
    const { seen } = this.#engine;
    seen.delete(this.#key);
    const keptBytes = position.kept?.row?.body.length ?? 0;
    if (position.version === 0n || position.parked || keptBytes > MAX_SEEN_BYTES) return;
    seen.set(this.#key, position);
    const [oldest] = seen.keys();
    if (seen.size > MAX_SEEN && oldest !== undefined) seen.delete(oldest);
  }
}

/** How many positions a process keeps in mind. */
const MAX_SEEN = 10_000;

/** How large a row may be, in bytes, that is kept in mind with its position. */
const MAX_SEEN_BYTES = 4_096;

/** How much of what went wrong is kept with a parked stream. */
const MAX_ERROR_LENGTH = 1_000;
