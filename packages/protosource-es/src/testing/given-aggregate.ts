/** Given what happened, when a command comes, then these events: tests of an aggregate's rules, without a store. */
import { create, type DescField, type Message } from "@bufbuild/protobuf";
import { type Aggregate, eventBehaviourOf, fold } from "../aggregate/aggregate.js";
import { behaviourOf, type CommandMessage, type EventMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes, CommandOf, EventOf, Init, Outcome, RetiredOf } from "../aggregate/types.js";
import type { Clock } from "../clock.js";
import { type ErrorCode, isProtosourceError } from "../errors.js";
import { subjectErased } from "../personal/key-table.js";
import { personalPlan } from "../personal/personal-plan.js";
import { addSubjects } from "../personal/sealing.js";
import { copyMessage } from "../repository/copy-message.js";
import { commandBehaviourOf, decide } from "../repository/decide.js";
import { andThen, isPromise } from "../repository/maybe-async.js";
import { failWith, misuse, mustExpect, withThen } from "./expectation.js";
import { FakeClock } from "./fake-clock.js";
import { fillEvent } from "./fill-event.js";
import { freeze } from "./freeze.js";
import { diffFields, diffMessages, showMessage } from "./message-diff.js";

/** What events have that don't say it themselves. */
export interface EventOptions {
  /** The time of events, and of what comes of them. A {@link FakeClock} by default. */
  readonly clock?: Clock | undefined;
  /** Who caused the events that have no actor of their own; of an aggregate, who sends commands too. "someone" by default. */
  readonly actor?: string | undefined;
  /**
   * Who was forgotten since: their personal fields are empty in what happened, and `isErased` tells. A command that says
   * something of them again is refused with `subject_erased`. Nobody by default.
   */
  readonly forgotten?: readonly string[] | undefined;
}

export interface GivenOptions extends EventOptions {
  /** The id that commands and events without their own get. "1" by default. */
  readonly id?: string | undefined;
}

/** The class of an error, or the code of a {@link ProtosourceError}. */
export type Refusal = ErrorCode | (abstract new (...args: never[]) => unknown);

/** What is expected of a command. Await it: a rule may be asynchronous. One that isn't fails at once. */
export interface CommandExpectation<T extends AggregateTypes> {
  /** Expects exactly these events. Of id, version, at and actor, only those count that the expected event sets. */
  then(events: readonly EventOf<T>[]): Promise<void>;
  /** Expects the answer "skip". */
  thenSkipped(): Promise<void>;
  /** Expects an error of this code or class. */
  thenRefused(refusal: Refusal): Promise<void>;
}

/** An aggregate with a past. */
export interface Given<T extends AggregateTypes> {
  /** Lets a command come. State and command are frozen: a rule that changes them fails with a TypeError. */
  when(command: CommandOf<T>): CommandExpectation<T>;
  /** Expects the fields that are given of the state, derived ones included. */
  then(state: Init<T["aggregate"]>): void;
  /** Expects the fields that are given of a projection. */
  thenProjection<P extends keyof T["projections"] & string>(
    name: P,
    fields: T["projections"][P] extends Message ? Init<T["projections"][P]> : never,
  ): void;
}

/** Starts a test of an aggregate's rules. */
export function givenAggregate<T extends AggregateTypes>(
  definition: Aggregate<T>,
  events: readonly (EventOf<T> | RetiredOf<T>)[],
  options: GivenOptions = {},
): Given<T> {
  const { clock = new FakeClock(), id = idOf(events as readonly Message[]) ?? "1", actor = "someone" } = options;
  const forgotten = new Set(options.forgotten);
  const happened = (events as readonly Message[]).map((event, i) =>
    fillEvent(definition, event, { id, version: BigInt(i) + 1n, at: clock.now(), actor }, forgotten),
  );
  const aggregate = fold(definition, happened);
  const { schema, projections } = behaviourOf(definition.schema);

  const others: Omit<Given<T>, "then"> = {
    when(command) {
      const commandSchema = commandBehaviourOf(definition, command as Message).schema;
      const copy = copyMessage(commandSchema, command as Message as CommandMessage);
      copy.id ||= id;
      copy.actor ||= actor;
      return expectation(definition, commandSchema.name, () => {
        const call = { now: clock.now(), signal: undefined };
        const decided = decide(definition, freeze(aggregate), freeze(copy) as Message as CommandOf<T>, call);
        return andThen(decided, (outcome) => {
          checkForgotten(definition, outcome.events as readonly Message[], forgotten);
          return outcome;
        });
      });
    },
    thenProjection(name, fields) {
      const projection = projections.find((candidate) => candidate.schema.name === name);
      if (projection === undefined) throw misuse(`${schema.name} has no projection ${name}`);
      const message = create(projection.schema);
      projection.copyAggregate(aggregate, message);
      failWith(`${name} is another than expected`, diffFields(projection.schema, message, fields));
    },
  };
  const begun = { what: "given(…)", advice: "add .then({ … }), or .when(command) and what you expect of it" };
  return withThen(others, begun, (state) =>
    failWith("the state is another than expected", diffFields(schema, aggregate, state)),
  );
}

