/** Defining an aggregate, and computing its state from its events. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { invalid, ProtosourceError } from "../errors.js";
import { carryErased } from "../personal/envelopes.js";
import { behaviourOf, type EventBehaviour, type EventMessage } from "./behaviour.js";
import type { FileModel } from "./file-model.js";
import type { AggregateTypes, CommandOf, Rules } from "./types.js";
import { checkUpcasts, isIgnored } from "./upcast.js";

/** An aggregate: its messages, and the hand-written part of its behaviour. */
export interface Aggregate<T extends AggregateTypes> {
  readonly schema: GenMessage<T["aggregate"]>;
  readonly rules: Rules<T>;
  readonly model: FileModel;
}

/**
 * Defines the aggregate of an annotated file. Generated code calls it, from a function with the aggregate's name.
 *
 * Throws `invalid_argument` when the annotations contradict each other, which the code generator says earlier, and of
 * each mistake at once; and when a retired event has no upcast, which the compiler says.
 */
export function defineAggregate<T extends AggregateTypes>(
  schema: GenMessage<T["aggregate"]>,
  rules: Rules<T> = {},
): Aggregate<T> {
  const behaviour = behaviourOf(schema as DescMessage);
  const { model } = behaviour;
  const commands = new Set(model.commands.map((command) => command.schema.name));
  for (const name of Object.keys(rules.evaluate ?? {})) {
    if (commands.has(name)) continue;
    throw invalid(
      "evaluate",
      `evaluate has a rule for ${name}, which isn't a command of ${schema.typeName}; it has ${[...commands].join(", ")}`,
    );
  }
  checkUpcasts(behaviour, rules.upcast);
  const { revision = 0 } = rules;
  if (!(Number.isSafeInteger(revision) && revision >= 0)) {
    throw invalid("revision", `${revision} is no revision of ${schema.typeName}: count from 0, in whole numbers`);
  }
  return { schema, rules, model };
}

/**
 * Changes an aggregate as an event says, in place. Elements are shared: afterwards the aggregate and the event hold
 * the same nested messages. Derived fields stay as they are. A retired event is upcast before; one that is ignored
 * changes the version alone.
 *
 * Throws `unhandled_event` for an event of another aggregate and a retired one, and `validation_failed` for the
 * collection key `__proto__`.
 */
export function applyEvent<T extends AggregateTypes>(
  definition: Aggregate<T>,
  aggregate: T["aggregate"],
  event: Message,
): void {
  const { events, snapshot } = behaviourOf(definition.schema as DescMessage);
  const found = events.get(event.$typeName);
  const { id, version } = event as EventMessage;
  if (found !== undefined) found.apply(aggregate, event as EventMessage);
  else if (event.$typeName === snapshot?.schema.typeName) snapshot.restore(aggregate, event as EventMessage);
  else if (isIgnored(definition, event.$typeName)) Object.assign(aggregate, { id, version });
  else throw unhandledEvent(definition, event);
  carryErased(snapshot?.stateIn(event) ?? event, aggregate);
}

/** Finds what an event does. Throws `unhandled_event` for one that isn't the aggregate's, and for a retired one. */
export function eventBehaviourOf<T extends AggregateTypes>(definition: Aggregate<T>, event: Message): EventBehaviour {
  const found = behaviourOf(definition.schema as DescMessage).events.get(event.$typeName);
  if (found === undefined) throw unhandledEvent(definition, event);
  return found;
}

function unhandledEvent<T extends AggregateTypes>(
  { schema }: Aggregate<T>,
  { $typeName: typeName }: Message,
): ProtosourceError<"unhandled_event"> {
  const problem = behaviourOf(schema as DescMessage).retired.has(typeName)
    ? `${typeName} of ${schema.typeName} is retired: give the current event that it is upcast to`
    : `${schema.typeName} has no event ${typeName}: give events of its own file`;
  return new ProtosourceError("unhandled_event", problem, { typeName });
}

/**
 * Computes the state that events lead to, with its derived fields. The events may include snapshots; of several lives,
 * the last one counts. Retired events are upcast before.
 */
export function fold<T extends AggregateTypes>(definition: Aggregate<T>, events: Iterable<Message>): T["aggregate"] {
  const { events: current } = behaviourOf(definition.schema as DescMessage);
  let aggregate = emptyAggregate(definition);
  let before: Message | undefined;
  for (const event of events) {
    if (beginsLife(definition, event, before)) aggregate = emptyAggregate(definition);
    applyEvent(definition, aggregate, event);
    if (current.has(event.$typeName)) before = event;
  }
  derive(definition, aggregate);
  return aggregate;
}

/**
 * Tells whether an event begins a life of its aggregate, so that nothing before it counts: a creation command emits it
 * first. An id has several lives when it is used again after its aggregate has expired.
 *
 * `before` is the event before it in the stream, snapshots and what is ignored left aside. It matters where a creation command emits the
 * same event behind another one.
 */
export function beginsLife<T extends AggregateTypes>(
  { schema }: Pick<Aggregate<T>, "schema">,
  event: Message,
  before: Message | undefined,
): boolean {
  const found = behaviourOf(schema as DescMessage).events.get(event.$typeName);
  return found?.isFirst === true && (before === undefined || !found.follows.has(before.$typeName));
}

/** Computes the derived fields, in place. Throws `invalid_argument` for a rule that is asynchronous. */
export function derive<T extends AggregateTypes>({ schema, rules }: Aggregate<T>, aggregate: T["aggregate"]): void {
  const result: unknown = rules.afterOn?.(aggregate);
  if (!(result instanceof Promise)) return;
  result.catch(() => {});
  throw invalid(
    "afterOn",
    `afterOn of ${schema.typeName} is asynchronous: compute derived fields from the aggregate alone, at once`,
  );
}

/** Makes the state before the first event. */
export function emptyAggregate<T extends AggregateTypes>(definition: Aggregate<T>): T["aggregate"] {
  return create(definition.schema as DescMessage) as T["aggregate"];
}

/** Gives the schema of a command, by the name of its message; undefined when the aggregate has none of that name. */
export function commandSchema<T extends AggregateTypes>(
  definition: Aggregate<T>,
  name: string,
): GenMessage<CommandOf<T> & Message> | undefined {
  const command = definition.model.commands.find(({ schema }) => schema.name === name);
  return command?.schema as GenMessage<CommandOf<T> & Message> | undefined;
}
