import type { DescMessage, JsonObject, JsonValue, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { mayBePersonal, sealedFields } from "protosource-es/personal";

/**
 * Marks in the JSON of a message which of its fields are sealed, as `@sealed`, and that persons were forgotten, as
 * `@erased`: without the marks both look like fields that never had a value.
 */
export function markSealed(schema: DescMessage, message: Message, json: JsonValue): void {
  if (!isObject(json) || !mayBePersonal(schema)) return;
  const { sealed, erased } = sealedFields(schema, message);
  if (sealed.length > 0) json["@sealed"] = sealed.map(({ jsonName }) => jsonName);
  if (erased) json["@erased"] = true;
  const whole = reflect(schema, message);
  for (const field of schema.fields) {
    const inner = json[field.jsonName];
    if (field.message === undefined || inner === undefined || !whole.isSet(field)) continue;
    const value = whole.get(field) as unknown;
    if (field.fieldKind === "message") markSealed(field.message, messageOf(value), inner);
    else {
      for (const [key, one] of field.fieldKind === "list" ? [...(value as unknown[])].entries() : (value as Entries)) {
        markSealed(field.message, messageOf(one), (inner as JsonObject)[String(key)] as JsonValue);
      }
    }
  }
}

type Entries = Iterable<readonly [unknown, unknown]>;

function messageOf(value: unknown): Message {
  return (value as { readonly message: Message }).message;
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
