/** JSON whose large integers keep every digit. `JSON.parse` rounds what lies beyond 2^53. */
import type { DescMessage, JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";

/** A text, the name of a member with its colon, or a number: only what is no text can be a number. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Messages whose JSON is any JSON: in them a number is a double, and a text a text. */
const FREE_FORM: ReadonlySet<string> = new Set([
  "google.protobuf.Value",
  "google.protobuf.Struct",
  "google.protobuf.ListValue",
]);

/** JSON as it was read, and how to give it to a message without loss. */
export interface ExactJson {
  readonly json: JsonValue;
  /** Whether an object had the same name twice, of which `JSON.parse` silently keeps the last. */
  readonly hasRepeatedName: boolean;
  /** Gives the JSON of a message with large integers as texts, which the fields of a message take too. */
  readonly for: (schema: DescMessage, registry: Registry) => JsonValue;
}

/** Parses JSON. Throws what `JSON.parse` does. */
export function parseExactly(text: string): ExactJson {
  const json = JSON.parse(text) as JsonValue;
  let names = 0;
  const exact = text.replace(TOKEN, (token) => {
    if (token.endsWith(":")) names++;
    return exactToken(token);
  });
  return {
    json,
    hasRepeatedName: names !== countNames(json),
    for: (schema, registry) =>
      exact === text ? json : withPlainValues(schema, registry, JSON.parse(exact) as JsonValue, json),
  };
}

function countNames(json: JsonValue): number {
  if (typeof json !== "object" || json === null) return 0;
  const values = Object.values(json);
  return values.reduce<number>((sum, value) => sum + countNames(value), Array.isArray(json) ? 0 : values.length);
}

/** Gives a number as it stands, or as a text where a double would be another number. */
function exactToken(token: string): string {
  if (token.startsWith('"')) return token;
  const value = Number(token);
  if (!Number.isInteger(value)) return token;
  const integer = integerOf(token);
  if (integer !== undefined && Number.isSafeInteger(value)) return integer;
  return JSON.stringify(integer ?? token);
}

/** Writes out a number without point and exponent; undefined for a fraction. */
function integerOf(token: string): string | undefined {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = NUMBER.exec(token) ?? [];
  const digits = (whole + fraction).replace(/^0+(?=\d)/, "");
  const zeros = Number(exponent) - fraction.length;
  if (zeros >= 0) return sign + digits + (digits === "0" ? "" : "0".repeat(zeros));
  const kept = digits.slice(0, zeros);
  return /^0*$/.test(digits.slice(zeros)) ? sign + (kept || "0") : undefined;
}

/** Gives the JSON of a message, or of several, with what is of a free form in it as it is plain. */
function withPlainValues(schema: DescMessage, registry: Registry, exact: JsonValue, plain: JsonValue): JsonValue {
  if (Array.isArray(exact)) return exact.map((item, i) => withPlainValues(schema, registry, item, at(plain, i)));
  const type = isObject(exact) && schema.typeName === "google.protobuf.Any" ? typeOf(exact, registry) : schema;
  if (type === undefined || FREE_FORM.has(type.typeName)) return plain;
  return mapMembers(exact, (name, value) => {
    const field = type.fields.find((candidate) => candidate.jsonName === name || candidate.name === name);
    const { message } = field ?? {};
    if (message === undefined) return value;
    const own = at(plain, name);
    if (field?.fieldKind !== "map") return withPlainValues(message, registry, value, own);
    return mapMembers(value, (key, entry) => withPlainValues(message, registry, entry, at(own, key)));
  });
}

/** Finds the type in an `Any`; undefined for one that nobody can read. */
function typeOf({ "@type": url }: JsonObject, registry: Registry): DescMessage | undefined {
  return typeof url === "string" ? registry.getMessage(url.slice(url.lastIndexOf("/") + 1)) : undefined;
}

function mapMembers(json: JsonValue, change: (name: string, value: JsonValue) => JsonValue): JsonValue {
  if (!isObject(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, change(name, value)]));
}

function at(json: JsonValue, name: string | number): JsonValue {
  return (json as { readonly [name: string | number]: JsonValue })[name] ?? null;
}

/** Tells whether JSON is an object, and no list. */
export function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
