/** The driver that is taken when none is given. */
import { createRequire } from "node:module";
import { ProtosourceError } from "../errors.js";
import type { SqliteDatabase } from "./sqlite-database.js";

/**
 * Loads the package `libsql`, only now, so that a program with another driver doesn't need it.
 *
 * Throws `not_configured` where it isn't installed.
 */
export function libsqlDriver(): (path: string) => SqliteDatabase {
  try {
    const Database = createRequire(ownFile())("libsql") as new (path: string) => SqliteDatabase;
    return (path) => new Database(path);
  } catch (cause) {
    throw new ProtosourceError(
      "not_configured",
      "openSqlite needs an SQLite driver: install the package libsql, or give another by the option driver",
      { option: "driver" },
      { cause },
    );
  }
}

/**
 * Gives the path or the URL of the file that this code is in: what `import.meta.url` says, which is a syntax error where
 * a bundler or Jest has made CommonJS of it.
 */
function ownFile(): string {
  if (typeof __filename === "string") return __filename;
  const frame = /(?:file:\/\/|[A-Z]:[\\/]|\/).*(?=:\d+:\d+)/.exec(new Error("here").stack ?? "");
  return frame?.[0] ?? process.argv[1] ?? process.execPath;
}
