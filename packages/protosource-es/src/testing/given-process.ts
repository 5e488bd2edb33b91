/** Given what happened, when an event happens or a timer goes off, then these commands: tests of a process. */
import type { AggregateTypes } from "../aggregate/types.js";
import { andThen } from "../repository/maybe-async.js";
import type { Process, ProcessContext } from "../subscriptions/define-process.js";
import { foldRun } from "../subscriptions/fold-run.js";
import type { HandledSource } from "../subscriptions/on.js";
import { type ProcessAnswer, type ProcessStep, stepsOf } from "../subscriptions/send.js";
import type { EventRun } from "../subscriptions/subscription.js";
import { diffSteps, timersOf } from "./diff-steps.js";
import { failWith, misuse, mustExpect, withThen } from "./expectation.js";
import { freeze } from "./freeze.js";
import type { EventOptions } from "./given-aggregate.js";
import { type HappenedEvent, happenedEvents, type StreamEvents, showEvent } from "./stream-events.js";

/** What is expected of a process. Await it: a handler may be asynchronous. One that isn't fails at once. */
export interface AnswerExpectation {
  /**
   * Expects these commands in this order, and these timers to be set and cancelled. They are given as a handler gives
   * them, by `send`, `after` and `cancel`. Of a command's id and actor, only those count that the expected one sets; what
   * a refusal means isn't compared.
   */
  then(steps: readonly ProcessStep[]): Promise<void>;
  /** Expects neither commands nor timers. */
  thenNothing(): Promise<void>;
}

/** A process with a past. */
export interface GivenProcess {
  /** Lets events happen, by which the process remembers streams and sets timers. What else it answers doesn't count. */
  events<L extends readonly AggregateTypes[]>(
    ...streams: { readonly [I in keyof L]: StreamEvents<L[I]> }
  ): GivenProcess;
  /** Lets an event happen, or several of one stream. They are frozen: a handler that changes them fails with a TypeError. */
  when<T extends AggregateTypes>(stream: StreamEvents<T>): AnswerExpectation;
  /** Lets a timer go off that the events have set. `id` tells of which aggregate, where it is set for several. */
  whenTimer(name: string, id?: string): AnswerExpectation;
}

/** Starts a test of a process. */
export function givenProcess(
  process: Process,
  options: EventOptions,
  past: readonly HappenedEvent[] = [],
): GivenProcess {
  return {
    events: (...streams) => givenProcess(process, options, happenedEvents(process, streams, options, past)),
    when(stream) {
      const all = happenedEvents(process, [stream], options, past);
      const come = all.slice(past.length);
      if (come.length === 0) throw misuse("given(…).when(…) has no event: give one behind the id");
      return expectation(come.map(showEvent).join(", "), () =>
        andThen(answerAll(process, all), (answers) => answers.slice(past.length).flatMap(({ steps }) => steps)),
      );
    },
    whenTimer(name, id) {
      const handler = process.timers.get(name);
      if (handler === undefined) throw misuse(`${process.name} has no timer ${name}: define it in timers`);
      return expectation(`the timer ${name}`, () =>
        andThen(answerAll(process, past), (answers) => {
          const setting = settingOf(answers, name, id);
          const { streamId, event } = setting.happened;
          const { version, at } = event;
          const context = { id: event.id, streamId, version, due: at + setting.delay, signal: undefined };
          return andThen(handler(context), stepsOf);
        }),
      );
    },
  };
}

/** An event, and what the process answers to it. */
interface Answered {
  readonly happened: HappenedEvent;
  readonly steps: readonly ProcessStep[];
}

type ProcessSource = HandledSource<ProcessContext, ProcessAnswer | Promise<ProcessAnswer>>;

/** Gives the events to their handlers, one after the other, each with what is remembered of its stream. */
function answerAll(
  process: Process,
  happened: readonly HappenedEvent[],
  answers: readonly Answered[] = [],
  memos: ReadonlyMap<string, Uint8Array> = new Map(),
): readonly Answered[] | Promise<readonly Answered[]> {
  const next = happened[answers.length];
  if (next === undefined) return answers;
  const { source, streamId, event } = next;
  const { id, version } = event;
  const memo = memos.get(streamId) ?? new Uint8Array();
  const run: EventRun = {
    source,
    streamId,
    id,
    from: version - 1n,
    to: version,
    events: [freeze(event)],
    metas: new Map(),
    ended: false,
    memo,
  };
  const [step] = foldRun(run, source as ProcessSource, () => ({ signal: undefined }));
  return andThen(step?.result, (answer) => {
    const remembered = new Map(memos).set(streamId, step?.memo() ?? memo);
    return answerAll(process, happened, [...answers, { happened: next, steps: stepsOf(answer) }], remembered);
  });
}

/** Finds the event by which a timer is set when all has happened. */
function settingOf(
  answers: readonly Answered[],
  name: string,
  id: string | undefined,
): { readonly happened: HappenedEvent; readonly delay: bigint } {
  const set = new Map<string, { readonly happened: HappenedEvent; readonly delay: bigint }>();
  for (const { happened, steps } of answers) {
    const step = timersOf(steps).get(name);
    if (step?.step === "after") set.set(happened.streamId, { happened, delay: step.delay });
    if (step?.step === "cancel") set.delete(happened.streamId);
  }
  const found = [...set.values()].filter(({ happened }) => id === undefined || happened.event.id === id);
  const [only, ...others] = found;
  if (only === undefined) throw misuse(`the timer ${name} isn't set: give the events that set it by .events(…)`);
  if (others.length > 0) {
    const ids = found.map(({ happened }) => happened.event.id).join(", ");
    throw misuse(`the timer ${name} is set for ${ids}: say for which one it goes off, .whenTimer("${name}", id)`);
  }
  return only;
}

function expectation(
  what: string,
  run: () => readonly ProcessStep[] | Promise<readonly ProcessStep[]>,
): AnswerExpectation {
  const begun = { what: `given(…), when ${what},`, advice: "add .then([…]) or .thenNothing()" };
  const asked = mustExpect(begun.what, begun.advice);
  const check = (expected: readonly ProcessStep[]): Promise<void> => {
    asked();
    return Promise.resolve(
      andThen(run(), (actual) =>
        failWith(`${what} leads to something else than expected`, diffSteps(actual, expected)),
      ),
    );
  };
  return withThen({ thenNothing: () => check([]) }, { ...begun, asked }, check);
}
