/** Subscriptions whose effect is commands: exactly once on the store of the events, with any number of workers. */
import { foldRun } from "./fold-run.js";
import { checkSources, type HandledSource } from "./on.js";
import { effectOf } from "./process-effect.js";
import type { ProcessAnswer } from "./send.js";
import { beginOf, type Since } from "./since.js";
import {
  checkName,
  type Effect,
  type EventRun,
  type ReactTools,
  type Subscription,
  subscriptionId,
} from "./subscription.js";
import { checkTimerNames } from "./timer-rows.js";

/** What a process gets beside an event. */
export interface ProcessContext {
  readonly signal: AbortSignal | undefined;
}

/** What a process gets when a timer goes off. */
export interface TimerContext extends ProcessContext {
  /** The id of the aggregate whose event set it. */
  readonly id: string;
  readonly streamId: string;
  /** The version of that event. */
  readonly version: bigint;
  /** When it was to go off, in microseconds since the Unix epoch. */
  readonly due: bigint;
}

/** Says what to do when a timer goes off. */
export type TimerHandler = (context: TimerContext) => ProcessAnswer | Promise<ProcessAnswer>;

export interface ProcessOptions {
  /** Names its positions and timers: letters, digits, "_", "." and "-". */
  readonly name: string;
  /** A higher version gets all events since `since` anew. 1 by default. */
  readonly version?: number | undefined;
  readonly since: Since;
  /** The handlers, by {@link on}. They may be asynchronous, and run again after a conflict. */
  readonly from: readonly HandledSource<ProcessContext, ProcessAnswer | Promise<ProcessAnswer>>[];
  /** What to do when a timer goes off, by its name. */
  readonly timers?: Readonly<Record<string, TimerHandler>> | undefined;
  /** Who acts in its commands. `process:<name>` by default. */
  readonly actor?: string | undefined;
  /** How often an event is tried before its stream is parked. 5 by default. */
  readonly tries?: number | undefined;
}

/** A process. */
export interface Process extends Subscription {
  readonly kind: "process";
  readonly timers: ReadonlyMap<string, TimerHandler>;
  /** Who acts in its commands. */
  readonly actor: string;
}

/**
 * Defines what events cause in other aggregates: handlers that answer an event with commands, and timers.
 *
 * The commands of an event, the events that they come to and the position of the process are one transaction, so that
 * nothing is sent twice or forgotten. Price on DynamoDB: 2 write units for the position and for each event, row and
 * claim, and the loads. Each event of a process is a transaction of its own.
 *
 * Throws `invalid_argument` for a name, sources, timers and a `since` that can't be.
 */
export function defineProcess(options: ProcessOptions): Process {
  const { name, version = 1, since, from, timers = {}, tries = 5, actor = `process:${name}` } = options;
  checkName(name, version);
  checkSources(name, from);
  checkTimerNames(name, Object.keys(timers));
  const begin = beginOf(name, since);
  const process: Process = {
    kind: "process",
    name,
    version,
    sources: from,
    tries,
    timers: new Map(Object.entries(timers)),
    actor,
    react: (run, tools) => react(process, begin, run, tools),
  };
  return process;
}

async function react(process: Process, begin: bigint, run: EventRun, tools: ReactTools): Promise<Effect> {
  const source = run.source as HandledSource<ProcessContext, ProcessAnswer | Promise<ProcessAnswer>>;
  const { streamId } = run;
  const [step] = foldRun(run, source, () => ({ signal: tools.signal }));
  if (step === undefined) return { memo: run.memo };
  const [event, next] = run.events;
  const to = next === undefined ? run.to : next.version - 1n;
  const answer = await step.result;
  const memo = step.memo();
  if (event !== undefined && event.at < begin) return { to, memo };
  const cause = {
    subscription: subscriptionId(process),
    streamId,
    version: step.version,
    at: event?.at ?? tools.clock.now(),
    meta: run.metas.get(step.version),
  };
  return { ...(await effectOf(process, answer, cause, tools)), to, memo };
}

/** Tells whether a subscription is a process. */
export function isProcess(subscription: Subscription): subscription is Process {
  return subscription.kind === "process";
}
