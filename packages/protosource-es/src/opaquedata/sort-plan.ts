/** How the conditions on the fields of a sort key become readings of a partition. */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { invalid } from "../errors.js";
import { composeKey } from "./auto-pksk.js";
import { integerBounds, toInteger } from "./integers.js";
import { checkValue, names, show } from "./key-fields.js";
import type { KeyPart, KeyTemplate } from "./key-model.js";
import type { FieldValues } from "./key-value.js";
import { type KeyScan, lastOf, numberScans } from "./number-scans.js";
import type { PageOptions } from "./query-options.js";
import { beginsWith, between, eq, ge, gt, le, lt, type SortCondition } from "./sort-condition.js";
import { compareUtf8 } from "./utf8.js";

/** What to read, and which of the messages are meant: keys are unescaped, so that others may have the same ones. */
export interface SortPlan {
  readonly scans: readonly KeyScan[];
  readonly isMeant: (message: FieldValues) => boolean;
  /** Whether the scans are for all numbers there are, and cut only for their order. */
  readonly isWhole?: boolean;
}

const PAGE_OPTIONS: Readonly<Record<keyof PageOptions, true>> = {
  limit: true,
  reverse: true,
  textOrder: true,
  cursor: true,
  consistent: true,
  signal: true,
};

/** The name of the option that holds the condition on a field: the field's, with a `$` when an option has that name. */
export function sortOptionName(field: DescField): string {
  return Object.hasOwn(PAGE_OPTIONS, field.localName) ? `${field.localName}$` : field.localName;
}

/** Plans a query by the options that aren't those of the page. Throws `invalid_argument`. */
export function planSort(schema: DescMessage, template: KeyTemplate | undefined, options: PageOptions): SortPlan {
  const parts = template?.parts ?? [];
  const conditions = readConditions(schema, parts, options);
  const { reverse = false, textOrder = false } = options;
  if (!template) return { scans: [{ sort: undefined, reverse }], isMeant: () => true };

  const compared = conditions.length === parts.length ? parts.at(-1) : undefined;
  const exactParts = parts.slice(0, conditions.length - (compared ? 1 : 0));
  const values = exactParts.map(({ field }, i) => checkValue(field, conditions[i]));
  const isExact = equalTo(exactParts, values);
  const next = compared ?? parts[conditions.length];
  const head = composeKey(template, values) + (next?.label ?? "");
  if (!compared) {
    const bounds = next && !textOrder ? unorderedBounds(next) : undefined;
    if (bounds) {
      const tail = parts[conditions.length + 1]?.label ?? "";
      return { scans: numberScans({ head, tail, reverse }, ...bounds), isMeant: isExact, isWhole: true };
    }
    const sort = conditions.length === 0 ? undefined : beginsWith(head);
    return { scans: [{ sort, reverse }], isMeant: isExact };
  }

  const { scans, isMeant } = planComparison(compared, conditions.at(-1), { head, alone: parts.length === 1, reverse });
  return { scans, isMeant: (message) => isExact(message) && isMeant(message) };
}

/** The bounds of the numbers that a field may have, where their order as texts is another one. */
function unorderedBounds({ field, isOrdered }: KeyPart): readonly [low: bigint, high: bigint] | undefined {
  return field.fieldKind === "enum" || isOrdered || isTime(field) ? undefined : integerBounds(field);
}

/** Gives the test whether the fields of a message have the values asked for. */
export function equalTo(parts: readonly KeyPart[], values: readonly unknown[]): (message: FieldValues) => boolean {
  return (message) => parts.every((part, i) => isSame(part, part.read(message), values[i]));
}

function isSame({ text }: KeyPart, a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return text(a) === text(b);
  // Two lists may be spelled alike: ["a b"] and ["a", "b"].
  return a.length === b.length && a.every((element, i) => text([element]) === text([b[i]]));
}

/** Reads the conditions in the order of the key's fields. A condition needs those before it. */
function readConditions(schema: DescMessage, parts: readonly KeyPart[], options: PageOptions): readonly unknown[] {
  const given = new Map(
    Object.entries(options).filter(([name, value]) => value !== undefined && !Object.hasOwn(PAGE_OPTIONS, name)),
  );
  const conditions: unknown[] = [];
  for (const { field } of parts) {
    const name = sortOptionName(field);
    if (!given.has(name)) break;
    conditions.push(given.get(name));
    given.delete(name);
  }
  const [name] = given.keys();
  if (name === undefined) return conditions;
  const missing = parts.slice(conditions.length);
  const [first] = missing;
  throw missing.some(({ field }) => sortOptionName(field) === name) && first
    ? invalid(
        name,
        `${name} alone can't be looked for: rows are sorted by ${names(parts)}, so give ${first.field.localName} too`,
      )
    : invalid(
        name,
        `${schema.typeName} isn't sorted by ${name} here${parts.length > 0 ? `, but by ${names(parts)}` : ""}`,
      );
}

