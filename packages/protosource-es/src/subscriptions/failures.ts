/** Which failures are no event's fault. */
import { isProtosourceError } from "../errors.js";

/** Failures that stay until somebody changes what the program was given. */
const LASTING = ["denied", "table_missing", "not_configured"] as const;

/** Tells a failure that stays until somebody changes what the program was given: a permission, a table, an option. */
export function isLasting(error: unknown): boolean {
  return LASTING.some((code) => isProtosourceError(error, code));
}

/** Tells a failure that says nothing of what was being done: the next one fails as well, or none later. */
export function isForAll(error: unknown): boolean {
  return isLasting(error) || isProtosourceError(error, "unavailable") || isProtosourceError(error, "cancelled");
}
