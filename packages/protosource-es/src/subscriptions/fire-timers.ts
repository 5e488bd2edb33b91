/** Timers that have come due: each goes off once, in the transaction of what it leads to. */
import { isProtosourceError } from "../errors.js";
import { pause } from "../repository/pause.js";
import type { Process } from "./define-process.js";
import type { Engine, ObservedStep } from "./engine.js";
import { isForAll } from "./failures.js";
import { effectOf } from "./process-effect.js";
import { sourceOf, subscriptionId } from "./subscription.js";
import { dueTimers, isOf, rewritten, type StoredTimer, withoutTimer } from "./timer-rows.js";

/** What came of timers. */
export interface FiredTimers {
  readonly fired: number;
  /** Those that went off in vain: they go off again later. */
  readonly failed: number;
}

/** How often a timer is tried at once whose aggregates change meanwhile. */
const MAX_CONFLICTS = 8;

/** The time until a timer that failed once goes off again, in microseconds: a second. It doubles with each failure. */
const FIRST_PAUSE = 1_000_000n;

/** The longest time until a timer that failed goes off again, in microseconds: an hour. */
const LONGEST_PAUSE = 3_600_000_000n;

/**
 * Lets the timers of a process go off that have come due. Any number of workers may do so at once.
 *
 * Throws what keeps it from going on that is no timer's fault. A timer that fails goes off again, after 1 second first
 * and after an hour at last.
 */
export async function fireTimers(engine: Engine, process: Process): Promise<FiredTimers> {
  const { opaqueStore, clock, signal } = engine;
  if (opaqueStore === undefined || process.timers.size === 0) return { fired: 0, failed: 0 };
  let fired = 0;
  let failed = 0;
  for await (const timer of dueTimers(opaqueStore, subscriptionId(process), clock.now(), signal)) {
    const outcome = await fire(engine, process, timer);
    if (outcome === "fired") fired++;
    if (outcome === "failed") failed++;
  }
  return { fired, failed };
}

async function fire(engine: Engine, process: Process, timer: StoredTimer): Promise<"fired" | "failed" | "taken"> {
  const { clock, signal, observe } = engine;
  const { streamId, version, subscription, due, meta } = timer;
  const step: ObservedStep = {
    operation: "timer",
    subscription,
    aggregateType: sourceOf(process, streamId)?.behaviour.schema.typeName ?? "",
    events: 0,
    traceparents: meta?.traceparent === undefined ? [] : [meta.traceparent],
  };
  const happening = { subscription, streamId, version, events: 0 } as const;
  for (let attempt = 1; ; attempt++) {
    try {
      await engine.trace(step, () => goOff(engine, process, timer));
      observe({ ...happening, kind: "timer", lag: clock.now() - due });
      return "fired";
    } catch (error) {
      if (isProtosourceError(error, "row_conflict") && isOf(timer, error.details)) return "taken";
      const isConflict = isProtosourceError(error, "row_conflict") || isProtosourceError(error, "version_conflict");
      if (isConflict && attempt < MAX_CONFLICTS) {
        await pause(attempt, signal);
        continue;
      }
      // What is set stays, and goes off at the next look.
      if (isForAll(error)) throw error;
      observe({ ...happening, kind: "failed", error });
      await postpone(engine, timer);
      return "failed";
    }
  }
}

/** Works out what a timer leads to, and stores it. */
async function goOff(engine: Engine, process: Process, timer: StoredTimer): Promise<void> {
  const { store, opaqueStore, keyring, clock, signal } = engine;
  const { streamId, version, subscription, name, due, meta } = timer;
  const handler = process.timers.get(name);
  if (handler === undefined) throw new Error(`${subscription} has no timer ${name} any more: keep it in timers`);
  const prefix = sourceOf(process, streamId)?.behaviour.streamPrefix ?? "";
  const context = { id: streamId.slice(prefix.length), streamId, version, due, signal };
  const answer = await Promise.resolve(handler(context));
  const cause = { subscription, streamId, version, at: clock.now(), meta, timer: `${name}@${due}` };
  const tools = { store, opaqueStore, keyring, clock, signal };
  const { writes = [], rows = [], ...others } = await effectOf(process, answer, cause, tools);
  await store.saveAll(writes, { ...others, rows: withoutTimer(timer, rows), signal });
}

/** Sets a timer that failed to a later time, unless somebody else has changed it meanwhile. */
async function postpone({ store, clock, signal }: Engine, timer: StoredTimer): Promise<void> {
  const waiting = FIRST_PAUSE << BigInt(Math.min(timer.tries, 20));
  const next = clock.now() + (waiting < LONGEST_PAUSE ? waiting : LONGEST_PAUSE);
  try {
    await store.saveAll([], { rows: [rewritten({ ...timer, next, tries: timer.tries + 1 }, timer.was)], signal });
  } catch (error) {
    if (!isProtosourceError(error, "row_conflict")) throw error;
  }
}
