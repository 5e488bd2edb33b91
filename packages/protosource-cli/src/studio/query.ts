/** What requests ask for. */
import { usageError } from "../failure.js";
import { wholeNumber } from "../format.js";

/** Gives a parameter that must be there. Throws `invalid_argument`. */
export function required(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value !== null && value !== "") return value;
  throw usageError(name, `the request lacks ${name}: add it`);
}

/** Gives how many of something a page may hold. Throws `invalid_argument`. */
export function pageSize(query: URLSearchParams, byDefault: number, most: number): number {
  const text = query.get("limit");
  return text === null ? byDefault : wholeNumber(text, "limit", 1, most);
}
