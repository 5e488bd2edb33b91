/** What a subscription remembers of a stream, as bytes and back. */
import { invalid } from "../errors.js";

/** A bigint is written as its digits with an n behind them, and a text that looks so gets a tilde in front. */
const BIGINT = /^-?\d+n$/;
const ESCAPED = /^~+-?\d+n$/;

/**
 * Gives the bytes of a memo: JSON that also holds bigints.
 *
 * Throws `invalid_argument` for what would come back as something else: a class, a function, a number that is none.
 */
export function encodeMemo(memo: unknown): Uint8Array {
  if (memo === undefined) return new Uint8Array();
  return new TextEncoder().encode(JSON.stringify(toJson(memo, "memo")));
}

/** Gives the memo of bytes; undefined for none. */
export function decodeMemo(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  return JSON.parse(new TextDecoder().decode(bytes), (_, value: unknown) => {
    if (typeof value !== "string") return value;
    if (BIGINT.test(value)) return BigInt(value.slice(0, -1));
    return ESCAPED.test(value) ? value.slice(1) : value;
  });
}

function toJson(value: unknown, path: string): unknown {
  switch (typeof value) {
    case "bigint":
      return `${value}n`;
    case "string":
      return BIGINT.test(value) || ESCAPED.test(value) ? `~${value}` : value;
    case "boolean":
    case "undefined":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      break;
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((one, i) => toJson(one, `${path}[${i}]`));
      if (isPlain(value)) {
        return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toJson(one, `${path}.${name}`)]));
      }
      break;
    default:
  }
  throw invalid(
    "memo",
    `${path} can't be remembered: a memo holds texts, numbers, bigints, booleans, null, arrays and plain objects`,
  );
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
