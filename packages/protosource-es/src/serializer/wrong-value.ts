import { isFieldError } from "@bufbuild/protobuf/reflect";
import { asError } from "../errors.js";

/**
 * Says which field of a message holds what it can't, and what it takes, as the failure of the protobuf run time tells. That
 * quotes the value too, which may be personal, and errors are logged: so it isn't passed on, neither as text nor as cause.
 */
export function wrongValue(failure: unknown): string {
  const { message } = asError(failure);
  const field = isFieldError(failure) ? failure.field().name : /^cannot encode field (\S+)/.exec(message)?.[1];
  const expected = /expected (\w+(?: \(\w+\))?)/.exec(message)?.[1];
  return `look at ${field ?? "its fields"}${expected === undefined ? "" : `, which takes ${expected}`}`;
}
