import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { ProtosourceError } from "protosource-es";
import { usageError } from "./failure.js";

/** What keeps a file from being written for now. */
const NO_ROOM: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EIO"]);

/** Makes the error for a file that can't be written. `argument` names the option that named it. */
export function cantWrite(argument: string, path: string, cause: unknown): ProtosourceError {
  const { code: reason = String(cause) } = cause as NodeJS.ErrnoException;
  const folder = dirname(path);
  if (reason === "ENOENT" && !existsSync(folder)) {
    return usageError(argument, `there is no folder ${folder}: make it, or give another file by ${argument}`, cause);
  }
  if (!NO_ROOM.has(reason)) {
    return usageError(argument, `${path} can't be written (${reason}): give another file by ${argument}`, cause);
  }
  return new ProtosourceError(
    "unavailable",
    `${path} can't be written (${reason}): make room for it`,
    { operation: "write", reasons: [reason], outcome: "not_applied" },
    { cause },
  );
}
