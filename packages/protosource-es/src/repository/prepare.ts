/** Before the first step: copies of the commands, with the id of one aggregate and the actor in each. */
import type { Message } from "@bufbuild/protobuf";
import type { CommandMessage } from "../aggregate/behaviour.js";
import { invalid, ProtosourceError } from "../errors.js";
import { encodeMeta } from "../store/meta.js";
import type { Task } from "./change.js";
import { copyMessage } from "./copy-message.js";
import { commandBehaviourOf } from "./decide.js";
import type { AggregateChoice, ApplyAllOptions } from "./repository-options.js";
import { type Setup, streamIdOf } from "./setup.js";

export interface PrepareOptions extends AggregateChoice, Pick<ApplyAllOptions, "actor" | "meta"> {
  /** One message, or several. */
  readonly command: unknown;
}

/**
 * Copies commands, so that nobody changes them meanwhile, and fills in id and actor.
 *
 * Throws `unhandled_command`, and `invalid_argument` for no command, what isn't a message, a wrong id or actor, and no
 * id where the repository has no `newId` that gives one; `too_large` for a meta of more than 256 bytes.
 */
export function prepareTask(setup: Setup, options: PrepareOptions): Task {
  requireGiven(options, "actor", "say who acts, or answer the request as unauthenticated");
  requireGiven(options, "id", "say which aggregate the command is for");
  const { command, expectedVersion, actor } = options;
  const meta = options.meta && encodeMeta(options.meta);
  const given: readonly unknown[] = Array.isArray(command) ? command : [command];
  const commands = given.map((one) => copyCommand(setup.definition, one as Message));
  const [first] = commands;
  if (first === undefined) throw invalid("command", "there is no command: give at least one");
  const named = options.id ?? commands.find(({ id }) => id !== "")?.id;
  const id = named ?? makeId(setup, first);
  for (const one of commands) {
    if (one.id !== "" && one.id !== id) {
      throw invalid("id", `a command is for ${one.id}, and not for ${id}: apply those of one aggregate at a time`);
    }
    one.id = id;
    one.actor = actor ?? one.actor;
  }
  return { setup, id, isNamed: named !== undefined, commands, meta, expectedVersion };
}

/**
 * Checks that tasks can be one transaction.
 *
 * Throws `invalid_argument` for none, two for one aggregate, those of different stores, and a `commandId` where another
 * than the first has no id of its own; `not_configured` for a store without transactions.
 */
export function checkTogether(tasks: readonly Task[], { commandId }: ApplyAllOptions): readonly [Task, ...Task[]] {
  const [first, ...others] = tasks;
  if (first === undefined) throw invalid("commands", "there are no commands: give at least one entry");
  const { store } = first.setup;
  if (store.saveAll === undefined) {
    throw new ProtosourceError("not_configured", "applyAll needs a store with saveAll: give another store", {
      option: "applyAll",
    });
  }
  const streams = new Set<string>();
  for (const { setup, id } of tasks) {
    const streamId = streamIdOf(setup, id);
    if (setup.store !== store) {
      throw invalid("commands", `${streamId} is in another store: one transaction is of one store`);
    }
    if (streams.has(streamId)) throw invalid("commands", `${streamId} occurs twice: give its commands in one entry`);
    streams.add(streamId);
  }
  if (commandId !== undefined && others.some(({ isNamed }) => !isNamed)) {
    throw invalid(
      "commands",
      "with a commandId, each entry but the first must say its id: a new one would differ again",
    );
  }
  return [first, ...others];
}

function copyCommand(definition: Setup["definition"], command: Message): CommandMessage {
  if (typeof command?.$typeName !== "string") {
    throw invalid("command", "the command isn't a message: make it by a function of the generated code");
  }
  return copyMessage(commandBehaviourOf(definition, command).schema, command as CommandMessage);
}

function makeId({ definition, options }: Setup, command: CommandMessage): string {
  const { lifecycle, schema } = commandBehaviourOf(definition, command);
  if (lifecycle !== "creation") throw invalid("id", `${schema.name} has no id: say which aggregate it is for`);
  const id = options.newId?.();
  if (!id) throw invalid("id", `${schema.name} has no id: give one, or the repository a function newId`);
  return id;
}

/** An option that is there must say something: the types don't even take undefined. */
function requireGiven(options: PrepareOptions, name: "actor" | "id", advice: string): void {
  if (Object.hasOwn(options, name) && (typeof options[name] !== "string" || options[name] === "")) {
    throw invalid(name, `the option ${name} is empty: ${advice}`);
  }
}
