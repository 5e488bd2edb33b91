/** What the family calls errors: a prefix for what was asked for, and what went wrong with it. */
import type { Call } from "./calls.js";
import type { Refusal, RefusalCode } from "./refusal.js";

const PREFIXES: { readonly [kind in Call["kind"]]: string } = {
  apply: "CMD",
  get: "GET",
  load: "LOAD",
  history: "HIST",
  select: "QUERY",
};

const BY_REASON: { readonly [reason: string]: string } = {
  validation_failed: "VALIDATION",
  already_created: "ALREADY_CREATED",
  not_created: "NOT_CREATED",
  state_not_allowed: "STATE_VIOLATION",
  version_conflict: "CONFLICT",
  unmarshal: "UNMARSHAL",
};

const BY_CODE: { readonly [code in RefusalCode]?: string } = {
  not_found: "NOT_FOUND",
  invalid_argument: "INVALID",
  already_exists: "ALREADY_EXISTS",
  failed_precondition: "REFUSED",
  resource_exhausted: "TOO_LARGE",
  unimplemented: "UNSUPPORTED",
  unavailable: "UNAVAILABLE",
  canceled: "CANCELLED",
  deadline_exceeded: "TIMEOUT",
};

/** Gives the code of an error as the family's clients know it, such as `CMD_ALREADY_CREATED`. */
export function familyCode(kind: Call["kind"], { code, reason }: Refusal): string {
  if (code === "unauthenticated") return "AUTHZ_UNAUTHENTICATED";
  if (code === "permission_denied") return "AUTHZ_FORBIDDEN";
  return `${PREFIXES[kind]}_${BY_REASON[reason] ?? BY_CODE[code] ?? "INTERNAL"}`;
}
