/** What the family calls errors: a prefix for what was asked for, and what went wrong with it. */
import { isProtosourceError } from "../errors.js";
import type { Call } from "./calls.js";
import { AUTHORIZE_FAILED } from "./exchange.js";
import type { Refusal, RefusalCode } from "./refusal.js";

const PREFIXES: { readonly [kind in Call["kind"]]: string } = {
  apply: "CMD",
  get: "GET",
  load: "LOAD",
  history: "HIST",
  select: "QUERY",
};

/** What failed inside, where the family's members don't call it `INTERNAL`. */
const INTERNAL: { readonly [kind in Call["kind"]]: string } = {
  apply: "INTERNAL",
  get: "FAILED",
  load: "FAILED",
  history: "LOAD",
  select: "EXEC",
};

const BY_REASON: { readonly [reason: string]: string } = {
  validation_failed: "VALIDATION",
  already_created: "ALREADY_CREATED",
  not_created: "NOT_CREATED",
  state_not_allowed: "STATE_VIOLATION",
  version_conflict: "CONFLICT",
  unmarshal: "UNMARSHAL",
  missing_pk: "MISSING_PK",
  missing_sk: "MISSING_SK",
  bad_op: "BAD_OP",
  no_sk: "NO_SK",
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
export function familyCode(kind: Call["kind"], refusal: Refusal): string {
  const { code, reason } = refusal;
  if (code === "unauthenticated") return "AUTHZ_UNAUTHENTICATED";
  if (code === "permission_denied") return "AUTHZ_FORBIDDEN";
  if (reason === AUTHORIZE_FAILED) return "AUTHZ_UNAVAILABLE";
  return `${PREFIXES[kind]}_${problemOf(kind, refusal)}`;
}

function problemOf(kind: Call["kind"], { code, reason, cause }: Refusal): string {
  if (isProtosourceError(cause, "invalid_argument") && cause.details.argument === "id") return "EMPTY_ID";
  if (kind === "select" && reason === "unmarshal") return "BAD_PARAM";
  return BY_REASON[reason] ?? BY_CODE[code] ?? INTERNAL[kind];
}
