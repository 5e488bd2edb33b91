/** What may be done with an SQLite file, and whether somebody else does something with it. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Tells whether SQLite can be given a file for use: it writes beside it, too. */
export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    accessSync(dirname(resolve(path)), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Gives what tells whether a file that holds all in itself is as it was; undefined for one with a log beside it. Throws
 * where the file isn't there, then and later.
 */
export function unchanged(path: string): (() => boolean) | undefined {
  const before = contentOf(path);
  if (before.logs > 0) return undefined;
  return () => {
    const now = contentOf(path);
    return now.size === before.size && now.changed === before.changed && now.logs === before.logs;
  };
}

/** Tells by what a file is known to be unchanged, and how much of it lies in the logs beside it. */
function contentOf(path: string): { readonly size: number; readonly changed: number; readonly logs: number } {
  const { size, mtimeMs } = statSync(path);
  const logs = ["-wal", "-journal"].map((suffix) => statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0);
  return { size, changed: mtimeMs, logs: logs.reduce((sum, one) => sum + one, 0) };
}
