/** The few assertions of the cases. They need no test runner, and their messages show what came and what should have. */
import { type ErrorCode, type ErrorDetails, isProtosourceError } from "../../errors.js";

/** Throws when two values differ, looking into arrays, bytes and plain objects. `what` names the value. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const found = difference(actual, expected, what);
  if (found !== undefined) throw new Error(found);
}

/** Throws when a condition isn't met. `what` says what should be so. */
export function expectTrue(condition: boolean, what: string): void {
  if (!condition) throw new Error(`expected that ${what}`);
}

/**
 * Throws unless a call fails with a code, and with these details among its own.
 */
export async function expectError<C extends ErrorCode>(
  code: C,
  call: Promise<unknown>,
  details: Partial<ErrorDetails[C]> = {},
): Promise<void> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) throw new Error(`expected the error ${code}, but the call gave ${show(outcome.value)}`);
  const { error } = outcome;
  if (!isProtosourceError(error, code)) {
    throw new Error(`expected the error ${code}, got ${String(error)}`, { cause: error });
  }
  for (const [name, expected] of Object.entries(details)) {
    const actual = (error.details as Readonly<Record<string, unknown>>)[name];
    expectEqual(actual, expected, `detail ${name} of the error ${code}`);
  }
}

/** Gives the first difference of two values, in words; undefined when there is none. */
function difference(actual: unknown, expected: unknown, path: string): string | undefined {
  if (Object.is(actual, expected) || sameBytes(actual, expected)) return undefined;
  if (Array.isArray(actual) && Array.isArray(expected) && actual.length === expected.length) {
    return firstOf(actual.keys(), (i) => difference(actual[i], expected[i], `${path}[${i}]`));
  }
  if (isPlain(actual) && isPlain(expected)) {
    const names = new Set([...Object.keys(actual), ...Object.keys(expected)]);
    return firstOf(names, (name) => difference(actual[name], expected[name], `${path}.${name}`));
  }
  return `${path}: expected ${show(expected)}, got ${show(actual)}`;
}

function firstOf<T>(values: Iterable<T>, differenceOf: (value: T) => string | undefined): string | undefined {
  for (const value of values) {
    const found = differenceOf(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

function sameBytes(a: unknown, b: unknown): boolean {
  return (
    a instanceof Uint8Array && b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i])
  );
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

const MAX_SHOWN = 16;

function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) {
    const start = Array.from(value.subarray(0, MAX_SHOWN), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return `<${value.length} bytes: ${start}${value.length > MAX_SHOWN ? "…" : ""}>`;
  }
  if (Array.isArray(value)) {
    const shown = value.slice(0, MAX_SHOWN).map(show).join(", ");
    return `[${shown}${value.length > MAX_SHOWN ? `, … ${value.length} in all` : ""}]`;
  }
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([key, field]) => `${key}: ${show(field)}`);
    return `{ ${fields.join(", ")} }`;
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
