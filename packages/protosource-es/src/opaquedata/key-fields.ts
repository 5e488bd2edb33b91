/** Keys from the values of fields, as a caller gives them. */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { invalid } from "../errors.js";
import { subjectName } from "../personal/personal-plan.js";
import { composeKey, requireKeyModel } from "./auto-pksk.js";
import { checkKey } from "./checks.js";
import { scalarBounds, toInteger } from "./integers.js";
import type { KeyModel, KeyPart } from "./key-model.js";
import type { OpaqueKey } from "./opaque-store.js";

/** Values of fields, by the names that the fields have in TypeScript. */
export type KeyFields = Readonly<Record<string, unknown>>;

/** What names a row: the id of an aggregate or a projection, or the fields that make its keys. */
export type RowId = string | KeyFields;

/**
 * Gives the key of the row of a message: from its id, or from all fields of its pk and sk.
 *
 * Throws `not_keyed` for a message without usable key annotations, `invalid_argument` for an empty id and for fields
 * that are missing, unknown or of another type, and `too_large` for a key over DynamoDB's limits.
 */
export function rowKey(schema: DescMessage, id: RowId): OpaqueKey {
  return keyOf(requireKeyModel(schema), id).key;
}

/** Gives the key of a row, and the values that it was made from in the order of {@link keyParts}. */
export function keyOf(model: KeyModel, id: RowId): { readonly key: OpaqueKey; readonly values: readonly unknown[] } {
  const { schema, templates, fixedSortKey, role } = model;
  const parts = keyParts(model);
  const values = readFields(schema, parts, typeof id === "string" ? idFields(schema, parts, id) : id);
  if (role !== "other" && values[0] === "") {
    throw invalid("id", `the id is empty: give the id of a ${schema.typeName}`);
  }
  const pk = templates.get("pk");
  const sk = templates.get("sk");
  const key = {
    pk: pk ? composeKey(pk, values.slice(0, pk.parts.length)) : "",
    sk: fixedSortKey ?? (sk ? composeKey(sk, values.slice(pk?.parts.length)) : ""),
  };
  checkKey(key);
  return { key, values };
}

function idFields(schema: DescMessage, [only, ...others]: readonly KeyPart[], id: string): KeyFields {
  if (only && others.length === 0) return { [only.field.localName]: id };
  throw invalid(
    "id",
    `a row of ${schema.typeName} isn't named by one field: give an object with all that make its key`,
  );
}

/** The fields that name a row: those of the pk, then those of the sk. */
export function keyParts({ templates, fixedSortKey }: KeyModel): readonly KeyPart[] {
  const sk = fixedSortKey === undefined ? templates.get("sk") : undefined;
  return [...(templates.get("pk")?.parts ?? []), ...(sk?.parts ?? [])];
}

/** Reads the values of all the parts, and of nothing else. Throws `invalid_argument`. */
export function readFields(schema: DescMessage, parts: readonly KeyPart[], fields: KeyFields): readonly unknown[] {
  if (typeof fields !== "object" || fields === null) {
    throw invalid(
      "fields",
      `${show(fields)} doesn't hold the fields of this key of ${schema.typeName}: give ${names(parts)}`,
    );
  }
  const known = new Set(parts.map(({ field }) => field.localName));
  for (const name of Object.keys(fields)) {
    if (known.has(name)) continue;
    throw invalid(name, `${name} isn't a part of this key of ${schema.typeName}: give ${names(parts)}`);
  }
  return parts.map(({ field }) => {
    const value = fields[field.localName];
    if (value === undefined) {
      throw invalid(
        field.localName,
        `${field.localName} is missing: this key of ${schema.typeName} needs ${names(parts)}`,
      );
    }
    return checkValue(field, value);
  });
}

/** Gives back a value that the field can hold. Throws `invalid_argument` for another. */
export function checkValue(field: DescField, value: unknown): unknown {
  const problem = valueProblem(field, value);
  if (problem === undefined) return value;
  // Errors are logged, where nothing personal may be.
  const given = subjectName(field) === undefined ? show(value) : "what is given";
  throw invalid(field.localName, `${field.localName} can't be ${given}: give ${problem}`);
}

/** What is expected instead of a value; undefined when the field can hold it. */
function valueProblem(field: DescField, value: unknown): string | undefined {
  switch (field.fieldKind) {
    case "enum":
      return enumProblem(value);
    case "scalar":
      return scalarProblem(field.scalar, value);
    case "list": {
      if (!Array.isArray(value)) return "an array";
      if (field.listKind === "message") return "nothing, as no key holds messages";
      const problems = value.map((v) => (field.listKind === "enum" ? enumProblem(v) : scalarProblem(field.scalar, v)));
      const problem = problems.find((p) => p !== undefined);
      return problem && `an array, each element ${problem}`;
    }
    default:
      return "nothing, as no key holds maps and messages";
  }
}

function enumProblem(value: unknown): string | undefined {
  return Number.isInteger(value) ? undefined : "a value of the enum";
}

function scalarProblem(type: ScalarType, value: unknown): string | undefined {
  const bounds = scalarBounds(type);
  if (bounds) {
    const [low, high] = bounds;
    const number = toInteger(value);
    const fits = number !== undefined && number >= low && number <= high;
    return fits
      ? undefined
      : `a whole number from ${low} to ${high}${high > Number.MAX_SAFE_INTEGER ? ", as bigint" : ""}`;
  }
  switch (type) {
    case ScalarType.STRING:
      return typeof value === "string" ? undefined : "a string";
    case ScalarType.BOOL:
      return typeof value === "boolean" ? undefined : "true or false";
    case ScalarType.BYTES:
      return value instanceof Uint8Array ? undefined : "a Uint8Array";
    default:
      return typeof value === "number" ? undefined : "a number";
  }
}

/** Lists the names of fields, for people. */
export function names(parts: readonly KeyPart[]): string {
  return parts.map(({ field }) => field.localName).join(", ");
}

/** Shows a value of any kind, for people. */
export function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
