import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type Aggregate, eventBehaviourOf } from "../aggregate/aggregate.js";
import { behaviourOf, type EventMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { upcast } from "../aggregate/upcast.js";
import { forgetFields } from "../personal/forget-fields.js";
import { personalPlan } from "../personal/personal-plan.js";
import { copyMessage } from "../repository/copy-message.js";

/**
 * Gives a copy of an event, with what it doesn't say of its id, version, time and actor filled in. As if it were read, the
 * personal fields of those who are `forgotten` are empty, and a retired one is upcast.
 */
export function fillEvent<T extends AggregateTypes>(
  definition: Aggregate<T>,
  event: Message,
  { id, version, at, actor }: Pick<EventMessage, "id" | "version" | "at" | "actor">,
  forgotten: ReadonlySet<string>,
): EventMessage {
  const schema = eventSchemaOf(definition, event);
  const copy = copyMessage(schema, event as EventMessage);
  copy.id ||= id;
  copy.version ||= version;
  copy.at ||= at;
  copy.actor ||= actor;
  const plan = personalPlan(schema);
  if (plan !== undefined) forgetFields(plan, copy, forgotten);
  return upcast(definition, copy) as EventMessage;
}

/** Finds the schema of an event, current or retired. Throws `unhandled_event` for one that isn't the aggregate's. */
export function eventSchemaOf<T extends AggregateTypes>(definition: Aggregate<T>, event: Message): DescMessage {
  const retired = behaviourOf(definition.schema).retired.get(event.$typeName);
  return retired ?? eventBehaviourOf(definition, event).schema;
}
