/** Events of several streams, as a test gives them. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import { behaviourOf, type EventMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes, EventOf, RetiredOf } from "../aggregate/types.js";
import { type Subscription, type SubscriptionSource, sourceOf } from "../subscriptions/subscription.js";
import { misuse } from "./expectation.js";
import { FakeClock } from "./fake-clock.js";
import { eventSchemaOf, fillEvent } from "./fill-event.js";
import type { EventOptions } from "./given-aggregate.js";

/** An aggregate, the id of one, and events of that one: `[order, "o-1", created, placed]`. Retired ones are upcast. */
export type StreamEvents<T extends AggregateTypes> = readonly [
  aggregate: Aggregate<T>,
  id: string,
  ...events: readonly (EventOf<T> | RetiredOf<T>)[],
];

/** Events of a stream of any aggregate. */
type AnyStreamEvents = readonly [aggregate: object, id: string, ...events: readonly unknown[]];

/** An event that happened, with its stream. */
export interface HappenedEvent {
  readonly source: SubscriptionSource;
  readonly streamId: string;
  readonly schema: DescMessage;
  readonly event: EventMessage;
}

/**
 * Makes what happened, one after the other, of what a test gives: each event follows those of its stream in `before` and
 * in front of it.
 */
export function happenedEvents(
  subscription: Subscription,
  streams: readonly AnyStreamEvents[],
  { clock = new FakeClock(), actor = "someone", forgotten = [] }: EventOptions,
  before: readonly HappenedEvent[] = [],
): readonly HappenedEvent[] {
  const all = [...before];
  const gone = new Set(forgotten);
  for (const [given, id, ...events] of streams) {
    const aggregate = given as Aggregate<never>;
    const { schema: aggregateSchema, streamPrefix } = behaviourOf(aggregate.schema as DescMessage);
    const streamId = streamPrefix + id;
    const source = sourceOf(subscription, streamId);
    if (source === undefined) {
      const names = subscription.sources.map(({ behaviour }) => behaviour.schema.name).join(", ");
      throw misuse(`${subscription.name} gets no events of ${aggregateSchema.name}: give those of ${names}`);
    }
    for (const one of events as readonly Message[]) {
      const last = all.findLast((other) => other.streamId === streamId)?.event.version ?? 0n;
      const event = fillEvent(aggregate, one, { id, version: last + 1n, at: clock.now(), actor }, gone);
      const schema = eventSchemaOf(aggregate, event);
      if (event.id !== id) throw misuse(`${schema.name} has the id ${event.id}: give it with that, not ${id}`);
      all.push({ source, streamId, schema, event });
    }
  }
  return all;
}

/** Names an event as a test speaks of it: `o-1 Placed`. */
export function showEvent({ schema, event }: HappenedEvent): string {
  return `${event.id} ${schema.name}`;
}
