/** The option --where: conditions on fields, as people write them. */
import { type DescEnum, type DescField, ScalarType } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { type KeyModel, type KeyPart, sortOptionName } from "protosource-es/model";
import { indexAttributes, type PageOptions } from "protosource-es/opaquedata";
import { usageError } from "./failure.js";

/** The operators, and what each is called in a query. */
const OPERATORS = { "=": "eq", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "^=": "beginsWith" } as const;

interface Condition {
  readonly field: DescField;
  readonly operator: (typeof OPERATORS)[keyof typeof OPERATORS];
  readonly value: unknown;
}

/** What a query of an index takes. */
export interface Selection {
  readonly partition: Readonly<Record<string, unknown>>;
  readonly sort: PageOptions;
}

/**
 * Sorts conditions into what makes the partition key of an index and what the sort key: `customer_id=c-9` and
 * `create_at>=5`. Two of `>=` and `<=` on one field are a range.
 *
 * Throws `invalid_argument` for an index that the message doesn't have, what is no condition, or one on a field that the keys aren't made of.
 */
export function parseConditions(texts: readonly string[], model: KeyModel, index: number): Selection {
  const [pkName, skName] = indexAttributes(index as Parameters<typeof indexAttributes>[0]);
  const partitionParts = model.templates.get(pkName)?.parts ?? [];
  const sortParts = model.templates.get(skName)?.parts ?? [];
  if (!model.templates.has(pkName)) throw noIndex(model, index);
  const conditions = texts.map((text) => parseCondition(text, [...partitionParts, ...sortParts], index));

  const isOf = (parts: readonly KeyPart[], { field }: Condition): boolean => parts.some((part) => part.field === field);
  const partition: Record<string, unknown> = {};
  for (const condition of conditions.filter((one) => isOf(partitionParts, one))) {
    const { field, operator, value } = condition;
    if (operator !== "eq") throw invalid(`${field.name} is part of the partition: give its value, by ${field.name}=…`);
    partition[field.localName] = value;
  }
  const sort: Record<string, unknown> = {};
  const sorted = sortParts.filter(({ field }) => conditions.some((condition) => condition.field === field));
  for (const { field } of sorted) {
    const ofField = conditions.filter((condition) => condition.field === field);
    sort[sortOptionName(field)] = comparison(ofField, field === sortParts.at(-1)?.field);
  }
  return { partition, sort };
}

/** The last field of a sort key is compared, and those before it are given. */
function comparison(conditions: readonly Condition[], isLast: boolean): unknown {
  const [first, second] = conditions;
  if (conditions.length === 1 && first) return isLast ? { [first.operator]: first.value } : exactValue(first);
  const low = conditions.find(({ operator }) => operator === "ge");
  const high = conditions.find(({ operator }) => operator === "le");
  if (conditions.length === 2 && low && high && isLast) return { between: [low.value, high.value] };
  throw invalid(`two conditions on ${second?.field.name}: give one, or a range by >= and <=`);
}

function exactValue({ field, operator, value }: Condition): unknown {
  if (operator === "eq") return value;
  throw invalid(`${field.name} isn't the last field of the sort key: give its value, by ${field.name}=…`);
}

function parseCondition(text: string, parts: readonly KeyPart[], index: number): Condition {
  const {
    name = "",
    operator = "",
    value = "",
  } = /^(?<name>\w+)(?<operator>\^=|<=|>=|=|<|>)(?<value>.*)$/s.exec(text)?.groups ?? {};
  if (name === "") throw invalid(`${JSON.stringify(text)} is no condition: write customer_id=c-9, or create_at>=5`);
  const field = parts.find((part) => part.field.name === name || part.field.localName === name)?.field;
  if (field === undefined) {
    const names = parts.map((part) => part.field.name).join(", ") || "no field";
    throw invalid(`${name} isn't in the keys of index ${index}: they are made of ${names}`);
  }
  return { field, operator: OPERATORS[operator as keyof typeof OPERATORS], value: parseValue(field, value) };
}

function parseValue(field: DescField, text: string): unknown {
  if (field.fieldKind === "enum") return enumValue(field.enum, text);
  if (field.fieldKind !== "scalar") throw invalid(`${field.name} can't be compared: it is no single value`);
  switch (field.scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      if (text !== "true" && text !== "false") throw invalid(`${field.name} is true or false, and not ${text}`);
      return text === "true";
    case ScalarType.BYTES:
      return bytesOf(field, text);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return numberOf(field, text);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      if (!/^-?\d+$/.test(text)) throw invalid(`${field.name} is a whole number, and not ${text}`);
      return field.longAsString ? text : BigInt(text);
    default:
      if (!/^-?\d+$/.test(text)) throw invalid(`${field.name} is a whole number, and not ${text}`);
      return Number(text);
  }
}

function bytesOf(field: DescField, text: string): unknown {
  try {
    return base64Decode(text);
  } catch (cause) {
    throw usageError("--where", `${field.name} is bytes in base64, and not ${text}`, cause);
  }
}

function numberOf(field: DescField, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && (!Number.isNaN(value) || text === "NaN")) return value;
  throw invalid(`${field.name} is a number, and not ${text}`);
}

function enumValue(type: DescEnum, text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  const found = type.values.find(({ name }) => name === text);
  if (found) return found.number;
  throw invalid(`${text} isn't a value of ${type.typeName}: it has ${type.values.map(({ name }) => name).join(", ")}`);
}

function noIndex({ schema, templates }: KeyModel, index: number): Error {
  const numbers = [...templates.keys()].flatMap((name) => /^gsi(\d+)pk$/.exec(name)?.[1] ?? []);
  const others = numbers.length === 0 ? "none" : numbers.join(", ");
  return usageError(
    "--index",
    `${schema.name} has no index ${index}: its indexes are ${others}, and 0 is the table itself`,
  );
}

function invalid(message: string): Error {
  return usageError("--where", message);
}
