/** The rules of states: each can be come to, and each command can be given. */
import { stateMachine } from "protosource-es/model";
import type { Report } from "../diagnostic.js";
import type { Domain } from "../model.js";
import { allOf } from "../words.js";
import { rolePath } from "./places.js";

export function checkStates(domain: Domain, report: Report): void {
  const { states, transitions, reached } = stateMachine(domain);
  const named = [
    ...transitions.flatMap(({ from }) => from),
    ...domain.events.flatMap(({ setsState }) => setsState ?? []),
  ];
  // What names no state is reported already, and may mean any.
  if (named.some((name) => !states.includes(name))) return;
  for (const value of domain.aggregate?.states?.values ?? []) {
    if (reached.has(value.name)) continue;
    report(
      "W7",
      value,
      `no command leads to ${value.name}`,
      'let an event of one have it as "sets_state", or remove it where no stored aggregate is in it',
    );
  }
  for (const { command, from } of transitions) {
    const isAllowed = from.length === 0 || from.some((state) => reached.has(state));
    if (isAllowed || command.lifecycle === "creation") continue;
    report(
      "W8",
      { desc: command.schema, path: rolePath("command", 3, 0) },
      `${command.schema.name} is allowed in ${allOf(from)} alone, and no command leads there`,
      "allow it in a state that an aggregate can be in",
    );
  }
}
