/** What callers are told of each error. */
import { type ErrorCode, type ErrorDetails, ProtosourceError } from "protosource-es";

/** What a caller is told of an error, by Connect and by the family's paths. */
export interface Told {
  readonly connect: readonly [status: number, code: string];
  readonly family: readonly [status: number, code: string];
  readonly detail?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export const HIDDEN: Told = { connect: [500, "internal"], family: [500, "CMD_INTERNAL"] };
/** What no caller may see. */
export const SECRET: string = "table-7 of arn:aws:dynamodb";

/** Each error that a command can come to, with details of that kind. */
export const TABLE: { readonly [code in ErrorCode]: readonly [ErrorDetails[code], Told] } = {
  invalid_argument: [{ argument: "item" }, { connect: [400, "invalid_argument"], family: [400, "CMD_INVALID"] }],
  validation_failed: [
    { violations: [{ field: "customer_id", rule: "string.min_len", message: "too short" }] },
    {
      connect: [400, "invalid_argument"],
      family: [400, "CMD_VALIDATION"],
      detail: { violations: [{ field: "customer_id", rule: "string.min_len", message: "too short" }] },
    },
  ],
  too_large: [
    { what: "record", size: 9, limit: 8 },
    { connect: [413, "invalid_argument"], family: [413, "CMD_INVALID"] },
  ],
  not_found: [
    { aggregateId: "o1", reason: "unknown" },
    { connect: [404, "not_found"], family: [404, "CMD_NOT_FOUND"] },
  ],
  not_created: [{ aggregateId: "o1" }, { connect: [404, "not_found"], family: [404, "CMD_NOT_CREATED"] }],
  already_created: [
    { aggregateId: "o1", version: 3n },
    { connect: [409, "already_exists"], family: [409, "CMD_ALREADY_CREATED"], detail: { version: "3" } },
  ],
  claim_taken: [
    { scope: "email", owner: SECRET },
    { connect: [409, "already_exists"], family: [409, "CMD_ALREADY_EXISTS"] },
  ],
  command_id_reused: [
    { aggregateId: SECRET, commandId: SECRET },
    { connect: [422, "failed_precondition"], family: [422, "CMD_REFUSED"] },
  ],
  state_not_allowed: [
    { aggregateId: "o1", state: "STATE_PAID", allowed: ["STATE_DRAFT"] },
    {
      connect: [400, "failed_precondition"],
      family: [409, "CMD_STATE_VIOLATION"],
      detail: { state: "STATE_PAID", allowedStates: ["STATE_DRAFT"] },
    },
  ],
  version_conflict: [
    { aggregateId: "o1", version: 3n },
    { connect: [409, "aborted"], family: [409, "CMD_CONFLICT"], detail: { version: "3" } },
  ],
  subject_erased: [{ subject: SECRET }, { connect: [400, "failed_precondition"], family: [409, "CMD_REFUSED"] }],
  unavailable: [
    { operation: SECRET, reasons: [SECRET], outcome: "unknown" },
    { connect: [503, "unavailable"], family: [503, "CMD_UNAVAILABLE"], headers: { "retry-after": "1" } },
  ],
  cancelled: [{ operation: "apply" }, { connect: [499, "canceled"], family: [499, "CMD_CANCELLED"] }],
  not_configured: [{ option: SECRET }, HIDDEN],
  not_keyed: [{ typeName: SECRET }, HIDDEN],
  table_missing: [{ table: SECRET }, HIDDEN],
  denied: [{ reason: SECRET }, HIDDEN],
  unhandled_command: [{ typeName: SECRET }, HIDDEN],
  unhandled_event: [{ typeName: SECRET }, HIDDEN],
  position_conflict: [{ subscription: SECRET, streamId: SECRET, version: 1n, parked: false }, HIDDEN],
  row_conflict: [{ pk: SECRET, sk: SECRET }, HIDDEN],
  not_caught_up: [{ subscription: SECRET, reason: "behind", streamId: SECRET }, HIDDEN],
  partial_save: [{ aggregateId: SECRET, committed: 1n, commitId: new Uint8Array(1) }, HIDDEN],
  key_missing: [{ key: SECRET, keyId: SECRET }, HIDDEN],
  corrupt_record: [{ key: SECRET }, HIDDEN],
  corrupt_stream: [{ aggregateId: SECRET, problem: "gap", version: 1n }, HIDDEN],
};

/** Those of whose text callers get nothing, although they are told what it was. */
const REWORDED: ReadonlySet<string> = new Set(["command_id_reused", "subject_erased", "unavailable", "cancelled"]);

/** Makes an error of a code, with what callers must not see wherever they must not see it. */
export function errorOf(code: ErrorCode): ProtosourceError {
  const [details, told] = TABLE[code];
  const text = told === HIDDEN || REWORDED.has(code) ? SECRET : "say it otherwise";
  return new ProtosourceError(code, text, details as never, { cause: new Error(SECRET) });
}
