import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** One value that differs. A side on which there is nothing is undefined. */
export interface Change {
  /** Where it is, from the outside in. */
  readonly keys: readonly string[];
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/** Gives what differs between two values, down to the last objects that both have. */
export function jsonDiff(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  keys: readonly string[] = [],
): readonly Change[] {
  if (before === after) return [];
  if (isJsonObject(before) && isJsonObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => jsonDiff(valueIn(before, name), valueIn(after, name), [...keys, name]));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ keys, before, after }];
}

/** Gives what an object holds under a name, which may be one that every object inherits, such as `constructor`. */
export function valueIn(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Tells whether a value has names within. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Writes where a value is, such as `items["i-1"].quantity`. */
export function pathText(keys: readonly string[]): string {
  return keys.reduce(pathWithin, "");
}

/** Writes where a value is within another. */
export function pathWithin(path: string, name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}
