/** From the rules of buf.validate to the keywords of JSON Schema. */
import { toJson } from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { base64Encode } from "@bufbuild/protobuf/wire";
import type { FieldRules } from "./field-rules.js";
import { allOf, type JsonSchema } from "./json-schema.js";

/** What becomes of rules. */
export interface RuleSchema {
  readonly schema: JsonSchema;
  /** What no keyword says, in words. */
  readonly notes: readonly string[];
}

/** Gives the keywords for a rule; undefined where none says it. */
type Keyword = (value: never) => JsonSchema | undefined;

/** How the JSON of a field has the values that are in its rules. */
type AsJson = (value: unknown) => unknown;

/**
 * Gives what JSON Schema says of the rules of a type. `asJson` makes JSON of a value of the field.
 *
 * A schema refuses nothing that the rules allow. What they say beyond it is told in the notes.
 */
export function ruleSchema({ ofType, type = "", expressions }: FieldRules, asJson: AsJson): RuleSchema {
  const kind = KINDS[type] ?? {};
  const schemas: JsonSchema[] = [];
  const notes: string[] = [...expressions];
  const bounds = boundsOf(ofType);
  if (bounds !== undefined && kind.bounds !== undefined) schemas.push(kind.bounds(bounds));
  for (const [name, value] of ofType) {
    if (NOT_ASKED.has(name) || value === false) continue;
    if (kind.bounds !== undefined && !kind.isWide && BOUNDS.has(name)) continue;
    const make = kind.rules?.[name] ?? COMMON[name]?.(asJson);
    const schema = make?.(value as never);
    if (schema !== undefined) schemas.push(schema);
    if (schema === undefined || kind.inexact?.has(name))
      notes.push(value === true ? name : `${name} ${inWords(value)}`);
  }
  return { schema: allOf(schemas), notes };
}

/** What says more of another rule, and what is for the elements. */
const NOT_ASKED: ReadonlySet<string> = new Set(["strict", "items", "keys", "values"]);

const BOUNDS: ReadonlySet<string> = new Set(["gt", "gte", "lt", "lte"]);

const COMMON: { readonly [rule: string]: (asJson: AsJson) => Keyword } = {
  const: (asJson) => (value: unknown) => ({ const: asJson(value) }),
  in: (asJson) => (values: readonly unknown[]) => ({ enum: values.map(asJson) }),
  not_in: (asJson) => (values: readonly unknown[]) => ({ not: { enum: values.map(asJson) } }),
  example: (asJson) => (values: readonly unknown[]) => ({ examples: values.map(asJson) }),
};

/** How rules of one type are told. */
interface Kind {
  readonly rules?: { readonly [rule: string]: Keyword };
  /** Tells what lies between bounds. */
  readonly bounds?: (bounds: Bounds) => JsonSchema;
  /** The rules of which the keywords say a part. */
  readonly inexact?: ReadonlySet<string>;
  /** Whether the bounds are told in words besides, since no keyword compares such values. */
  readonly isWide?: boolean;
}

const whole: Kind = { bounds: numberBounds };
// What isn't a number, such as "NaN", is between no bounds.
const floating: Kind = {
  bounds: (bounds) => ({ type: "number", ...numberBounds(bounds) }),
  rules: { finite: () => ({ type: "number" }) },
};
const wide: Kind = { bounds: wideBounds, isWide: true };

