/** Messages as JSON, for people to read. */
import {
  create,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  AnySchema,
  DurationSchema,
  FieldMaskSchema,
  ListValueSchema,
  StructSchema,
  TimestampSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { markSealed } from "./sealed-marks.js";

/** Messages whose JSON isn't that of their fields. */
const HAVE_ONE_FORM: ReadonlySet<string> = new Set(
  [AnySchema, DurationSchema, FieldMaskSchema, ListValueSchema, StructSchema, TimestampSchema, ValueSchema].map(
    ({ typeName }) => typeName,
  ),
);

/**
 * Gives a message as JSON. A field within it that has no JSON, such as an `Any` of a type that isn't known or a time
 * after the year 9999, says so in its place, and the others are shown. Fields that are sealed are named by `@sealed`.
 */
export function messageJson(schema: DescMessage, message: Message, registry: Registry): JsonValue {
  const json = plainJson(schema, message, registry);
  markSealed(schema, message, json);
  return json;
}

function plainJson(schema: DescMessage, message: Message, registry: Registry): JsonValue {
  try {
    return toJson(schema, message, { registry });
  } catch (error) {
    return HAVE_ONE_FORM.has(schema.typeName)
      ? withoutJson(schema, message, error)
      : fieldByField(schema, message, registry);
  }
}

function fieldByField(schema: DescMessage, message: Message, registry: Registry): JsonObject {
  const json: JsonObject = {};
  for (const field of schema.fields) {
    const whole = reflect(schema, message);
    if (!whole.isSet(field)) continue;
    const alone = reflect(schema, create(schema));
    alone.set(field, whole.get(field) as never);
    try {
      Object.assign(json, toJson(schema, alone.message, { registry }));
    } catch (error) {
      json[field.jsonName] = fieldJson(field, message, registry, error);
    }
  }
  return json;
}

/** Gives what can be shown of a field that has no JSON as a whole. */
function fieldJson(field: DescField, message: Message, registry: Registry, error: unknown): JsonValue {
  const value = reflect(field.parent, message).get(field);
  const inner = (schema: DescMessage, one: unknown): JsonValue =>
    plainJson(schema, (one as { readonly message: Message }).message, registry);
  if (field.fieldKind === "message") return inner(field.message, value);
  if (field.fieldKind === "list" && field.message) {
    const schema = field.message;
    return Array.from(value as Iterable<unknown>, (one) => inner(schema, one));
  }
  if (field.fieldKind === "map" && field.message) {
    const schema = field.message;
    return Object.fromEntries(
      Array.from(value as Iterable<readonly [unknown, unknown]>, ([key, one]) => [String(key), inner(schema, one)]),
    );
  }
  return { "@withoutJson": reasonOf(error) };
}

function withoutJson(schema: DescMessage, message: Message, error: unknown): JsonValue {
  const bytes = base64Encode(toBinary(schema, message));
  return { "@withoutJson": reasonOf(error), "@bytes": bytes };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
