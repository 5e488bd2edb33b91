/** What each event of a stream changed in the state of its aggregate. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ProtosourceError } from "protosource-es";
import { type Change, isJsonObject, pathText, pathWithin, valueIn } from "../json-diff.js";
import type { Moment } from "../moment.js";
import { recordPages } from "../scanning.js";
import type { KnownAggregate } from "../schemas.js";
import { followState } from "../state-follower.js";
import { envelopeOf } from "./event-view.js";
import { MASK } from "./mask-personal.js";
import { readEvents } from "./read-events.js";
import { stateChanges } from "./state-changes.js";
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
  /** How much it holds, as characters of JSON. */
  readonly size: number;
  /** Gives the number of steps up to a moment. */
  countUntil(moment: Moment): number;
  /** Gives the state after so many steps; undefined where the records don't tell it. Whoever changes it changes the history. */
  stateAfter(steps: number): JsonValue | undefined;
  /** Gives the version that set each value which the state has after so many steps and isn't masked, by its path. */
  blameAfter(steps: number): { readonly [path: string]: string };
}

/** How many histories are kept: that of the stream that is looked at, seen in each way. */
const KEPT = 4;

/** The most that those of them hold which aren't the last one, as characters of JSON. */
const KEPT_SIZE = 64_000_000;

/** How long what was opened is given again, as long as a keyring keeps keys by default: whoever is forgotten meanwhile goes. */
const OPENED_MS = 60_000;

/** How many records are read at once. */
const PAGE_SIZE = 1_000;

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
  let size = 0;
  for (const [i, [key, kept]] of [...histories].toReversed().entries()) {
    size += kept.size;
    if (i > 0 && (i >= KEPT || size > KEPT_SIZE)) histories.delete(key);
  }
  return history;
}

async function readHistory(
  { store, schemas, personal }: Studio,
  known: KnownAggregate,
  id: string,
  until: number | undefined,
  signal: AbortSignal,
): Promise<StateHistory> {
  const follower = followState(known);
  const followed = stateChanges(follower, known, schemas, personal);
  const steps: Step[] = [];
  let size = 0;
  for await (const { records } of recordPages(store, { aggregateId: id, limit: PAGE_SIZE, signal })) {
    for (const { scanned, payload } of await readEvents(schemas, records, personal.isShown, signal)) {
      follower.next(scanned.record, payload.event?.message);
      const changes = followed.next();
      steps.push({ version: scanned.record.version, at: envelopeOf(payload).at, changes });
      size += JSON.stringify(changes).length;
    }
  }
  if (steps.length === 0) {
    const message = `there is no stream ${id}: look for it in the list of streams`;
    throw new ProtosourceError("not_found", message, { aggregateId: id, reason: "unknown" });
  }
  return { ...historyOfSteps(steps), masked: followed.masked(), until, size };
}

function historyOfSteps(
  steps: readonly Step[],
): Pick<StateHistory, "steps" | "countUntil" | "stateAfter" | "blameAfter"> {
  const changedAt = stepsByPath(steps, ({ keys }) => keys);
  const takenFromAt = stepsByPath(steps, ({ keys, after }) => (after === undefined ? keys.slice(0, -1) : undefined));
  let current: JsonValue | undefined;
  let taken = 0;
  return {
    steps,
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
      const own = new Set<JsonObject>();
      for (; taken < count; taken++) {
        for (const { keys, after } of steps[taken]?.changes ?? []) current = withValue(current, keys, after, own);
      }
      for (; taken > count; taken--) {
        for (const { keys, before } of steps[taken - 1]?.changes ?? []) current = withValue(current, keys, before, own);
      }
      return current;
    },
    blameAfter(count) {
      const blame: { [path: string]: string } = {};
      // What was set as a whole set each value within, unless that was set later.
      const visit = (value: JsonValue, path: string, outer: number): void => {
        let latest = Math.max(outer, lastBelow(changedAt.get(path) ?? [], count));
        // What is empty was made so by what took the last of it.
        if (isEmpty(value)) latest = Math.max(latest, lastBelow(takenFromAt.get(path) ?? [], count));
        // Whether a value changed that is masked isn't known.
        if (path !== "" && value !== MASK) blame[path] = String(steps[latest]?.version ?? 0n);
        if (isJsonObject(value))
          for (const name of Object.keys(value)) visit(value[name] as JsonValue, pathWithin(path, name), latest);
      };
      const state = this.stateAfter(count);
      if (state !== undefined) visit(state, "", 0);
      return blame;
    },
  };
}

function isEmpty(value: JsonValue): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}

/** Gives the steps that did something to a value, by the path that `placeOf` gives of what they changed, in ascending order. */
function stepsByPath(
  steps: readonly Step[],
  placeOf: (change: Change) => readonly string[] | undefined,
): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const [i, { changes }] of steps.entries()) {
    for (const change of changes) {
      const place = placeOf(change);
      if (place === undefined) continue;
      const path = pathText(place);
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

/** Puts a value where it belongs, in copies of what is around it but for those objects that are the caller's own. */
function withValue(
  outer: JsonValue | undefined,
  [name, ...inner]: readonly string[],
  value: JsonValue | undefined,
  own: Set<JsonObject>,
): JsonValue | undefined {
  if (name === undefined) return value;
  const object = own.has(outer as JsonObject) ? (outer as JsonObject) : { ...(outer as JsonObject) };
  own.add(object);
  const next = withValue(valueIn(object, name), inner, value, own);
  if (next === undefined) delete object[name];
  // Not by assignment, which takes `__proto__` for something else.
  else Object.defineProperty(object, name, { value: next, configurable: true, enumerable: true, writable: true });
  return object;
}
