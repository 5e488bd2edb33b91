/** What an error means for the one who typed the command: a sentence and an exit code, and never a stack. */
import { CommanderError } from "commander";
import { type ErrorCode, isProtosourceError, type ProtosourceError } from "protosource-es";
import { EXIT, type ExitCode } from "./exit-codes.js";

/** How a command that failed ends. */
export interface Failure {
  readonly exitCode: ExitCode;
  /** Undefined when it was said already. */
  readonly message: string | undefined;
}

const EXIT_CODES: { readonly [C in ErrorCode]: ExitCode } = {
  invalid_argument: EXIT.usage,
  not_configured: EXIT.usage,
  not_keyed: EXIT.usage,
  cancelled: EXIT.interrupted,
  table_missing: EXIT.missing,
  denied: EXIT.denied,
  not_found: EXIT.missing,
  already_created: EXIT.conflict,
  not_created: EXIT.missing,
  validation_failed: EXIT.found,
  state_not_allowed: EXIT.conflict,
  unhandled_command: EXIT.usage,
  unhandled_event: EXIT.found,
  version_conflict: EXIT.conflict,
  position_conflict: EXIT.conflict,
  row_conflict: EXIT.conflict,
  not_caught_up: EXIT.found,
  claim_taken: EXIT.conflict,
  command_id_reused: EXIT.conflict,
  subject_erased: EXIT.conflict,
  key_missing: EXIT.found,
  too_large: EXIT.found,
  partial_save: EXIT.unavailable,
  corrupt_record: EXIT.found,
  corrupt_stream: EXIT.found,
  unavailable: EXIT.unavailable,
};

/** Tells how a command ends that threw this. A call that a signal cut off was interrupted, too. */
export function failureOf(error: unknown, { aborted }: AbortSignal): Failure {
  if (error instanceof CommanderError) {
    // Commander has printed its message.
    return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage, message: undefined };
  }
  if (isProtosourceError(error, "cancelled") || (aborted && isProtosourceError(error, "unavailable")))
    return { exitCode: EXIT.interrupted, message: "interrupted" };
  if (isProtosourceError(error)) {
    return { exitCode: EXIT_CODES[error.code] ?? EXIT.bug, message: messageOf(error) };
  }
  return { exitCode: EXIT.bug, message: `this is a bug of protosource: ${String(error)}` };
}

/** Says what went wrong as one who types commands mends it. */
function messageOf(error: ProtosourceError): string {
  if (isProtosourceError(error, "table_missing")) {
    return `the table ${error.details.table} doesn't exist: make it by protosource tables ensure`;
  }
  if (isProtosourceError(error, "not_configured") && error.details.option === "keyring") {
    return `${error.rawMessage}, as keyring of the module of --domain`;
  }
  return error.rawMessage;
}
