/** The rules of commands. */
import type { DescMessage } from "@bufbuild/protobuf";
import { type CommandModel, fieldNamed, typeOf } from "protosource-es/model";
import type { Report } from "../diagnostic.js";
import { type Domain, roleOf } from "../model.js";
import { allOf, oneOf } from "../words.js";
import { checkOneofs } from "./copying.js";
import { EVENT_FIELDS, type RequiredField, requireFields } from "./fields.js";
import { rolePath } from "./places.js";

const COMMAND_FIELDS: readonly RequiredField[] = [
  { name: "id", type: "string", number: 1 },
  { name: "actor", type: "string", number: 2 },
];

export function checkCommands(domain: Domain, report: Report): void {
  for (const command of domain.commands) {
    requireFields(command.schema, `the command ${command.schema.name}`, COMMAND_FIELDS, "C1", report);
    checkEmitted(command, domain, report);
    checkStates(command, domain, report);
  }
}

function checkEmitted({ schema, events }: CommandModel, domain: Domain, report: Report): void {
  const known = domain.events.map((event) => event.schema.name);
  const wanted = known.length > 0 ? oneOf(known) : "the name of an event, once there is one";
  if (events.length === 0) {
    report(
      "C2",
      { desc: schema, path: rolePath("command") },
      `the command ${schema.name} emits no event, so that nothing would come of it`,
      `write "produces_events" with ${wanted}`,
    );
  }
  const place = { desc: schema, path: rolePath("command", 1, 0) };
  for (const name of events) {
    const event = domain.file.messages.find((message) => message.name === name);
    if (event === undefined) {
      report(
        "C3",
        place,
        `${schema.name} emits "${name}", which isn't a top-level message of its file`,
        `write ${wanted}`,
      );
    } else if (roleOf(event) !== "event") {
      report("C4", place, `${schema.name} emits ${name}, which isn't an event`, `write ${wanted}, or make it an event`);
    } else if (domain.retired.some((retired) => retired.schema === event)) {
      report("C9", place, `${schema.name} emits ${name}, which is retired`, `write ${wanted}, or remove "retired"`);
    } else {
      checkCopy(schema, event, report);
    }
  }
}

/** A command's fields go into its events by name. */
function checkCopy(command: DescMessage, event: DescMessage, report: Report): void {
  for (const field of command.fields) {
    const target = EVENT_FIELDS.some(({ name }) => name === field.name) ? undefined : fieldNamed(event, field.name);
    if (target === undefined || typeOf(field) === typeOf(target)) continue;
    report(
      "C6",
      field,
      `${field.name} is ${typeOf(field)} in the command ${command.name} and ${typeOf(target)} in its event ${event.name}`,
      "use one type, or two names",
    );
  }
  checkOneofs(command, event, command, "C8", report);
}

function checkStates({ schema, lifecycle, allowedStates }: CommandModel, { aggregate }: Domain, report: Report): void {
  if (lifecycle === "creation" && allowedStates.length > 0) {
    report(
      "C7",
      { desc: schema, path: rolePath("command", 3, 0) },
      `${schema.name} creates and is allowed in ${allOf(allowedStates)}, but there is no state before the creation`,
      'remove "allowed_states"',
    );
  }
  const states = aggregate?.states;
  if (states === undefined) return;
  const names = states.values.map(({ name }) => name);
  for (const state of allowedStates) {
    if (names.includes(state)) continue;
    report(
      "C5",
      { desc: schema, path: rolePath("command", 3, 0) },
      `${schema.name} is allowed in "${state}", which isn't a value of ${states.name}`,
      `write ${oneOf(names)}`,
    );
  }
}
