import type { DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { subjectName } from "protosource-es/model";
import { mayBePersonal } from "protosource-es/personal";

/** What stands in the place of a personal value. */
const MASK = "•••";

/** Gives the JSON of a message without the values of its personal fields, and whether there were any. */
export function maskPersonal(
  schema: DescMessage,
  json: JsonValue,
): { readonly json: JsonValue; readonly masked: boolean } {
  if (!mayBePersonal(schema)) return { json, masked: false };
  let masked = false;
  const mask = (desc: DescMessage, value: JsonValue): JsonValue => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const shown: JsonObject = { ...value };
    for (const field of desc.fields) {
      const inner = shown[field.jsonName];
      if (inner === undefined) continue;
      if (subjectName(field) !== undefined) {
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
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(one)]));
}