const KINDS: { readonly [type: string]: Kind } = {
  float: floating,
  double: floating,
  int32: whole,
  sint32: whole,
  sfixed32: whole,
  uint32: whole,
  fixed32: whole,
  int64: wide,
  sint64: wide,
  sfixed64: wide,
  uint64: wide,
  fixed64: wide,
  string: {
    inexact: new Set(["len_bytes", "min_bytes", "max_bytes", "hostname", "address"]),
    rules: {
      len: (length: bigint) => ({ minLength: Number(length), maxLength: Number(length) }),
      min_len: (least: bigint) => ({ minLength: Number(least) }),
      max_len: (most: bigint) => ({ maxLength: Number(most) }),
      // A character has 4 bytes at most.
      len_bytes: (length: bigint) => ({ minLength: Math.ceil(Number(length) / 4), maxLength: Number(length) }),
      min_bytes: (least: bigint) => ({ minLength: Math.ceil(Number(least) / 4) }),
      max_bytes: (most: bigint) => ({ maxLength: Number(most) }),
      pattern: (pattern: string) => (isPattern(pattern) ? { pattern } : undefined),
      prefix: (text: string) => ({ pattern: `^${escaped(text)}` }),
      suffix: (text: string) => ({ pattern: `${escaped(text)}$` }),
      contains: (text: string) => ({ pattern: escaped(text) }),
      not_contains: (text: string) => ({ not: { pattern: escaped(text) } }),
      email: () => ({ format: "email" }),
      hostname: () => ({ format: "hostname" }),
      ip: () => ({ anyOf: [{ format: "ipv4" }, { format: "ipv6" }] }),
      ipv4: () => ({ format: "ipv4" }),
      ipv6: () => ({ format: "ipv6" }),
      address: () => ({ anyOf: [{ format: "hostname" }, { format: "ipv4" }, { format: "ipv6" }] }),
      uri: () => ({ format: "uri" }),
      uri_ref: () => ({ format: "uri-reference" }),
      uuid: () => ({ format: "uuid" }),
      tuuid: () => ({ pattern: "^[0-9a-fA-F]{32}$" }),
      ulid: () => ({ pattern: "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$" }),
    },
  },
  bytes: {
    inexact: new Set(["len", "min_len", "max_len"]),
    rules: {
      len: (length: bigint) => ({ minLength: leastBase64(length), maxLength: mostBase64(length) }),
      min_len: (least: bigint) => ({ minLength: leastBase64(least) }),
      max_len: (most: bigint) => ({ maxLength: mostBase64(most) }),
    },
  },
  repeated: {
    rules: {
      min_items: (least: bigint) => ({ minItems: Number(least) }),
      max_items: (most: bigint) => ({ maxItems: Number(most) }),
      unique: () => ({ uniqueItems: true }),
    },
  },
  map: {
    rules: {
      min_pairs: (least: bigint) => ({ minProperties: Number(least) }),
      max_pairs: (most: bigint) => ({ maxProperties: Number(most) }),
    },
  },
  enum: { rules: { defined_only: () => ({}) } },
  any: {
    rules: {
      in: (urls: readonly string[]) => ({ properties: { "@type": { enum: urls } } }),
      not_in: (urls: readonly string[]) => ({ properties: { "@type": { not: { enum: urls } } } }),
    },
  },
  field_mask: { rules: { in: () => undefined, not_in: () => undefined } },
};

interface Bounds {
  readonly lower: { readonly value: number | bigint; readonly isIncluded: boolean } | undefined;
  readonly upper: { readonly value: number | bigint; readonly isIncluded: boolean } | undefined;
}

function boundsOf(rules: ReadonlyMap<string, unknown>): Bounds | undefined {
  const bound = (name: string, isIncluded: boolean): Bounds["lower"] => {
    const value = rules.get(name);
    return typeof value === "number" || typeof value === "bigint" ? { value, isIncluded } : undefined;
  };
  const lower = bound("gt", false) ?? bound("gte", true);
  const upper = bound("lt", false) ?? bound("lte", true);
  return lower === undefined && upper === undefined ? undefined : { lower, upper };
}

/** Bounds that cross leave out what is between them. */
function areCrossed({ lower, upper }: Bounds): boolean {
  return lower !== undefined && upper !== undefined && upper.value < lower.value;
}

function numberBounds(bounds: Bounds): JsonSchema {
  const { lower, upper } = bounds;
  const above = lower && { [lower.isIncluded ? "minimum" : "exclusiveMinimum"]: lower.value };
  const below = upper && { [upper.isIncluded ? "maximum" : "exclusiveMaximum"]: upper.value };
  return areCrossed(bounds) ? { anyOf: [above, below] } : { ...above, ...below };
}

/** Numbers of 64 bits are texts in JSON, of which a pattern tells no more than the sign. */
function wideBounds(bounds: Bounds): JsonSchema {
  const { lower, upper } = bounds;
  if (areCrossed(bounds)) return {};
  const isAbove = (than: bigint): boolean =>
    lower !== undefined && (lower.isIncluded ? BigInt(lower.value) > than : BigInt(lower.value) >= than);
  const isBelow = (than: bigint): boolean =>
    upper !== undefined && (upper.isIncluded ? BigInt(upper.value) < than : BigInt(upper.value) <= than);
  if (isAbove(0n)) return { pattern: "^0*[1-9]\\d*$" };
  if (isAbove(-1n)) return { pattern: "^\\d+$" };
  return isBelow(0n) ? { pattern: "^-0*[1-9]\\d*$" } : {};
}

/** Whether a pattern of RE2 is one of JavaScript's too. */
function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The characters that bytes have in base64, with nothing behind them or filled up. */
function leastBase64(bytes: bigint): number {
  return Math.ceil((Number(bytes) * 4) / 3);
}

function mostBase64(bytes: bigint): number {
  return Math.ceil(Number(bytes) / 3) * 4;
}

function inWords(value: unknown): string {
  if (isReflectMessage(value)) return inWords(jsonOf(value));
  if (value instanceof Uint8Array) return base64Encode(value);
  if (Array.isArray(value)) return value.map(inWords).join(", ");
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** The JSON of a message in a rule, such as a time. */
export function jsonOf(message: ReflectMessage): unknown {
  return toJson(message.desc, message.message);
}
