import { statSync } from "node:fs";
import { ProtosourceError } from "protosource-es";
import { isWritable, unchanged } from "../file-access.js";

/**
 * Gives what throws `unavailable` once another file, or none, is at a path: whoever has a file open goes on reading what was
 * deleted, and would take it for what is there. So it does once a file is changed that is read as it is, since the program
 * may not write beside it, where what is read might be halves of two states.
 */
export function sameFile(path: string): () => void {
  const opened = identityOf(path);
  const isUnchanged = opened === undefined || isWritable(path) ? undefined : unchanged(path);
  return () => {
    const now = identityOf(path);
    if (now === undefined)
      throw unavailable(path, "gone", "deleted or moved", "put it back, or start the studio again with where it is");
    if (now !== opened)
      throw unavailable(path, "replaced", "replaced by another file", "start the studio again to see that one");
    if (isUnchanged && !isUnchanged())
      throw unavailable(path, "changed", "changed", "start the studio again to see it as it is now");
  };
}

function unavailable(path: string, reason: string, what: string, advice: string): ProtosourceError {
  return new ProtosourceError("unavailable", `${path} was ${what} since the studio has opened it: ${advice}`, {
    operation: "read",
    reasons: [reason],
    outcome: "not_applied",
  });
}

/** Tells one file from another; undefined where there is none. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
