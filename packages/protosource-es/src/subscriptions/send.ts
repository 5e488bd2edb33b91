/** What a process answers to an event: commands, and timers to set or to cancel. */
import type { AggregateTypes, CommandOf } from "../aggregate/types.js";
import { invalid } from "../errors.js";
import { type AnyCommandFor, commandFor } from "../repository/command-for.js";
import type { Repository } from "../repository/repository.js";
import type { AggregateChoice } from "../repository/repository-options.js";

/**
 * What it means when a command is refused by a rule, its fields, the state of its aggregate or a value that is taken:
 * `park`, the default, is a mistake, so that the stream stands still; `done` is an outcome, and nothing is to be done; a
 * function gives what to do instead, and whatever that comes to is final.
 */
export type Refused = "park" | "done" | ((error: unknown) => ProcessAnswer);

/** A command, or several to one aggregate, that a process sends. */
export interface Sending extends AnyCommandFor {
  readonly step: "send";
  readonly refused: Refused;
}

/** A timer that a process sets. */
export interface TimerSetting {
  readonly step: "after";
  readonly timer: string;
  readonly delay: bigint;
}

/** A timer that a process cancels. */
export interface TimerCancelling {
  readonly step: "cancel";
  readonly timer: string;
}

export type ProcessStep = Sending | TimerSetting | TimerCancelling;

/** Whatever is to be done: one thing, several, or nothing. */
export type ProcessAnswer = ProcessStep | readonly ProcessStep[] | undefined;

/** Gives the steps of an answer, one by one. */
export function stepsOf(answer: ProcessAnswer): readonly ProcessStep[] {
  if (answer === undefined) return [];
  return "step" in answer ? [answer] : answer;
}

/** A time to wait: the sum of its parts. */
export interface Delay {
  readonly days?: number | undefined;
  readonly hours?: number | undefined;
  readonly minutes?: number | undefined;
  readonly seconds?: number | undefined;
}

/**
 * Sends a command, or several to one aggregate. On the store of the event it is one transaction with the position of the
 * process, so that it is carried out once. To another store it goes before the position moves, with a `commandId` of the
 * event, by which it is known again for as long as that repository remembers.
 */
export function send<T extends AggregateTypes, C extends CommandOf<T>>(
  repository: Repository<T>,
  command: C | readonly C[],
  options: AggregateChoice & { readonly refused?: Refused | undefined } = {},
): Sending {
  const { refused = "park", ...choice } = options;
  return { step: "send", ...commandFor(repository, command, choice), refused };
}

/**
 * Sets a timer of the process, reckoned from the event's time. Each stream has one of a name: one that is set already is
 * set anew. It goes off once, at that time or later.
 *
 * Throws `invalid_argument` for a delay that isn't above 0.
 */
export function after(timer: string, delay: Delay): TimerSetting {
  const { days = 0, hours = 0, minutes = 0, seconds = 0 } = delay;
  const microseconds = Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1e6);
  if (!Number.isSafeInteger(microseconds) || microseconds <= 0) {
    throw invalid("delay", `${timer} can't go off after ${JSON.stringify(delay)}: give a time above 0`);
  }
  return { step: "after", timer, delay: BigInt(microseconds) };
}

/** Cancels a timer, if it is set and hasn't gone off. */
export function cancel(timer: string): TimerCancelling {
  return { step: "cancel", timer };
}
