import { type CommandModel, type FileModel, type StateMachine, stateMachine } from "protosource-es/model";

/** An aggregate as it is shown. */
export interface Description {
  readonly aggregate: string;
  readonly states: readonly { readonly name: string; readonly reached: boolean }[];
  /** The changes of state, each from one state; from none where the aggregate is new. */
  readonly transitions: readonly { readonly from: string | undefined; readonly to: string; readonly command: string }[];
  readonly commands: readonly {
    readonly name: string;
    readonly lifecycle: CommandModel["lifecycle"];
    /** Any when empty. */
    readonly allowedStates: readonly string[];
    readonly events: readonly string[];
  }[];
}

/** Describes an aggregate: its states, how commands lead from one to another, and what each command emits. */
export function describeAggregate(aggregate: string, model: FileModel): Description {
  const machine = stateMachine(model);
  return {
    aggregate,
    states: machine.states.map((name) => ({ name, reached: machine.reached.has(name) })),
    transitions: transitionsOf(machine),
    commands: model.commands.map(({ schema, lifecycle, allowedStates, events }) => ({
      name: schema.name,
      lifecycle,
      allowedStates,
      events,
    })),
  };
}

function transitionsOf({ states: [first], transitions, reached }: StateMachine): Description["transitions"] {
  if (first === undefined) return [];
  const anywhere = [...reached].filter((state) => state !== first || transitions.some(({ to }) => to === state));
  return transitions.flatMap(({ command: { schema, lifecycle }, from, to }): Description["transitions"] => {
    const { name: command } = schema;
    if (lifecycle === "creation") return [{ from: undefined, to: to ?? first, command }];
    if (to === undefined) return [];
    return (from.length === 0 ? anywhere : from).map((state) => ({ from: state, to, command }));
  });
}
