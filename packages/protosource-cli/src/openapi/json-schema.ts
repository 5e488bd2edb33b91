/** A JSON Schema of the draft 2020-12, which OpenAPI 3.1 has for its own. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Joins schemas that all have to be met: in one, as long as no keyword has two meanings. */
export function allOf(schemas: readonly JsonSchema[]): JsonSchema {
  const joined: Record<string, unknown> = {};
  const apart: JsonSchema[] = [];
  for (const schema of schemas) {
    if (Object.keys(schema).some((keyword) => keyword in joined)) apart.push(schema);
    else Object.assign(joined, schema);
  }
  return apart.length === 0 ? joined : { ...joined, allOf: apart };
}

/** What JSON has in place of a field that isn't there. */
type Zero = string | number | boolean | readonly never[] | Readonly<Record<string, never>>;

/** Tells whether a schema of rules refuses the zero value, so that a field that is left out is refused, too. */
export function refusesZero(schema: JsonSchema, zero: Zero): boolean {
  return Object.entries(schema).some(([keyword, value]) => REFUSES[keyword]?.(value as never, zero) ?? false);
}

const REFUSES: { readonly [keyword: string]: (value: never, zero: Zero) => boolean } = {
  const: (value: unknown, zero) => value !== zero,
  enum: (values: readonly unknown[], zero) => !values.includes(zero),
  not: (schema: JsonSchema, zero) => !refusesZero(schema, zero),
  allOf: (schemas: readonly JsonSchema[], zero) => schemas.some((schema) => refusesZero(schema, zero)),
  anyOf: (schemas: readonly JsonSchema[], zero) => schemas.every((schema) => refusesZero(schema, zero)),
  minLength: (least: number, zero) => typeof zero === "string" && zero.length < least,
  pattern: (pattern: string, zero) => typeof zero === "string" && !new RegExp(pattern, "u").test(zero),
  // An empty text is none of those that have a format, except a reference, which may be empty.
  format: (format: string, zero) => zero === "" && format !== "uri-reference",
  minimum: (least: number, zero) => typeof zero === "number" && zero < least,
  maximum: (most: number, zero) => typeof zero === "number" && zero > most,
  exclusiveMinimum: (bound: number, zero) => typeof zero === "number" && zero <= bound,
  exclusiveMaximum: (bound: number, zero) => typeof zero === "number" && zero >= bound,
  minItems: (least: number, zero) => Array.isArray(zero) && least > 0,
  minProperties: (least: number, zero) => typeof zero === "object" && !Array.isArray(zero) && least > 0,
};
