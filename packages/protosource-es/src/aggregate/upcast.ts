/** What the retired events of an aggregate mean now. */
import { clone, isMessage, type Message } from "@bufbuild/protobuf";
import { asError, invalid, ProtosourceError } from "../errors.js";
import { carryErased } from "../personal/envelopes.js";
import type { Aggregate } from "./aggregate.js";
import { type Behaviour, behaviourOf, type EventMessage } from "./behaviour.js";
import type { AggregateTypes, Rules, Upcast } from "./types.js";

/** Where an event was read. */
interface Place {
  readonly streamId: string;
  readonly version: bigint;
}

/**
 * Gives the current event that an event is read as: what the rule `upcast` makes of a retired one, with the id, the
 * version, the time and the actor of that; itself, if it is current or to be ignored. An ignored one changes nothing.
 *
 * Throws `corrupt_record` with the retired type for a rule that throws, or gives anything but a current event.
 */
export function upcast<T extends AggregateTypes>(definition: Aggregate<T>, event: Message, place?: Place): Message {
  const behaviour = behaviourOf(definition.schema);
  const schema = behaviour.retired.get(event.$typeName);
  if (schema === undefined) return event;
  const rule = rulesByName(definition.rules.upcast)[schema.name];
  if (rule === "ignore") return event;
  const { id, version, at, actor } = event as EventMessage;
  try {
    const current = Object.assign(currentEvent(behaviour, rule?.(event)), { id, version, at, actor });
    carryErased(event, current);
    return current;
  } catch (cause) {
    const { streamId, version: v } = place ?? { streamId: behaviour.streamPrefix + id, version };
    throw new ProtosourceError(
      "corrupt_record",
      `version ${v} of ${streamId} is a retired ${schema.name} that can't be read as a current event: ${asError(cause).message}; mend its upcast`,
      { key: streamId, version: v, typeName: schema.typeName },
      { cause },
    );
  }
}

/** Tells whether events of a type are retired and change nothing. */
export function isIgnored<T extends AggregateTypes>({ schema, rules }: Aggregate<T>, typeName: string): boolean {
  const retired = behaviourOf(schema).retired.get(typeName);
  return retired !== undefined && rulesByName(rules.upcast)[retired.name] === "ignore";
}

/**
 * Checks that there is a rule for each retired event, and for nothing else. Throws `invalid_argument`: the compiler says so
 * earlier.
 */
export function checkUpcasts<T extends AggregateTypes>(
  { model, schema }: Behaviour,
  upcasts: Rules<T>["upcast"],
): void {
  const rules = rulesByName(upcasts);
  const retired = model.retired.map((event) => event.schema.name);
  for (const name of retired) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === "ignore" || typeof rule === "function") continue;
    throw invalid(
      "upcast",
      `${schema.typeName} has no upcast for the retired event ${name}: give a function that makes a current event of it, or "ignore"`,
    );
  }
  for (const name of Object.keys(rules)) {
    if (retired.includes(name)) continue;
    const known = retired.length === 0 ? "it has none" : `it has ${retired.join(", ")}`;
    throw invalid(
      "upcast",
      `upcast has a rule for ${name}, which isn't a retired event of ${schema.typeName}; ${known}`,
    );
  }
}

function rulesByName(upcasts: object = {}): Readonly<Record<string, Upcast<AggregateTypes, Message>>> {
  return upcasts as Readonly<Record<string, Upcast<AggregateTypes, Message>>>;
}

/** Copies what a rule gives: it may be a constant, or hold parts of the retired event. Throws for what is no current event. */
function currentEvent({ events }: Behaviour, given: unknown): EventMessage {
  if (given instanceof Promise) {
    given.catch(() => {});
    throw new Error("its upcast is asynchronous");
  }
  const type = isMessage(given) ? given.$typeName : String(given);
  const found = events.get(type);
  if (found === undefined) throw new Error(`its upcast gives ${type}`);
  return clone(found.schema, given as Message) as EventMessage;
}
