/** What each event changes in the state of an aggregate, as JSON. */
import type { DescField, JsonObject, JsonValue, Message } from "@bufbuild/protobuf";
import { type Change, jsonDiff, valueIn } from "../json-diff.js";
import type { KnownAggregate, Schemas } from "../schemas.js";
import type { StateFollower } from "../state-follower.js";
import { stateJson } from "../state-json.js";
import { mentionsSealed } from "./event-view.js";
import type { PersonalView } from "./personal-view.js";

/** Tells what changes while a state is followed. */
export interface StateChanges {
  /** Gives what differs between the state now and at the call before, as it may be shown. */
  next(): readonly Change[];
  /** Tells whether something of the states so far was masked. */
  masked(): boolean;
}

/** A map of messages of the state. */
interface FollowedMap {
  readonly field: DescField;
  readonly elements: Map<string, Element>;
}

interface Element {
  /** The message as it was: the domain's code may change messages in place. */
  readonly copy: unknown;
  readonly json: JsonValue;
}

/**
 * Tells what changes in the state of a follower. Maps of messages may hold thousands: of these only what is new or has changed
 * becomes JSON, and each of the others costs a comparison.
 */
export function stateChanges(
  follower: StateFollower,
  known: KnownAggregate,
  schemas: Pick<Schemas, "registry">,
  personal: PersonalView,
): StateChanges {
  const { schema } = known.definition;
  const maps: readonly FollowedMap[] = schema.fields
    .filter((field) => field.fieldKind === "map" && field.message !== undefined && !personal.hides(field))
    .map((field) => ({ field, elements: new Map() }));
  /** What isn't in the maps; undefined where the state isn't known. */
  let rest: JsonObject | undefined;
  let masked = false;

  const show = (state: Message): JsonObject => {
    const json = stateJson({ state: () => state, sealed: follower.sealed }, known, schemas) as JsonValue;
    const shown = personal.show(schema, json);
    masked ||= shown.masked || (!personal.isShown && mentionsSealed(shown.json));
    return shown.json as JsonObject;
  };
  const whole = (): JsonObject | undefined => {
    if (rest === undefined) return undefined;
    const filled = maps.filter(({ elements }) => elements.size > 0);
    return Object.fromEntries([
      ...Object.entries(rest),
      ...filled.map(({ field, elements }) => [
        field.jsonName,
        Object.fromEntries([...elements].map(([key, { json }]) => [key, json])),
      ]),
    ]) as JsonObject;
  };
  const goOn = (state: Message): readonly Change[] => {
    const differing = maps.map((map) => differingFrom(map, elementsOf(state, map.field)));
    const changed = Object.fromEntries(differing.map(({ field, messages }) => [field.localName, messages]));
    const json = show(Object.assign(Object.create(Object.getPrototypeOf(state)), state, changed));
    const inMaps = differing.flatMap((one) => {
      const { jsonName } = one.field;
      const shown = (valueIn(json, jsonName) ?? {}) as JsonObject;
      delete json[jsonName];
      return replaceElements(one, shown);
    });
    const changes = [...jsonDiff(rest, json), ...inMaps];
    rest = json;
    return changes;
  };
  return {
    masked: () => masked,
    next() {
      const state = follower.state();
      if (state !== undefined && rest !== undefined) return goOn(state);
      const before = whole();
      rest = undefined;
      if (state !== undefined) goOn(state);
      return jsonDiff(before, whole());
    },
  };
}

type Messages = { readonly [key: string]: unknown };

function elementsOf(state: Message, { localName }: DescField): Messages {
  return (state as unknown as { readonly [field: string]: Messages })[localName] as Messages;
}

/** What a map of the state now has that isn't there as it is, and the keys of what is there and not in that. */
interface Differing extends FollowedMap {
  readonly messages: Messages;
  readonly gone: readonly string[];
}

function differingFrom(map: FollowedMap, all: Messages): Differing {
  const { elements } = map;
  const keys = Object.keys(all);
  const differing = keys.filter((key) => !isSame(elements.get(key)?.copy, all[key]));
  const added = differing.filter((key) => !elements.has(key));
  // To look for what is gone costs as much as to compare all: mostly there is none, which the numbers tell.
  const isAllThere = elements.size + added.length === keys.length;
  return {
    ...map,
    messages: Object.fromEntries(differing.map((key) => [key, all[key]])),
    gone: isAllThere ? [] : [...elements.keys()].filter((key) => !Object.hasOwn(all, key)),
  };
}

/** Puts elements in and takes those out that are gone, and gives what that changes in the map. */
function replaceElements(
  { field: { jsonName }, elements, messages, gone }: Differing,
  shown: JsonObject,
): readonly Change[] {
  const wasEmpty = elements.size === 0;
  const changed: [key: string, before: JsonValue | undefined, after: JsonValue | undefined][] = [];
  for (const key of gone) {
    changed.push([key, elements.get(key)?.json, undefined]);
    elements.delete(key);
  }
  for (const [key, message] of Object.entries(messages)) {
    const json = valueIn(shown, key) as JsonValue;
    changed.push([key, elements.get(key)?.json, json]);
    elements.set(key, { copy: copyOf(message), json });
  }
  if (!wasEmpty && elements.size > 0) {
    return changed.flatMap(([key, before, after]) => jsonDiff(before, after, [jsonName, key]));
  }
  // An empty map isn't in the JSON.
  const side = (at: 1 | 2): JsonObject => Object.fromEntries(changed.map((one) => [one[0], one[at] as JsonValue]));
  return jsonDiff(wasEmpty ? undefined : side(1), elements.size === 0 ? undefined : side(2), [jsonName]);
}

/** Compares what messages are made of. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!isObject(one) || !isObject(other)) return Object.is(one, other);
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  for (const name of names) if (!isSame(one[name], other[name])) return false;
  return true;
}

function copyOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.slice();
  if (!isObject(value)) return value;
  const copy: { [name: string]: unknown } = { ...value };
  for (const name of Object.keys(copy)) copy[name] = copyOf(copy[name]);
  return copy;
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null;
}
