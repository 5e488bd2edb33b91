/** The table of errors: what a caller is told of each, which is never more than what concerns him. */
import { isProtosourceError } from "../errors.js";
import { Refusal, type RefusalCode, type RefusalOptions } from "./refusal.js";

/** How long a caller waits before he tries again what the store couldn't do, in seconds. */
export const RETRY_AFTER = 1;

/** What the request said beside its message, as far as a refusal depends on it. */
export interface RefusedRequest {
  /** Whether it said which version it expects, in a header: then another version is a failed precondition of HTTP. */
  readonly isConditional: boolean;
  /** The scope of the ids of commands, where it came with one. */
  readonly commandScope: string | undefined;
}

/**
 * Gives what a caller is told of an error of this package; undefined for one that isn't for callers, such as a table that
 * is missing.
 */
export function refuse(error: unknown, request: RefusedRequest): Refusal | undefined {
  if (!isProtosourceError(error)) return undefined;
  const told = (code: RefusalCode, options: Omit<RefusalOptions, "reason" | "cause"> = {}): Refusal =>
    new Refusal(code, error.rawMessage, { ...options, reason: error.code, cause: error });
  switch (error.code) {
    case "invalid_argument":
      return told("invalid_argument");
    case "validation_failed":
      return told("invalid_argument", {
        detail: { violations: error.details.violations.map(({ field, rule, message }) => ({ field, rule, message })) },
      });
    case "too_large":
      return told("invalid_argument", { status: 413 });
    case "not_found":
    case "not_created":
      return told("not_found");
    case "already_created":
      return told("already_exists", { detail: { version: error.details.version } });
    case "claim_taken":
      if (error.details.scope === request.commandScope) return keyReused(error);
      return told("already_exists");
    case "command_id_reused":
      return keyReused(error);
    case "subject_erased":
      return new Refusal("failed_precondition", "what is personal here was erased, and isn't stored again", {
        reason: error.code,
        cause: error,
      });
    case "state_not_allowed": {
      const { state, allowed } = error.details;
      return told("failed_precondition", { detail: { state, allowedStates: [...allowed] } });
    }
    case "version_conflict":
      return told("aborted", {
        status: request.isConditional ? 412 : undefined,
        detail: { version: error.details.version },
      });
    case "unavailable":
      return new Refusal("unavailable", unavailableText(error.details.outcome), {
        reason: error.code,
        retryAfter: RETRY_AFTER,
        cause: error,
      });
    case "cancelled":
      return new Refusal("canceled", "the request was cancelled", { reason: error.code, cause: error });
    default:
      return undefined;
  }
}

function keyReused(cause: Error): Refusal {
  const message = "the Idempotency-Key was used for another command: give each command its own";
  return new Refusal("failed_precondition", message, { status: 422, reason: "command_id_reused", cause });
}

function unavailableText(outcome: "not_applied" | "unknown"): string {
  return outcome === "not_applied"
    ? "the store is unavailable, and nothing was changed: try again later"
    : "the store is unavailable, and whether the command was carried out isn't known: send it again with the same Idempotency-Key, or look first";
}
