/** What in a domain is likely a mistake. */
import { type FileModel, keyModel } from "protosource-es/model";
import type { Description } from "../describe-aggregate.js";

/**
 * Names states that nothing leads to, commands that are never allowed, events that no command emits, and what is wrong with
 * keys, in sentences. What hand-written code does isn't known.
 */
export function domainWarnings(description: Description, model: FileModel): readonly string[] {
  const { states, commands } = description;
  const unreached = new Set(states.filter(({ reached }) => !reached).map(({ name }) => name));
  const emitted = new Set(commands.flatMap(({ events }) => events));
  const keyed = [...model.aggregates, ...model.projections];
  return [
    ...[...unreached].map((name) => `No command leads to ${name}: give an event sets_state, or remove the state.`),
    ...commands
      .filter(({ allowedStates: allowed }) => allowed.length > 0 && allowed.every((name) => unreached.has(name)))
      .map(({ name, allowedStates }) => `${name} is never allowed: nothing leads to ${allowedStates.join(" or ")}.`),
    ...model.events
      .filter(({ schema }) => !emitted.has(schema.name))
      .map(({ schema }) => `No command emits ${schema.name}: name it in produces_events, or retire it.`),
    ...keyed.flatMap(({ schema }) =>
      (keyModel(schema)?.problems ?? []).map(({ field, message }) => {
        return `${schema.name}${field === undefined ? "" : `.${field.name}`}: ${message}.`;
      }),
    ),
  ];
}
