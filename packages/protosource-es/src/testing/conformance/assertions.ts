/** The few assertions of the cases. They need no test runner, and their messages show what came and what should have. */
import { type ErrorCode, type ErrorDetails, isProtosourceError } from "../../errors.js";

/** Throws when two values differ, looking into arrays, bytes and plain objects. `what` names the value. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (equal(actual, expected)) return;
  throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
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

function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && sameElements(a, b);
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && sameElements(a, b);
  }
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => equal((a as Fields)[key], (b as Fields)[key]));
}

type Fields = Readonly<Record<string, unknown>>;

function sameElements(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!equal(a[i], b[i])) return false;
  return true;
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
