/** The types of a domain: what a generated file declares of an aggregate, and what the hand-written part of it gets. */
import type { Message, MessageInitShape } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";

/** A command, with the names of the events that it emits. */
export interface Emits<C extends Message, E extends string> {
  readonly command: C;
  readonly emits: E;
}

/** The messages of an aggregate, by role and name. A generated file declares one such interface. */
export interface AggregateTypes {
  readonly aggregate: Message & { id: string; version: bigint };
  /** Each command as an {@link Emits}. */
  readonly commands: object;
  readonly events: object;
  readonly projections: object;
  /** The events that are no longer emitted. Only an aggregate that has some declares it. */
  readonly retired?: object;
}

/** What a message can be made from. */
export type Init<M extends Message> = MessageInitShape<GenMessage<M>>;

/** The command of a name. */
export type CommandNamed<T extends AggregateTypes, K extends keyof T["commands"]> =
  T["commands"][K] extends Emits<infer C, string> ? C : never;

/** The commands of an aggregate. */
export type CommandOf<T extends AggregateTypes> = {
  [K in keyof T["commands"]]: CommandNamed<T, K>;
}[keyof T["commands"]];

/** The events of an aggregate, without its snapshot. */
export type EventOf<T extends AggregateTypes> = T["events"][keyof T["events"]];

/** The retired events of an aggregate: streams hold them, and nothing emits them any more. */
export type RetiredOf<T extends AggregateTypes> = NonNullable<T["retired"]>[keyof NonNullable<T["retired"]>];

/** The names of the events that a command emits. */
export type EmittedNames<T extends AggregateTypes, K extends keyof T["commands"]> =
  T["commands"][K] extends Emits<Message, infer E> ? E & keyof T["events"] : never;

/** The events that commands emit: those of each command of the union `C`. */
export type EventsFor<T extends AggregateTypes, C> = {
  [K in keyof T["commands"]]: CommandNamed<T, K> extends C ? T["events"][EmittedNames<T, K>] : never;
}[keyof T["commands"]];

/** The fields of an event that a rule can fill: all but those that the framework fills. */
export type EventFields<M> = M extends Message
  ? Omit<Exclude<Init<M>, M>, "$typeName" | "id" | "version" | "at" | "actor">
  : never;

/** Fields for the events of a command, by event. They take the place of what the command's own fields give. */
export type Fill<T extends AggregateTypes, K extends keyof T["commands"]> = {
  readonly [E in EmittedNames<T, K>]?: EventFields<T["events"][E]>;
};

/** What a rule says of a command: emit its events, with these fields filled in, or do nothing. */
export type Decision<F = object> = "proceed" | "skip" | { readonly proceed: F };

/** What a rule knows beside the aggregate and the command. */
export interface DecisionContext {
  /** The time of the decision, in microseconds since the Unix epoch. The first event of the command has it too. */
  readonly now: bigint;
  readonly signal: AbortSignal | undefined;
}

/**
 * Decides one command. It may be asynchronous, and it runs again when somebody else changed the aggregate meanwhile.
 *
 * It refuses by throwing; the caller of `apply` gets the very same error. It must not change what it is given.
 */
export type Evaluate<T extends AggregateTypes, K extends keyof T["commands"]> = Rule<T, K> | WideningHint<T, K>;

/**
 * What a rule is. The second signature says the same: with two that can't be combined, TypeScript doesn't look here
 * for what an answer should be, but at {@link WideningHint}.
 */
interface Rule<T extends AggregateTypes, K extends keyof T["commands"]> {
  (...args: RuleArguments<T, K>): Decision<Fill<T, K>> | Promise<Decision<Fill<T, K>>>;
  <_>(...args: RuleArguments<T, K>): Decision<Fill<T, K>> | Promise<Decision<Fill<T, K>>>;
}

/**
 * What the compiler takes for the answer of a rule while it infers the rule's type; no function is one. It keeps
 * `"proceed"` from becoming `string` where that is the only answer of an asynchronous rule: TypeScript does so unless
 * each part of the expected type is a promise.
 *
 * Of a wrong answer the compiler says that it isn't the first part of {@link Evaluate}: the one that is written first,
 * and from TypeScript 7 on the one whose name is. So the name of this one comes behind `Rule`.
 */
type WideningHint<T extends AggregateTypes, K extends keyof T["commands"]> = (
  ...args: RuleArguments<T, K>
) => Decision<Fill<T, K>> & Promise<Decision<Fill<T, K>>>;

type RuleArguments<T extends AggregateTypes, K extends keyof T["commands"]> = [
  aggregate: T["aggregate"],
  command: CommandNamed<T, K>,
  context: DecisionContext,
];

/** The decisions of an aggregate, by command; a command without one proceeds. `Required<…>` makes it exhaustive. */
export type Evaluations<T extends AggregateTypes> = {
  readonly [K in keyof T["commands"]]?: Evaluate<T, K>;
};

/**
 * What a retired event means now: the current event that it is read as, or nothing, with `"ignore"`.
 *
 * A function is pure, at once, and gives one event, so that versions stay as they are. The framework fills in the id, the
 * version, the time and the actor of the old one.
 */
export type Upcast<T extends AggregateTypes, R> = "ignore" | ((old: R) => EventOf<T>);

/** What each retired event of an aggregate means now, by its name. */
export type Upcasts<T extends AggregateTypes> = {
  readonly [K in keyof NonNullable<T["retired"]>]: Upcast<T, NonNullable<T["retired"]>[K]>;
};

/** The hand-written part of an aggregate. */
export interface Rules<T extends AggregateTypes> {
  readonly evaluate?: Evaluations<T>;
  /** Refuses any command by throwing. It runs after the check of the state, and before `evaluate`. */
  readonly guard?: (aggregate: T["aggregate"], command: CommandOf<T>, context: DecisionContext) => void | Promise<void>;
  /**
   * Computes derived fields from the others, in place. It runs after a load, after the events of a command and before
   * a snapshot, so a second run must give the same.
   */
  readonly afterOn?: (aggregate: T["aggregate"]) => void;
  /**
   * The values that no other aggregate of this kind may have, under names of your choice: a string, several, or
   * undefined or an empty one for none. Spell a value the same whenever it means the same, as in
   * `{ email: ({ email }) => email.toLowerCase() }`. A command takes and frees them in the transaction that saves its
   * events, and fails with `claim_taken` when one belongs to another aggregate. The store must keep claims.
   */
  readonly unique?: Readonly<Record<string, (aggregate: T["aggregate"]) => string | readonly string[] | undefined>>;
  /** What the retired events mean now, every one of them. Whoever reads an event of a stream gets what this makes of it. */
  readonly upcast?: Upcasts<T>;
  /**
   * How often stored events have come to lead to another state: a whole number, 0 by default. Raise it with each change
   * of what an event or an upcast means, so that loads pass over the snapshots of before. A change of the aggregate's
   * fields, of which events are retired and of which are ignored does that by itself.
   */
  readonly revision?: number;
}

/** The hand-written part of an aggregate that has retired events: its streams can't be read without what they mean now. */
export interface UpcastingRules<T extends AggregateTypes> extends Rules<T> {
  readonly upcast: Upcasts<T>;
}

/** What a command comes to. */
export interface Outcome<T extends AggregateTypes> {
  /** The events that it emits; none when it was skipped. */
  readonly events: readonly EventOf<T>[];
  /** What is to be stored: the events, with the snapshots that are due among them. */
  readonly stored: readonly Message[];
  /** The state afterwards. */
  readonly aggregate: T["aggregate"];
  readonly skipped: boolean;
}
