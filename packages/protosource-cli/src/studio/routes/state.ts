import { commandLineOn } from "../../command-line.js";
import { jsonDiff } from "../../json-diff.js";
import { parseMoment } from "../../moment.js";
import type { KnownAggregate } from "../../schemas.js";
import type { StateAt } from "../contract.js";
import { knownOf } from "../known-of.js";
import { required } from "../query.js";
import { asShown } from "../shown-change.js";
import { historyOf } from "../state-history.js";
import type { Route } from "../studio.js";

/**
 * `state`: the state of the aggregate of the stream `id` at a version or a time, beside that `against` another, by default
 * the version before. `rules=without` leaves out what hand-written code derives.
 */
export const state: Route = async (studio, query, signal): Promise<StateAt> => {
  const id = required(query, "id");
  const { words } = studio;
  const known = seenBy(knownOf(studio.schemas, id), query);
  const history = await historyOf(studio, known, id, signal);
  const { steps } = history;
  const at = query.get("at");
  const count = at === null || at === "" ? steps.length : history.countUntil(parseMoment(at, "at"));
  const other = query.get("against");
  const against =
    other === null || other === "" ? Math.max(0, count - 1) : history.countUntil(parseMoment(other, "against"));
  const before = await history.stateAfter(against, signal);
  const shown = await history.stateAfter(count, signal);
  const changes = jsonDiff(before, shown);
  const step = steps[count - 1];
  return {
    version: versionAfter(count),
    ...(step?.at === undefined ? {} : { at: step.at.toString() }),
    ...(shown === undefined ? {} : { state: shown }),
    blame: await history.blameAfter(count, signal),
    against: versionAfter(against),
    changes: changes.map(asShown),
    first: String(steps[0]?.version ?? 0n),
    last: String(steps.at(-1)?.version ?? 0n),
    ...(history.masked ? { masked: true } : {}),
    ...(words && { line: commandLineOn(["streams", "show"], [id], ["--at", versionAfter(count), ...words]) }),
  };

  function versionAfter(count: number): string {
    return String(steps[count - 1]?.version ?? 0n);
  }
};

/** Leaves the hand-written code of an aggregate out, where that is asked for. */
function seenBy(known: KnownAggregate, query: URLSearchParams): KnownAggregate {
  if (query.get("rules") !== "without" || !known.hasRules) return known;
  const { afterOn, ...rules } = known.definition.rules;
  return { definition: { ...known.definition, rules }, hasRules: false };
}
