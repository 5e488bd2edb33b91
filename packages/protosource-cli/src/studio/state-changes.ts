/** What each event changes in the state of an aggregate, as JSON. */
import type { DescField, DescMessage, JsonObject, JsonValue, Message } from "@bufbuild/protobuf";
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
  /** What its messages are made of, by the names that messages have it under. */
  readonly names: readonly string[];
  readonly elements: Map<string, Element>;
}

interface Element {
  /** The parts of the message as they were: the domain's code may change messages in place. */
  readonly parts: readonly unknown[];
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
    .map((field) => ({ field, names: namesOf(field.message as DescMessage), elements: new Map() }));
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
    const messages = Object.fromEntries(maps.map(({ field }, i) => [field.localName, differing[i]?.messages]));
    const json = show(Object.assign(Object.create(Object.getPrototypeOf(state)), state, messages));
    const inMaps = maps.flatMap((map, i) => {
      const { jsonName } = map.field;
      const shown = (valueIn(json, jsonName) ?? {}) as JsonObject;
      delete json[jsonName];
      return replaceElements(map, differing[i] as Differing, shown);
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

/** What a map has that isn't there as it is, and the keys of what is there and not in the map. */
interface Differing {
  readonly messages: Messages;
  readonly gone: readonly string[];
}

function differingFrom({ names, elements }: FollowedMap, all: Messages): Differing {
  const keys = Object.keys(all);
  const differing = keys.filter((key) => {
    const element = elements.get(key);
    return element === undefined || !isMadeOf(all[key] as Messages, names, element.parts);
  });
  const added = differing.filter((key) => !elements.has(key));
  // To look for what is gone costs as much as to compare all: mostly there is none, which the numbers tell.
  const isAllThere = elements.size + added.length === keys.length;
  return {
    messages: Object.fromEntries(differing.map((key) => [key, all[key]])),
    gone: isAllThere ? [] : [...elements.keys()].filter((key) => !Object.hasOwn(all, key)),
  };
}

/** Puts elements in and takes those out that are gone, and gives what that changes in the map. */
function replaceElements(
  { field: { jsonName }, names, elements }: FollowedMap,
  { messages, gone }: Differing,
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
    elements.set(key, { parts: names.map((name) => copyOf((message as Messages)[name])), json });
  }
  if (!wasEmpty && elements.size > 0) {
    return changed.flatMap(([key, before, after]) => jsonDiff(before, after, [jsonName, key]));
  }
  // An empty map isn't in the JSON.
  const side = (at: 1 | 2): JsonObject => Object.fromEntries(changed.map((one) => [one[0], one[at] as JsonValue]));
  return jsonDiff(wasEmpty ? undefined : side(1), elements.size === 0 ? undefined : side(2), [jsonName]);
}

/** Names what the JSON of a message is made of: its fields, and those that hold what the schema doesn't know. */
function namesOf({ members }: DescMessage): readonly string[] {
  return [...members.map(({ localName }) => localName), "$unknown"];
}

function isMadeOf(message: Messages, names: readonly string[], parts: readonly unknown[]): boolean {
  for (let i = 0; i < names.length; i++) {
    const part = parts[i];
    const other = message[names[i] as string];
    if (part !== other && !isSame(part, other)) return false;
  }
  return true;
}

/** Compares what messages are made of. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isObject(one) || !isObject(other)) return false;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  for (const name of names) if (!isSame(one[name], other[name])) return false;
  return true;
}

function copyOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, copyOf(one)]));
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null;
}
