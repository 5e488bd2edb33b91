/** What each event of a stream changed in the state of its aggregate. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ProtosourceError } from "protosource-es";
import { type Change, isJsonObject, jsonDiff, pathText, valueIn } from "../json-diff.js";
import type { Moment } from "../moment.js";
import { recordPages } from "../scanning.js";
import type { KnownAggregate } from "../schemas.js";
import { followState } from "../state-follower.js";
import { stateJson } from "../state-json.js";
import { envelopeOf, mentionsSealed } from "./event-view.js";
import { MASK } from "./mask-personal.js";
import { readEvents } from "./read-events.js";
import type { Studio } from "./studio.js";

/** A version of a stream, and what it changed. */
export interface Step {
  readonly version: bigint;
  readonly at: bigint | undefined;
  readonly changes: readonly Change[];
}

/** The history of a state. It goes to and fro by what changed, so that a step costs no more than that. */
export interface StateHistory {
  readonly steps: readonly Step[];
  /** Whether there is more of it to see. */
  readonly masked: boolean;
  /** Until when it may be given again, by the clock of the machine; undefined for as long as it is kept. */
  readonly until: number | undefined;
  /** Gives the number of steps up to a moment. */
  countUntil(moment: Moment): number;
  /** Gives the state after so many steps; undefined where the records don't tell it. It changes with the next call. */
  stateAfter(steps: number): JsonValue | undefined;
  /** Gives the version that set each value which the state has after so many steps and isn't masked, by its path. */
  blameAfter(steps: number): { readonly [path: string]: string };
}

/** How many histories are kept: that of the stream that is looked at, seen in each way. */
const KEPT = 4;

/** How long what was opened is given again, as long as a keyring keeps keys by default: whoever is forgotten meanwhile goes. */
const OPENED_MS = 60_000;

/** Forgets what is known of a stream, so that the next look reads it anew. */
export function forgetHistories({ histories }: Studio, id: string): void {
  for (const key of histories.keys()) if ((JSON.parse(key) as [string])[0] === id) histories.delete(key);
}

/**
 * Gives the history of a stream, which is read as a whole for it and kept. Throws `not_found` for one without records, and
 * what the domain's code fails with.
 */
export async function historyOf(
  studio: Studio,
  known: KnownAggregate,
  id: string,
  signal: AbortSignal,
): Promise<StateHistory> {
  const { histories, personal } = studio;
  const now = Date.now();
  for (const [key, { until = now }] of histories) if (until < now) histories.delete(key);
  const key = JSON.stringify([id, known.hasRules, personal.isShown]);
  const found = histories.get(key);
  if (found) return found;
  const history = await readHistory(studio, known, id, personal.isShown ? now + OPENED_MS : undefined, signal);
  histories.set(key, history);
  const [oldest] = histories.keys();
  if (histories.size > KEPT && oldest !== undefined) histories.delete(oldest);
  return history;
}

async function readHistory(
  { store, schemas, personal }: Studio,
  known: KnownAggregate,
  id: string,
  until: number | undefined,
  signal: AbortSignal,
): Promise<StateHistory> {
  const { schema } = known.definition;
  const follower = followState(known);
  const steps: Step[] = [];
  let before: JsonValue | undefined;
  let masked = false;
  const show = (state: JsonValue | undefined): JsonValue | undefined => {
    if (state === undefined) return undefined;
    const shown = personal.show(schema, state);
    masked ||= shown.masked || (!personal.isShown && mentionsSealed(shown.json));
    return shown.json;
  };
  for await (const { records } of recordPages(store, { aggregateId: id, signal })) {
    for (const { scanned, payload } of await readEvents(schemas, records, personal.isShown, signal)) {
      follower.next(scanned.record, payload.event?.message);
      const after = show(stateJson(follower, known, schemas));
      const { version } = scanned.record;
      steps.push({ version, at: envelopeOf(payload).at, changes: jsonDiff(before, after) });
      before = after;
    }
  }
  if (steps.length === 0) {
    const message = `there is no stream ${id}: look for it in the list of streams`;
    throw new ProtosourceError("not_found", message, { aggregateId: id, reason: "unknown" });
  }
  return asHistory(steps, masked, until);
}

function asHistory(steps: readonly Step[], masked: boolean, until: number | undefined): StateHistory {
  const changedAt = changesByPath(steps);
  let current: JsonValue | undefined;
  let taken = 0;
  return {
    steps,
    masked,
    until,
    countUntil(moment) {
      let end = 0;
      for (const [i, { version, at }] of steps.entries()) {
        const isPast = moment.isPast({ version }, at);
        if (isPast && moment.isFinal) break;
        if (!isPast && (at !== undefined || end === i)) end = i + 1;
      }
      return end;
    },
    stateAfter(count) {
      for (; taken < count; taken++) {
        for (const { keys, after } of steps[taken]?.changes ?? []) current = withValue(current, keys, after);
      }
      for (; taken > count; taken--) {
        for (const { keys, before } of steps[taken - 1]?.changes ?? []) current = withValue(current, keys, before);
      }
      return current;
    },
    blameAfter(count) {
      const blame: { [path: string]: string } = {};
      // What was set as a whole set each value within, unless that was set later.
      const visit = (value: JsonValue, keys: readonly string[], outer: number): void => {
        const path = pathText(keys);
        const latest = Math.max(outer, lastBelow(changedAt.get(path) ?? [], count));
        // Whether a value changed that is masked isn't known.
        if (keys.length > 0 && value !== MASK) blame[path] = String(steps[latest]?.version ?? 0n);
        if (isJsonObject(value)) for (const [name, one] of Object.entries(value)) visit(one, [...keys, name], latest);
      };
      const state = this.stateAfter(count);
      if (state !== undefined) visit(state, [], 0);
      return blame;
    },
  };
}

/** Gives the steps that changed each value, by its path, in ascending order. */
function changesByPath(steps: readonly Step[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const [i, { changes }] of steps.entries()) {
    for (const { keys } of changes) {
      const path = pathText(keys);
      const at = found.get(path);
      if (at) at.push(i);
      else found.set(path, [i]);
    }
  }
  return found;
}

/** Gives the last of ascending numbers that is below a limit; 0 where none is. */
function lastBelow(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return numbers[low - 1] ?? 0;
}

/** Puts a value where it belongs, in place but for the outermost; the changes keep what they hold. */
function withValue(
  outer: JsonValue | undefined,
  [name, ...inner]: readonly string[],
  value: JsonValue | undefined,
): JsonValue | undefined {
  if (name === undefined) return structuredClone(value);
  const object = outer as JsonObject;
  const next = withValue(valueIn(object, name), inner, value);
  if (next === undefined) delete object[name];
  // Not by assignment, which takes `__proto__` for something else.
  else Object.defineProperty(object, name, { value: next, configurable: true, enumerable: true, writable: true });
  return object;
}