/** What is stored would be sealed with the keys of persons. Throws `subject_erased` for those who have none any more. */
function checkForgotten<T extends AggregateTypes>(
  definition: Aggregate<T>,
  events: readonly Message[],
  forgotten: ReadonlySet<string>,
): void {
  const subjects = new Set<string>();
  for (const event of events) {
    const plan = personalPlan(eventBehaviourOf(definition, event).schema);
    if (plan !== undefined) addSubjects(plan, event, subjects);
  }
  const gone = [...subjects].find((subject) => forgotten.has(subject));
  if (gone !== undefined) throw subjectErased(gone);
}

type Decided<T extends AggregateTypes> = { readonly outcome: Outcome<T> } | { readonly error: unknown };

function expectation<T extends AggregateTypes>(
  definition: Aggregate<T>,
  command: string,
  run: () => Outcome<T> | Promise<Outcome<T>>,
): CommandExpectation<T> {
  const begun = {
    what: `given(…).when(${command})`,
    advice: "add .then([…]), .thenSkipped() or .thenRefused(…)",
  };
  const asked = mustExpect(begun.what, begun.advice);
  const check = (judge: (decided: Decided<T>) => void): Promise<void> => {
    asked();
    return Promise.resolve(andThen(settle(run), judge));
  };
  const others: Omit<CommandExpectation<T>, "then"> = {
    thenSkipped() {
      return check((decided) => {
        const { skipped, events } = outcomeOf(decided);
        if (!skipped) throw new Error(`expected ${command} to be skipped, but it emitted ${names(events)}`);
      });
    },
    thenRefused(refusal) {
      const wanted = typeof refusal === "string" ? refusal : refusal.name;
      return check((decided) => {
        if ("outcome" in decided) {
          const { skipped, events } = decided.outcome;
          const instead = skipped ? "it was skipped" : `it emitted ${names(events)}`;
          throw new Error(`expected ${command} to be refused with ${wanted}, but ${instead}`);
        }
        const { error } = decided;
        if (typeof refusal === "string" ? isProtosourceError(error, refusal) : error instanceof refusal) return;
        throw new Error(`expected ${command} to be refused with ${wanted}, but the error was ${String(error)}`, {
          cause: error,
        });
      });
    },
  };
  return withThen(others, { ...begun, asked }, (events) =>
    check((decided) =>
      expectEvents(definition, command, outcomeOf(decided).events as readonly Message[], events as readonly Message[]),
    ),
  );
}

function settle<T extends AggregateTypes>(
  run: () => Outcome<T> | Promise<Outcome<T>>,
): Decided<T> | Promise<Decided<T>> {
  try {
    const result = run();
    if (!isPromise(result)) return { outcome: result };
    return result.then(
      (outcome) => ({ outcome }),
      (error: unknown) => ({ error }),
    );
  } catch (error) {
    return { error };
  }
}

/** An error that isn't expected reaches the test as it is. */
function outcomeOf<T extends AggregateTypes>(decided: Decided<T>): Outcome<T> {
  if ("error" in decided) throw decided.error;
  return decided.outcome;
}

export function expectEvents<T extends AggregateTypes>(
  definition: Aggregate<T>,
  command: string,
  actual: readonly Message[],
  expected: readonly Message[],
): void {
  const differences = Array.from({ length: Math.max(actual.length, expected.length) }).flatMap((_, i) => {
    const [got, wanted] = [actual[i], expected[i]];
    const place = `event ${i + 1}`;
    if (wanted === undefined) return got === undefined ? [] : [`${place}: expected none, got ${show(definition, got)}`];
    const shown = show(definition, wanted);
    if (got === undefined) return [`${place}: expected ${shown}, got none`];
    if (got.$typeName !== wanted.$typeName) return [`${place}: expected ${shown}, got ${show(definition, got)}`];
    const { schema } = eventBehaviourOf(definition, wanted);
    const fields = schema.fields.filter((field) => !isUnsetEnvelope(field, wanted as EventMessage));
    return diffMessages(schema, got, wanted, fields, `${place}, ${schema.name}: `);
  });
  failWith(`${command} emitted other events than expected`, differences);
}

function isUnsetEnvelope({ name }: DescField, event: EventMessage): boolean {
  return (name === "id" || name === "version" || name === "at" || name === "actor") && !event[name];
}

function show<T extends AggregateTypes>(definition: Aggregate<T>, event: Message): string {
  return showMessage(eventBehaviourOf(definition, event).schema, event);
}

function names(events: readonly unknown[]): string {
  return events.map((event) => (event as Message).$typeName.split(".").at(-1)).join(", ");
}

function idOf(events: readonly Message[]): string | undefined {
  return events.map((event) => (event as EventMessage).id).find((id) => id !== "");
}
