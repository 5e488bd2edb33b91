/** Step 5: what the hand-written rules say. */
import type { Message } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import type { CommandBehaviour } from "../aggregate/behaviour.js";
import type { AggregateTypes, CommandOf, Decision, DecisionContext } from "../aggregate/types.js";
import { invalid, type ProtosourceError } from "../errors.js";
import { andThen } from "./maybe-async.js";

/** A decision in one form: the fields to fill in by event, or undefined to skip. */
export type Verdict = { readonly [event: string]: object | null | undefined } | undefined;

type EvaluateAny<T extends AggregateTypes> = (
  aggregate: T["aggregate"],
  command: Message,
  context: DecisionContext,
) => Decision | Promise<Decision>;

/**
 * Asks `guard`, then the command's `evaluate`. What they throw passes unchanged.
 *
 * Throws `invalid_argument` when `evaluate` answers what isn't a decision.
 */
export function evaluate<T extends AggregateTypes>(
  { rules }: Aggregate<T>,
  { schema, emits }: CommandBehaviour,
  aggregate: T["aggregate"],
  command: Message,
  context: DecisionContext,
): Verdict | Promise<Verdict> {
  const evaluations = (rules.evaluate ?? {}) as { readonly [command: string]: EvaluateAny<T> };
  const rule = Object.hasOwn(evaluations, schema.name) ? evaluations[schema.name] : undefined;
  const guarded = rules.guard?.(aggregate, command as CommandOf<T>, context);
  return andThen(guarded, () => {
    if (rule === undefined) return {};
    return andThen(rule(aggregate, command, context), (decision) => {
      const verdict = toVerdict(schema.name, decision);
      const emitted = emits.map(({ event }) => event.schema.name);
      const stray = Object.keys(verdict ?? {}).find((name) => !emitted.includes(name));
      if (stray === undefined) return verdict;
      throw invalidDecision(schema.name, `fills in ${stray}; the command emits ${emitted.join(", ")}`);
    });
  });
}

function toVerdict(command: string, decision: Decision): Verdict {
  if (decision === "proceed") return {};
  if (decision === "skip") return undefined;
  if (typeof decision?.proceed === "object" && decision.proceed !== null) return { ...decision.proceed };
  throw invalidDecision(command, `answers ${String(decision)}; answer "proceed", "skip" or { proceed: { … } }`);
}

function invalidDecision(command: string, problem: string): ProtosourceError<"invalid_argument"> {
  return invalid(`evaluate.${command}`, `evaluate of ${command} ${problem}`);
}
