/** Where two messages of two schemas differ. */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** The first field that differs, with its values as text. */
export interface StateDifference {
  /** Such as `items["i-1"].quantity`. */
  readonly field: string;
  readonly was: string;
  readonly now: string;
}

/**
 * Finds the first field of a message that another schema's message hasn't, or has with another value; undefined when
 * there is none. Fields belong together by their names, and where one is renamed by its number. Numbers are compared
 * across their types. What only the new schema has isn't compared.
 */
export function stateDifference(
  was: { readonly schema: DescMessage; readonly message: Message },
  now: { readonly schema: DescMessage; readonly message: Message },
): StateDifference | undefined {
  return compareMessages(reflect(was.schema, was.message), reflect(now.schema, now.message), "");
}

function compareMessages(was: ReflectMessage, now: ReflectMessage, path: string): StateDifference | undefined {
  for (const field of was.fields) {
    const other = counterpart(field, was.desc, now.desc);
    const name = path === "" ? field.name : `${path}.${field.name}`;
    const before = valuesOf(was, field);
    const after = other === undefined ? new Map() : valuesOf(now, other);
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      const found = compareValues(before.get(key), after.get(key), key === "" ? name : `${name}[${key}]`);
      if (found) return found;
    }
  }
  return undefined;
}

function counterpart(field: DescField, was: DescMessage, now: DescMessage): DescField | undefined {
  const byName = now.fields.find(({ name }) => name === field.name);
  if (byName) return byName;
  const byNumber = now.fields.find(({ number }) => number === field.number);
  return byNumber && was.fields.some(({ name }) => name === byNumber.name) ? undefined : byNumber;
}

/** Gives the values of a field by their keys: the index in a list, the key in a map, and nothing for a single one. */
function valuesOf(message: ReflectMessage, field: DescField): ReadonlyMap<string, unknown> {
  if (field.fieldKind === "list") return new Map(Array.from(message.get(field), (value, i) => [`${i}`, value]));
  if (field.fieldKind === "map") {
    return new Map(Array.from(message.get(field), ([key, value]) => [JSON.stringify(String(key)), value]));
  }
  const isUnset = field.fieldKind === "message" && !message.isSet(field);
  return isUnset ? new Map() : new Map([["", message.get(field)]]);
}

function compareValues(was: unknown, now: unknown, field: string): StateDifference | undefined {
  if (isMessage(was) && isMessage(now)) return compareMessages(was, now, field);
  const [before, after] = [textOf(was), textOf(now)];
  return before === after ? undefined : { field, was: before, now: after };
}

function isMessage(value: unknown): value is ReflectMessage {
  return typeof value === "object" && value !== null && "desc" in value;
}

function textOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (isMessage(value)) return "something";
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
