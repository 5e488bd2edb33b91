/** From the parameters of a query's path to the JSON of the request that an rpc takes. */
import type { DescField, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { fieldNamed } from "../aggregate/file-model.js";
import { indexAttributes, type KeyAttribute } from "../opaquedata/key-attribute.js";
import { keyModel } from "../opaquedata/key-model.js";
import type { GsiNumber } from "../opaquedata/opaque-store.js";
import { requestFieldName } from "../opaquedata/request-field-name.js";
import type { Call } from "./calls.js";
import { Refusal } from "./refusal.js";

const OPERATORS: { readonly [operator: string]: string } = {
  eq: "eq",
  lt: "lt",
  le: "le",
  gt: "gt",
  ge: "ge",
  begins_with: "beginsWith",
  between: "between",
};

/** What can be wrong with a query, as the family tells it apart. */
type QueryReason = "missing_pk" | "missing_sk" | "bad_op" | "no_sk";

/**
 * Gives the JSON of a request for an index: its partition fields by their names, and with `sk_op` a comparison of the last
 * sort field, whose upper bound for `between` has a 2 behind its name. Other sort fields are equal to what is given.
 *
 * Throws a {@link Refusal} for what is missing, and for an operator that isn't one.
 */
export function queryJson({ schema, index, method }: Call, params: URLSearchParams): JsonObject {
  const parts = (attribute: KeyAttribute): readonly DescField[] =>
    (keyModel(schema)?.templates.get(attribute)?.parts ?? []).map(({ field }) => field);
  const [pk, sk] = indexAttributes(index as GsiNumber | 0);
  const given = params.get("sk_op");
  const sort = given === null ? [] : parts(sk);
  const last = sort.at(-1);
  const entries = [...parts(pk), ...sort].map((field): [string, JsonValue] => {
    const name = requestFieldName(field);
    const value = parameterOf(
      field,
      params,
      field.name.toLowerCase(),
      sort.includes(field) ? "missing_sk" : "missing_pk",
    );
    const isCondition = field === last && fieldNamed(method.input, name)?.fieldKind === "message";
    return [name, isCondition ? conditionOf(field, given ?? "", value, params) : value];
  });
  if (given !== null && last === undefined) throw refused("no_sk", "this index has no sort key");
  return Object.fromEntries(entries);
}

function conditionOf(field: DescField, given: string, value: JsonValue, params: URLSearchParams): JsonObject {
  const operator = Object.hasOwn(OPERATORS, given) ? OPERATORS[given] : undefined;
  if (operator === undefined) throw refused("bad_op", `invalid sort operator: ${given}`);
  if (operator !== "between") return { [operator]: value };
  return { between: { low: value, high: parameterOf(field, params, `${field.name.toLowerCase()}2`, "missing_sk") } };
}

/** Gives a parameter as the JSON of a field: numbers and texts are written alike, and bools and enums by number aren't. */
function parameterOf(field: DescField, params: URLSearchParams, name: string, missing: QueryReason): JsonValue {
  const text = params.get(name);
  if (text === null) throw refused(missing, `missing required parameter: ${name}`);
  if (field.fieldKind === "enum" && /^-?\d+$/.test(text)) return Number(text);
  if (field.scalar === ScalarType.BOOL && (text === "true" || text === "false")) return text === "true";
  return text;
}

function refused(reason: QueryReason, message: string): Refusal {
  return new Refusal("invalid_argument", message, { reason });
}