/** Where a comparison is made. */
interface Place {
  /** All of the key up to the value. */
  readonly head: string;
  /** Whether the value is the whole sort key, so that every key of the message begins with the head. */
  readonly alone: boolean;
  readonly reverse: boolean;
}

type Operator = "eq" | "lt" | "le" | "gt" | "ge" | "between" | "beginsWith";

interface Comparison {
  readonly operator: Operator;
  /** The value, or the low bound. */
  readonly value: unknown;
  readonly high: unknown;
}

function planComparison(part: KeyPart, condition: unknown, place: Place): SortPlan {
  const { field, isOrdered } = part;
  const isText = field.fieldKind === "scalar" && field.scalar === ScalarType.STRING;
  const bounds = field.fieldKind === "enum" && !isOrdered ? undefined : integerBounds(field);
  const range = ["eq", "lt", "le", "gt", "ge", "between"] as const;
  const allowed = isText ? ([...range, "beginsWith"] as const) : bounds || isOrdered ? range : (["eq"] as const);
  const comparison = readComparison(field, condition, allowed);
  if (comparison.operator === "eq") {
    const value = checkValue(field, comparison.value);
    const sort = eq(place.head + part.text(value));
    return { scans: [{ sort, reverse: place.reverse }], isMeant: equalTo([part], [value]) };
  }
  if (isOrdered) return bounds ? planOrdered(part, comparison, bounds, place) : planFloats(part, comparison, place);
  return bounds ? planNumbers(part, comparison, bounds, place) : planText(part, comparison, place);
}

function readComparison(field: DescField, condition: unknown, allowed: readonly Operator[]): Comparison {
  const name = sortOptionName(field);
  const given =
    typeof condition === "object" && condition !== null
      ? Object.entries(condition).filter(([, value]) => value !== undefined)
      : [];
  const [first, ...others] = given;
  const operator = allowed.find((one) => one === first?.[0]);
  if (!first || !operator || others.length > 0) {
    const what = given.length > 0 ? given.map(([one]) => one).join(" and ") : show(condition);
    throw invalid(name, `${name} can't be compared by ${what}: give an object with one of ${allowed.join(", ")}`);
  }
  if (operator !== "between") return { operator, value: first[1], high: undefined };
  const [low, high, ...more]: readonly unknown[] = Array.isArray(first[1]) ? first[1] : [];
  if (low === undefined || high === undefined || more.length > 0) {
    throw invalid(name, `between needs two bounds for ${name}: give [low, high]`);
  }
  return { operator, value: low, high };
}

function planText({ field, read }: KeyPart, { operator, ...given }: Comparison, place: Place): SortPlan {
  const { head, alone, reverse } = place;
  const value = checkValue(field, given.value) as string;
  const high = operator === "between" ? (checkValue(field, given.high) as string) : value;
  if (compareUtf8(value, high) > 0) throw swapped(field, value, high);
  const plan = (sort: SortCondition, isMeant: (text: string) => boolean): SortPlan => ({
    scans: [{ sort, reverse }],
    isMeant: (message) => isMeant(read(message) as string),
  });
  const key = head + value;
  const compare = (text: string): number => compareUtf8(text, value);
  switch (operator) {
    case "lt":
      return plan(alone ? lt(key) : between(head, key), (text) => compare(text) < 0);
    case "le":
      return plan(alone ? le(key) : between(head, key), (text) => compare(text) <= 0);
    case "gt":
      return plan(alone ? gt(key) : between(key, lastOf(head)), (text) => compare(text) > 0);
    case "ge":
      return plan(alone ? ge(key) : between(key, lastOf(head)), (text) => compare(text) >= 0);
    case "between":
      return plan(between(key, head + high), (text) => compare(text) >= 0 && compareUtf8(text, high) <= 0);
    default:
      return plan(beginsWith(key), (text) => text.startsWith(value));
  }
}

