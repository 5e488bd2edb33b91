/** Errors of the command line's own. */
import { ProtosourceError } from "protosource-es";

/** Throws `cancelled` once the user has interrupted. */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new ProtosourceError("cancelled", "the command was interrupted", { operation: "command" });
}

/** Makes the error for a mistake of the user's. `argument` names the option or the file. */
export function usageError(argument: string, message: string, cause?: unknown): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError("invalid_argument", message, { argument }, { cause });
}
