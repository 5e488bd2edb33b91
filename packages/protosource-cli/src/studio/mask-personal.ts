/** What of a domain is hidden until it is asked for: personal fields, and what may hold some. */
import type { DescField, DescMessage, JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { subjectName } from "protosource-es/model";
import { isJsonObject, valueIn } from "../json-diff.js";

/** What stands in the place of a personal value. */
export const MASK = "•••";

const known = new WeakMap<Registry, boolean>();

/** Tells whether any message has personal fields. Where none has, nothing is hidden. */
export function knowsPersonal(registry: Registry): boolean {
  let found = known.get(registry);
  if (found === undefined) {
    found = [...registry].some((type) => type.kind === "message" && type.fields.some(isPersonal));
    known.set(registry, found);
  }
  return found;
}

function isPersonal(field: DescField): boolean {
  return subjectName(field) !== undefined;
}

/** Tells whether a field is hidden as a whole: it is personal, or holds messages of any type. */
export function isHidden(field: DescField): boolean {
  return isPersonal(field) || field.message?.typeName === AnySchema.typeName;
}

const hiding = new WeakMap<DescMessage, boolean>();

/** Tells whether messages of a schema may have hidden fields, however deep. */
export function mayHide(schema: DescMessage): boolean {
  let found = hiding.get(schema);
  if (found === undefined) {
    found = hidesWithin(schema, new Set());
    hiding.set(schema, found);
  }
  return found;
}

function hidesWithin(schema: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  return schema.fields.some(
    (field) => isHidden(field) || (field.message !== undefined && hidesWithin(field.message, seen)),
  );
}

/** Gives the JSON of a message without the values of its hidden fields, and whether there were any. */
export function maskPersonal(
  schema: DescMessage,
  json: JsonValue,
): { readonly json: JsonValue; readonly masked: boolean } {
  let masked = false;
  const mask = (desc: DescMessage, value: JsonValue): JsonValue => {
    if (!isJsonObject(value) || !mayHide(desc)) return value;
    const shown: JsonObject = { ...value };
    for (const field of desc.fields) {
      const inner = valueIn(shown, field.jsonName);
      if (inner === undefined) continue;
      if (isHidden(field)) {
        masked = true;
        shown[field.jsonName] = MASK;
      } else if (field.message !== undefined) {
        const { message } = field;
        shown[field.jsonName] =
          field.fieldKind === "message" ? mask(message, inner) : eachWithin(inner, (one) => mask(message, one));
      }
    }
    return shown;
  };
  return { json: mask(schema, json), masked };
}

function eachWithin(value: JsonValue, change: (one: JsonValue) => JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(change);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(one)]));
}