/** The least and the greatest number of microseconds with 16 digits: 2001 to 2286. */
const TIMES = [10n ** 15n, 10n ** 16n - 1n] as const;

function planNumbers(
  { field, read }: KeyPart,
  comparison: Comparison,
  bounds: readonly [bigint, bigint],
  { head, reverse }: Place,
): SortPlan {
  const [low, high] = numberRange(field, comparison, bounds);
  const isWithin = (message: FieldValues): boolean => {
    const value = toInteger(read(message));
    return value !== undefined && value >= low && value <= high;
  };
  if (!isTime(field)) return { scans: numberScans({ head, tail: "", reverse }, low, high), isMeant: isWithin };

  const zero = low <= 0n && high >= 0n;
  const first = zero ? 0n : max(low, TIMES[0]);
  const last = high < TIMES[0] && zero ? 0n : min(high, TIMES[1]);
  const sort = between(`${head}${first}`, `${head}${last}`);
  return {
    scans: first > last ? [] : [{ sort, reverse }],
    isMeant(message) {
      const value = toInteger(read(message)) ?? -1n;
      return isWithin(message) && (value === 0n || (value >= TIMES[0] && value <= TIMES[1]));
    },
  };
}

/** Whole numbers whose texts sort as they do: one scan. */
function planOrdered(
  { field, read, text }: KeyPart,
  comparison: Comparison,
  bounds: readonly [bigint, bigint],
  { head, reverse }: Place,
): SortPlan {
  const [low, high] = numberRange(field, comparison, bounds);
  const sort = between(head + text(low), head + text(high));
  return {
    scans: low > high ? [] : [{ sort, reverse }],
    isMeant(message) {
      const value = toInteger(read(message));
      return value !== undefined && value >= low && value <= high;
    },
  };
}

/** Floats whose texts sort as they do: one scan, from whose ends a comparison may leave out the bound itself. */
function planFloats({ field, read, text }: KeyPart, comparison: Comparison, { head, reverse }: Place): SortPlan {
  const number = (value: unknown): number => {
    const checked = checkValue(field, value) as number;
    if (!Number.isNaN(checked)) return checked;
    throw invalid(sortOptionName(field), `${field.localName} can't be compared with NaN: give a number`);
  };
  const value = number(comparison.value);
  const plan = (low: number, high: number, isWithin: (found: number) => boolean): SortPlan => ({
    scans: [{ sort: between(head + text(low), head + text(high)), reverse }],
    isMeant: (message) => isWithin(read(message) as number),
  });
  switch (comparison.operator) {
    case "lt":
      return plan(Number.NEGATIVE_INFINITY, value, (found) => found < value);
    case "le":
      return plan(Number.NEGATIVE_INFINITY, value, (found) => found <= value);
    case "gt":
      return plan(value, Number.POSITIVE_INFINITY, (found) => found > value);
    case "ge":
      return plan(value, Number.POSITIVE_INFINITY, (found) => found >= value);
    default: {
      const high = number(comparison.high);
      if (value > high) throw swapped(field, value, high);
      return plan(value, high, (found) => found >= value && found <= high);
    }
  }
}

/** Gives the numbers that a comparison means, both ends included. */
function numberRange(
  field: DescField,
  { operator, ...given }: Comparison,
  [least, greatest]: readonly [bigint, bigint],
): readonly [low: bigint, high: bigint] {
  const integer = (value: unknown): bigint => {
    const number = toInteger(value);
    if (number !== undefined) return number;
    throw invalid(
      sortOptionName(field),
      `${field.localName} can't be compared with ${show(value)}: give a whole number`,
    );
  };
  const value = integer(given.value);
  switch (operator) {
    case "lt":
      return [least, min(value - 1n, greatest)];
    case "le":
      return [least, min(value, greatest)];
    case "gt":
      return [max(value + 1n, least), greatest];
    case "ge":
      return [max(value, least), greatest];
    default: {
      const high = integer(given.high);
      if (value > high) throw swapped(field, value, high);
      return [max(value, least), min(high, greatest)];
    }
  }
}

/** Times in microseconds, by the family's names for them. */
function isTime(field: DescField): boolean {
  return (field.name === "create_at" || field.name === "modify_at") && (integerBounds(field)?.[1] ?? 0n) > TIMES[1];
}

function swapped(field: DescField, low: unknown, high: unknown): Error {
  const name = sortOptionName(field);
  return invalid(name, `the low bound of ${name}, ${show(low)}, is above the high one, ${show(high)}: swap them`);
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
