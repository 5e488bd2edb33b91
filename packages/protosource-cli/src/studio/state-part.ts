/** A part of the history of a state: the states after some steps of it, and which event set their values. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type Change, isJsonObject, pathText, pathWithin, valueIn } from "../json-diff.js";
import { MASK } from "./mask-personal.js";

/** A version of a stream, and what it changed. */
export interface ChangingStep {
  readonly version: bigint;
  readonly changes: readonly Change[];
}

/** The version that set each value of a state that isn't masked, by its path. */
export interface Blame {
  readonly [path: string]: string;
}

/** Where a part begins. */
export interface PartBase {
  /** Undefined where the records before don't tell it. */
  readonly state: JsonValue | undefined;
  /** Who set each value of it. */
  readonly blame: Blame;
  /** The version that took the last of what is empty, by its path: that is who set it, for as long as it is empty. */
  readonly emptied: Blame;
}

/** Where a history begins. */
export const NOTHING: PartBase = { state: undefined, blame: {}, emptied: {} };

/** Some steps, one after the other. They are gone to and fro by what changed, so that a step costs no more than that. */
export interface StatePart {
  /** Gives the state after so many of its steps; undefined where the records don't tell it. Whoever changes it changes the part. */
  stateAfter(steps: number): JsonValue | undefined;
  /** Gives the version that set each value which the state has after so many of its steps. */
  blameAfter(steps: number): Blame;
  /** Gives where a part begins that follows so many of its steps. */
  baseAfter(steps: number): PartBase;
}

/** Gives the part that steps make from where it begins. */
export function statePart(base: PartBase, steps: readonly ChangingStep[]): StatePart {
  const changedAt = stepsByPath(steps, ({ keys }) => keys);
  const takenFromAt = stepsByPath(steps, ({ keys, after }) => (after === undefined ? keys.slice(0, -1) : undefined));
  let current = base.state;
  let taken = 0;
  return {
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
      const { blame, emptied } = this.baseAfter(count);
      return Object.assign(blame, emptied);
    },
    baseAfter(count) {
      const blame: { [path: string]: string } = {};
      const emptied: { [path: string]: string } = {};
      const versionOf = (step: number): string => String(steps[step]?.version);
      // What was set as a whole set each value within, unless that was set later.
      const visit = (value: JsonValue, path: string, outer: number): void => {
        const latest = Math.max(outer, lastBelow(changedAt.get(path), count));
        // Whether a value changed that is masked isn't known.
        if (path !== "" && value !== MASK) blame[path] = latest < 0 ? (base.blame[path] as string) : versionOf(latest);
        if (path !== "" && isEmpty(value)) {
          const taken = lastBelow(takenFromAt.get(path), count);
          if (taken > latest) emptied[path] = versionOf(taken);
          else if (latest < 0 && Object.hasOwn(base.emptied, path)) emptied[path] = base.emptied[path] as string;
        } else if (isJsonObject(value)) {
          for (const name of Object.keys(value)) visit(value[name] as JsonValue, pathWithin(path, name), latest);
        }
      };
      const state = this.stateAfter(count);
      if (state !== undefined) visit(state, "", -1);
      return { state, blame, emptied };
    },
  };
}

function isEmpty(value: JsonValue): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}

/** Gives the steps that did something to a value, by the path that `placeOf` gives of what they changed, in ascending order. */
function stepsByPath(
  steps: readonly ChangingStep[],
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

/** Gives the last of ascending numbers that is below a limit; -1 where none is. */
function lastBelow(numbers: readonly number[] = [], limit: number): number {
  return numbers.findLast((one) => one < limit) ?? -1;
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
