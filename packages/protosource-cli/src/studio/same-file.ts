import { statSync } from "node:fs";
import { ProtosourceError } from "protosource-es";

/**
 * Gives what throws `unavailable` once another file, or none, is at a path: whoever has a file open goes on reading what was
 * deleted, and would take it for what is there.
 */
export function sameFile(path: string): () => void {
  const opened = identityOf(path);
  return () => {
    const now = identityOf(path);
    if (now === opened) return;
    const [what, advice] =
      now === undefined
        ? ["was deleted or moved", "put it back, or start the studio again with where it is"]
        : ["was replaced by another file", "start the studio again to see that one"];
    throw new ProtosourceError("unavailable", `${path} ${what} since the studio has opened it: ${advice}`, {
      operation: "read",
      reasons: ["replaced"],
      outcome: "not_applied",
    });
  };
}

/** Tells one file from another; undefined where there is none. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
