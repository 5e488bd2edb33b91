/** Before the first step: copies of the commands, with the id of one aggregate and the actor in each. */
import type { Message } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import type { CommandMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { invalid } from "../errors.js";
import { copyMessage } from "./copy-message.js";
import { commandBehaviourOf } from "./decide.js";

export interface PrepareOptions {
  readonly actor?: string;
  readonly id?: string;
}

/**
 * Copies commands, so that nobody changes them meanwhile, and fills in id and actor.
 *
 * Throws `unhandled_command`, and `invalid_argument` for no command, what isn't a message, a wrong id or actor, and no
 * id where `newId` gives none.
 */
export function prepare<T extends AggregateTypes>(
  definition: Aggregate<T>,
  given: readonly Message[],
  options: PrepareOptions,
  newId: (() => string) | undefined,
): readonly [CommandMessage, ...CommandMessage[]] {
  requireGiven(options, "actor", "say who acts, or answer the request as unauthenticated");
  requireGiven(options, "id", "say which aggregate the command is for");
  const [first, ...others] = given.map((command) => copyCommand(definition, command));
  if (first === undefined) throw invalid("command", "there is no command: give at least one");
  const commands = [first, ...others] as const;
  const id = options.id ?? commands.find((command) => command.id !== "")?.id ?? makeId(definition, first, newId);
  for (const command of commands) {
    if (command.id !== "" && command.id !== id) {
      throw invalid("id", `a command is for ${command.id}, and not for ${id}: apply those of one aggregate at a time`);
    }
    command.id = id;
    command.actor = options.actor ?? command.actor;
  }
  return commands;
}

function copyCommand<T extends AggregateTypes>(definition: Aggregate<T>, command: Message): CommandMessage {
  if (typeof command?.$typeName !== "string") {
    throw invalid("command", "the command isn't a message: make it by a function of the generated code");
  }
  return copyMessage(commandBehaviourOf(definition, command).schema, command as CommandMessage);
}

function makeId<T extends AggregateTypes>(
  definition: Aggregate<T>,
  command: CommandMessage,
  newId: (() => string) | undefined,
): string {
  const { lifecycle, schema } = commandBehaviourOf(definition, command);
  if (lifecycle !== "creation") throw invalid("id", `${schema.name} has no id: say which aggregate it is for`);
  const id = newId?.();
  if (!id) throw invalid("id", `${schema.name} has no id: give one, or the repository a function newId`);
  return id;
}

/** An option that is there must say something: the types don't even take undefined. */
function requireGiven(options: PrepareOptions, name: "actor" | "id", advice: string): void {
  if (Object.hasOwn(options, name) && (typeof options[name] !== "string" || options[name] === "")) {
    throw invalid(name, `the option ${name} is empty: ${advice}`);
  }
}
