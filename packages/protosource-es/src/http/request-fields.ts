/** From the fields of a request to what queries take. */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { fieldReader } from "../aggregate/fields.js";
import { fieldNamed } from "../aggregate/file-model.js";
import { invalid } from "../errors.js";
import { requestFieldName } from "../opaquedata/request-field-name.js";

/** How many items a page has when the request doesn't say, and how many it has at most. */
const PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1000;

/** What every request for a page says. */
export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
  readonly reverse: boolean;
}

/** Gives the number of items that a page may have. Throws `invalid_argument` for a negative one. */
export function pageSizeOf({ pageSize }: PageRequest): number {
  if (pageSize < 0) throw invalid("page_size", `a page of ${pageSize} items isn't possible: give 0 or more`);
  return pageSize === 0 ? PAGE_SIZE : Math.min(pageSize, MAX_PAGE_SIZE);
}

/**
 * Makes the function that reads a field of a key from requests; undefined where it isn't set.
 *
 * Throws `invalid_argument` for a request that hasn't the field.
 */
export function keyReader(input: DescMessage, field: DescField): (request: Message) => unknown {
  const name = requestFieldName(field);
  const own = fieldNamed(input, name);
  if (own === undefined) throw invalid("service", `${input.typeName} has no field ${name}: generate the service again`);
  return fieldReader(own);
}

/** Makes the function that reads all of some fields from requests, by the names that queries have for them. */
export function keyFieldsReader(
  input: DescMessage,
  fields: readonly DescField[],
): (request: Message) => Readonly<Record<string, unknown>> {
  const readers = fields.map((field) => ({ field, read: keyReader(input, field) }));
  return (request) =>
    Object.fromEntries(readers.map(({ field, read }) => [field.localName, keyValue(field, read(request))]));
}

/** Gives a value as the message with the key has it, where a number of 64 bits is a text in TypeScript. */
export function keyValue(field: DescField, value: unknown): unknown {
  return typeof value === "bigint" && "longAsString" in field && field.longAsString ? value.toString() : value;
}

/** A comparison in a request: one of the messages that stand for it. */
interface Condition {
  readonly comparison: { readonly case?: string; readonly value?: unknown };
}

/**
 * Gives the comparison of a request as queries take it, undefined for none.
 *
 * Throws `invalid_argument` for a condition that says nothing.
 */
export function comparisonOf(field: DescField, value: unknown): object | undefined {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return undefined;
  if (!isCondition(value)) return { eq: value };
  const { case: operator, value: bound } = value.comparison;
  if (operator === undefined) {
    throw invalid(field.name, `the condition on ${field.name} compares with nothing: give one comparison, or none`);
  }
  if (operator !== "between") return { [operator]: bound };
  const { low, high } = bound as { readonly low: unknown; readonly high: unknown };
  return { between: [low, high] };
}

function isCondition(value: unknown): value is Condition {
  return typeof value === "object" && value !== null && "comparison" in value;
}
