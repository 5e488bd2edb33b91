/** Given what happened, then what comes of it: tests of aggregates, read models and processes, without a store. */
import type { Message } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import type { AggregateTypes, EventOf, RetiredOf } from "../aggregate/types.js";
import type { Process } from "../subscriptions/define-process.js";
import type { ReadModel } from "../subscriptions/define-read-model.js";
import { type EventOptions, type Given, type GivenOptions, givenAggregate } from "./given-aggregate.js";
import { type GivenProcess, givenProcess } from "./given-process.js";
import { type GivenReadModel, givenReadModel } from "./given-read-model.js";

/** Starts a test of a read model: `given(sales).events([order, "o-1", created, placed]).thenRows({ "c-9": { … } })`. */
export function given<R extends Message>(model: ReadModel<R>, options?: EventOptions): GivenReadModel<R>;

/**
 * Starts a test of what a process answers: `given(fulfilment).when([order, "o-1", placed]).then([send(…)])`. Its handlers
 * run, and nothing is sent: neither do its repositories need a past, nor is its `since` looked at.
 */
export function given(process: Process, options?: EventOptions): GivenProcess;

/**
 * Starts a test of an aggregate's rules: these events happened, without their ids, versions, times and actors where
 * those don't matter. Retired ones are upcast.
 */
export function given<T extends AggregateTypes>(
  definition: Aggregate<T>,
  events: readonly (EventOf<T> | RetiredOf<T>)[],
  options?: GivenOptions,
): Given<T>;

export function given<T extends AggregateTypes, R extends Message>(
  what: Aggregate<T> | ReadModel<R> | Process,
  eventsOrOptions: readonly (EventOf<T> | RetiredOf<T>)[] | EventOptions = {},
  options?: GivenOptions,
): Given<T> | GivenReadModel<R> | GivenProcess {
  if (!("kind" in what)) return givenAggregate(what, eventsOrOptions as readonly EventOf<T>[], options);
  if (what.kind === "process") return givenProcess(what, eventsOrOptions as EventOptions);
  return givenReadModel(what, eventsOrOptions as EventOptions);
}
