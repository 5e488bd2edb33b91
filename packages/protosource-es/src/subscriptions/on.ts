/** Which events of an aggregate a subscription handles, and how. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import { type Behaviour, behaviourOf, type EventMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { invalid } from "../errors.js";
import type { SaveMeta } from "../store/meta.js";
import type { SubscriptionSource } from "./subscription.js";

/** What a handler knows of an event beside the event itself. */
export interface EventContext<M> {
  /** The id of the aggregate. */
  readonly id: string;
  /** The id of the stream. */
  readonly streamId: string;
  /** The version of the event; where a life has ended, its last one. */
  readonly version: bigint;
  /** When the event happened, in microseconds since the Unix epoch; 0n where a life has ended. */
  readonly at: bigint;
  /** Who caused it. */
  readonly actor: string;
  /** What was kept with its save; undefined where nothing was, and where a life has ended. */
  readonly meta: SaveMeta | undefined;
  /** What is remembered of this stream, to be changed in place: it is kept in the transaction of the effect. */
  readonly memo: M;
}

/**
 * Handlers of an aggregate's events, by the names of the events.
 *
 * `memo` makes what is remembered of a stream at the beginning of its life. `removed` is called with the last version of
 * a life that has ended, because its events have expired or were deleted. An event that has no handler is passed over.
 */
export type Handlers<T extends AggregateTypes, M, C, R> = {
  readonly [K in keyof T["events"]]?: (event: T["events"][K], context: EventContext<M> & C) => R;
} & {
  readonly memo?: () => M;
  readonly removed?: (version: bigint, context: EventContext<M> & C) => R;
};

/** An aggregate with its handlers, whatever their types: `C` is what they get beside the event, `R` what they give. */
export interface HandledSource<C, R> extends SubscriptionSource {
  readonly newMemo: () => unknown;
  /** By the type names of the events. */
  readonly handlers: ReadonlyMap<string, (event: EventMessage, context: EventContext<unknown> & C) => R>;
  readonly removed: ((version: bigint, context: EventContext<unknown> & C) => R) | undefined;
}

/**
 * Says how the events of an aggregate are handled: `on(order, { Placed: (event, { id }) => … })`.
 *
 * Throws `invalid_argument` for a handler of an event that the aggregate hasn't.
 */
export function on<T extends AggregateTypes, M, C, R>(
  aggregate: Aggregate<T>,
  handlers: Handlers<T, M, C, R>,
): HandledSource<C, R> {
  const behaviour = behaviourOf(aggregate.schema as DescMessage);
  const { memo, removed, ...events } = handlers as Readonly<Record<string, unknown>>;
  const byType = new Map<string, (event: EventMessage, context: EventContext<unknown> & C) => R>();
  for (const [name, handler] of Object.entries(events)) {
    if (handler === undefined) continue;
    byType.set(typeNamed(behaviour, name), handler as (event: EventMessage, context: EventContext<unknown> & C) => R);
  }
  return {
    definition: aggregate as object as Aggregate<AggregateTypes>,
    behaviour,
    handles: new Set(byType.keys()),
    handlesRemoval: removed !== undefined,
    newMemo: (memo as (() => unknown) | undefined) ?? (() => undefined),
    handlers: byType,
    removed: removed as HandledSource<C, R>["removed"],
  };
}

function typeNamed({ model, schema }: Behaviour, name: string): string {
  const event = model.events.find((one) => one.schema.name === name);
  if (event !== undefined) return event.schema.typeName;
  const names = model.events.map((one) => one.schema.name).join(", ");
  throw invalid("handlers", `${schema.typeName} has no event ${name}: it has ${names}`);
}

/** Checks the sources of a subscription. Throws `invalid_argument` for none, and for an aggregate that occurs twice. */
export function checkSources(name: string, sources: readonly SubscriptionSource[]): void {
  if (sources.length === 0) throw invalid("from", `${name} gets no events: give the aggregates it follows, by on()`);
  const seen = new Set<string>();
  for (const { behaviour } of sources) {
    const { typeName } = behaviour.schema;
    if (seen.has(typeName)) throw invalid("from", `${name} follows ${typeName} twice: give all handlers in one on()`);
    seen.add(typeName);
  }
}
