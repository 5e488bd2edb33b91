/** Messages as JSON on routes of an application's own, in the form that the handler has for them. */
import {
  type DescField,
  type DescMessage,
  fromJson as fromPlainJson,
  type JsonValue,
  type MessageShape,
  ScalarType,
  toJson as toPlainJson,
} from "@bufbuild/protobuf";
import { fileModel } from "../aggregate/file-model.js";
import { invalid, isProtosourceError } from "../errors.js";
import { isObject } from "../serializer/exact-json.js";
import { fileRegistry } from "../serializer/file-registry.js";
import { wrongValue } from "../serializer/wrong-value.js";
import { microsOf, timeText } from "./time-text.js";

/** How messages are written. */
export interface JsonOptions {
  /**
   * How times in microseconds are written: as the numbers that they are, or as texts such as
   * `2026-01-31T12:00:00.000001Z`, which is ISO 8601, and what JSON has for a `google.protobuf.Timestamp`. Numbers by
   * default, which the handler writes too.
   */
  readonly times?: "numbers" | "texts" | undefined;
  /** The names of fields of 64 bits that hold times in microseconds, beside `at`, `create_at` and `modify_at`. */
  readonly timeFields?: readonly string[] | undefined;
}

/** The times that the package fills in. */
const TIME_FIELDS: readonly string[] = ["at", "create_at", "modify_at"];

const WIDE: ReadonlySet<ScalarType | undefined> = new Set([
  ScalarType.INT64,
  ScalarType.SINT64,
  ScalarType.SFIXED64,
  ScalarType.UINT64,
  ScalarType.FIXED64,
]);

/**
 * Gives an aggregate, a row, an event or a command as JSON: whole numbers of 64 bits are texts, which keep every digit. A
 * command's actor is left out, which is for the server to say.
 *
 * Throws `invalid_argument` for a field that holds what its type can't.
 */
export function toJson<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  options: JsonOptions = {},
): JsonValue {
  const json = attempt(schema, () => toPlainJson(schema, message, { registry: fileRegistry(schema.file) }));
  const isTime = timesBy(options);
  const told = changeWide(schema, json, (field, value) =>
    isTime(field) && typeof value === "string" ? (timeText(BigInt(value)) ?? value) : value,
  );
  if (!isCommand(schema) || !isObject(told)) return told;
  const { actor: _, ...rest } = told;
  return rest;
}

/**
 * Reads what `toJson` gives, and what else the JSON mapping of protobuf has for the message. Times are taken in both forms.
 *
 * Throws `invalid_argument` for what isn't that message: a field that it hasn't, a number of 64 bits that a double can't
 * hold and that is in no quotes, and a command that says its actor. The message tells no value.
 */
export function fromJson<D extends DescMessage>(
  schema: D,
  json: JsonValue,
  options: JsonOptions = {},
): MessageShape<D> {
  const isTime = timesBy({ ...options, times: "texts" });
  return attempt(schema, () => {
    const plain = changeWide(schema, json, (field, value) => {
      if (typeof value === "number" && !Number.isSafeInteger(value)) {
        throw invalid(
          field.name,
          `${field.name} of ${schema.name} isn't a whole number that JSON holds: send it in quotes`,
        );
      }
      return isTime(field) && typeof value === "string" ? (microsOf(value) ?? value) : value;
    });
    const message = fromPlainJson(schema, plain, { registry: fileRegistry(schema.file), ignoreUnknownFields: false });
    if (isCommand(schema) && (message as { readonly actor?: string }).actor) {
      throw invalid("actor", "a command's actor is who calls: leave it out");
    }
    return message;
  });
}

function timesBy({ times, timeFields = [] }: JsonOptions): (field: DescField) => boolean {
  const names = new Set(times === "texts" ? [...TIME_FIELDS, ...timeFields] : []);
  return ({ name }) => names.has(name);
}

function isCommand(schema: DescMessage): boolean {
  return fileModel(schema.file).commands.some((command) => command.schema.typeName === schema.typeName);
}

/** Changes what the JSON of a message has for its fields of 64 bits, those of messages in it included. */
function changeWide(
  schema: DescMessage,
  json: JsonValue,
  change: (field: DescField, value: JsonValue) => JsonValue,
): JsonValue {
  // Those have a JSON of their own.
  if (!isObject(json) || schema.typeName.startsWith("google.protobuf.")) return json;
  const members = Object.entries(json).map(([name, value]): [string, JsonValue] => {
    const field = schema.fields.find((one) => one.jsonName === name || one.name === name);
    if (field === undefined) return [name, value];
    const { message } = field;
    const each = (one: JsonValue): JsonValue => {
      if (message) return changeWide(message, one, change);
      return WIDE.has(field.scalar) ? change(field, one) : one;
    };
    if (field.fieldKind === "list" && Array.isArray(value)) return [name, value.map(each)];
    if (field.fieldKind !== "map" || !isObject(value)) return [name, each(value)];
    return [name, Object.fromEntries(Object.entries(value).map(([key, one]) => [key, each(one)]))];
  });
  return Object.fromEntries(members);
}

function attempt<T>({ name }: DescMessage, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (isProtosourceError(error)) throw error;
    throw invalid("json", `this is no ${name}: ${wrongValue(error)}`);
  }
}
