/** The states of an aggregate, and the commands that lead from one to another. */
import { type CommandModel, type EventModel, type FileModel, fieldNamed } from "./file-model.js";

/** What a command does to the state. */
export interface Transition {
  readonly command: CommandModel;
  /** The states that it is allowed in; any when empty. */
  readonly from: readonly string[];
  /** The state afterwards; undefined where it stays as it was. */
  readonly to: string | undefined;
}

/** The states of an aggregate, as far as annotations tell them. */
export interface StateMachine {
  /** In the order of the source; none without a field `state`. */
  readonly states: readonly string[];
  readonly transitions: readonly Transition[];
  /** The states that commands lead to, one after the other. The first one, 0, is that of an aggregate without a state. */
  readonly reached: ReadonlySet<string>;
}

/** Reads the state machine of an aggregate. Hand-written code, such as an `afterOn` that sets states, isn't known. */
export function stateMachine(model: FileModel): StateMachine {
  const states = model.aggregates[0]?.states?.values.map(({ name }) => name) ?? [];
  const transitions = model.commands.map((command) => ({
    command,
    from: command.allowedStates,
    to: stateAfter(command, model.events),
  }));
  return { states, transitions, reached: reachedStates(model, states, transitions) };
}

function stateAfter({ events: names }: CommandModel, events: readonly EventModel[]): string | undefined {
  const sets = names.flatMap((name) => events.find(({ schema }) => schema.name === name)?.setsState ?? []);
  return sets.at(-1);
}

function reachedStates(
  { events, commands }: FileModel,
  states: readonly string[],
  transitions: readonly Transition[],
): ReadonlySet<string> {
  // What an event holds itself may be any.
  if (events.some(({ schema, collection }) => !collection && fieldNamed(schema, "state"))) return new Set(states);
  const emitted = new Set(commands.flatMap(({ events: names }) => names));
  const fromElsewhere = events.filter(({ schema }) => !emitted.has(schema.name));
  const reached = new Set([...states.slice(0, 1), ...fromElsewhere.flatMap(({ setsState }) => setsState ?? [])]);
  let before = 0;
  while (before < reached.size) {
    before = reached.size;
    for (const { from, to } of transitions) {
      if (to !== undefined && (from.length === 0 || from.some((state) => reached.has(state)))) reached.add(to);
    }
  }
  return reached;
}
