/** SQLite files that this program may only read, such as a backup. */
import { pathToFileURL } from "node:url";
import { ProtosourceError } from "protosource-es";
import { openSqlite, type SqliteDatabase } from "protosource-es/sqlite";
import { unchanged } from "./file-access.js";

/**
 * Opens a file for reading, and leaves nothing beside it.
 *
 * What the last writer left in a log belongs to the file, and SQLite reads it, but needs a file of its own for that. If
 * it can't make that, this throws `denied`. Where there is no log, the file is read as it is, and `close` throws
 * `unavailable` when somebody changed it meanwhile, since a read then may have met halves of two states.
 */
export async function openReadOnly(path: string): Promise<SqliteDatabase> {
  const libsql = await import("libsql").catch(() => undefined);
  // It says which package to install.
  if (libsql === undefined) return openSqlite(path);
  const isUnchanged = unchanged(path);
  const isWhole = isUnchanged !== undefined;
  let database: SqliteDatabase;
  try {
    const url = `${pathToFileURL(path).href}?mode=ro${isWhole ? "&immutable=1" : ""}`;
    database = new libsql.default(url) as unknown as SqliteDatabase;
  } catch (cause) {
    throw denied(`${path} can't be opened: let this program read it`, cause);
  }
  try {
    database.prepare("SELECT count(*) FROM sqlite_schema").all();
  } catch (cause) {
    const code = ((cause as { readonly rawCode?: number }).rawCode ?? 0) & 0xff;
    if (!isWhole && LOG_NEEDED.has(code)) {
      database.close();
      const problem = "has a log beside it that holds a part of it, and that can't be read in a folder like this one";
      throw denied(`${path} ${problem}: copy both into a folder that can be written, and give the copy`, cause);
    }
    // The store says better what is wrong.
  }
  return {
    prepare: (sql) => database.prepare(sql),
    exec: (sql) => database.exec(sql),
    close() {
      database.close();
      if (isUnchanged === undefined || isUnchanged()) return;
      throw new ProtosourceError(
        "unavailable",
        `${path} was changed while it was read, so that what was found may be wrong: do it again`,
        { operation: "read", reasons: ["changed"], outcome: "not_applied" },
      );
    },
  };
}

/** SQLite's codes for a file that it can't make: SQLITE_READONLY and SQLITE_CANTOPEN. */
const LOG_NEEDED: ReadonlySet<number> = new Set([8, 14]);

function denied(message: string, cause: unknown): ProtosourceError<"denied"> {
  return new ProtosourceError("denied", message, { reason: "read-only" }, { cause });
}
