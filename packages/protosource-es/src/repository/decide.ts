/** Steps 2 to 6 for one command: what it comes to, from the state alone. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type Aggregate, derive } from "../aggregate/aggregate.js";
import {
  type AggregateMessage,
  behaviourOf,
  type CommandBehaviour,
  type CommandMessage,
} from "../aggregate/behaviour.js";
import type { AggregateTypes, CommandOf, DecisionContext, EventOf, Outcome } from "../aggregate/types.js";
import { ProtosourceError } from "../errors.js";
import { copyMessage } from "./copy-message.js";
import { type AppendOptions, append, emit } from "./emit.js";
import { evaluate } from "./evaluate.js";
import { guardState } from "./guard-state.js";
import { checkLifecycle } from "./lifecycle.js";
import { andThen } from "./maybe-async.js";
import { type ValidateFields, validate } from "./validate.js";

/**
 * Decides a command: checks its lifecycle, its fields and the state, asks the rules, and makes the events. Nothing is
 * loaded or stored, and neither the aggregate nor the command is changed.
 *
 * The aggregate has version 0 when it doesn't exist. The command needs its id and actor already. The outcome comes
 * without a promise while every rule is synchronous; the first command with `buf.validate` rules loads the validator,
 * which isn't.
 *
 * Throws `unhandled_command`, `already_created`, `not_created`, `validation_failed`, `state_not_allowed`, and what a
 * rule throws.
 */
export function decide<T extends AggregateTypes>(
  definition: Aggregate<T>,
  aggregate: T["aggregate"],
  command: CommandOf<T>,
  context: DecisionContext,
): Outcome<T> | Promise<Outcome<T>> {
  return decideWith(definition, aggregate, command as Message as CommandMessage, context, {
    version: aggregate.version,
    at: () => context.now,
    accepts: () => true,
  });
}

export interface DecideOptions extends AppendOptions {
  readonly validate?: ValidateFields | undefined;
}

/** Decides a command as {@link decide} does, with what a repository knows beside the state. */
export function decideWith<T extends AggregateTypes>(
  definition: Aggregate<T>,
  aggregate: T["aggregate"],
  command: CommandMessage,
  context: DecisionContext,
  options: DecideOptions,
): Outcome<T> | Promise<Outcome<T>> {
  const behaviour = behaviourOf(definition.schema);
  const commandBehaviour = commandBehaviourOf(definition, command);
  const { schema } = commandBehaviour;
  checkLifecycle(commandBehaviour, command.id, aggregate.version);
  return andThen(validate(schema, command, options.validate), () => {
    guardState(behaviour, commandBehaviour, aggregate, command.id);
    // The rules get the originals: what they change against the rule has no effect on what is stored.
    const state = copyMessage<AggregateMessage>(behaviour.schema, aggregate);
    const source = copyMessage(schema, command);
    return andThen(evaluate(definition, commandBehaviour, aggregate, command, context), (verdict) => {
      if (verdict === undefined) return { events: [], stored: [], aggregate: state as T["aggregate"], skipped: true };
      const emitted = emit(commandBehaviour, source, verdict, options.at);
      const appended = append(definition, state, emitted, options);
      const aggregate = appended.aggregate as T["aggregate"];
      derive(definition, aggregate);
      const events = appended.events as readonly Message[] as readonly EventOf<T>[];
      return { events, stored: appended.stored, aggregate, skipped: false };
    });
  });
}

/** Finds what a command does. Throws `unhandled_command` for one that isn't the aggregate's. */
export function commandBehaviourOf<T extends AggregateTypes>(
  { schema }: Aggregate<T>,
  command: Message,
): CommandBehaviour {
  const { commands } = behaviourOf(schema as DescMessage);
  const found = commands.get(command.$typeName);
  if (found !== undefined) return found;
  const names = [...commands.values()].map((known) => known.schema.name).join(", ");
  throw new ProtosourceError(
    "unhandled_command",
    `${schema.typeName} has no command ${command.$typeName}: give one of ${names}`,
    { typeName: command.$typeName },
  );
}
