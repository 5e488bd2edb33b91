/** Whether an SQLite file is whole. */
import type { SqliteDatabase } from "protosource-es/sqlite";
import { openForLook } from "./open-store.js";

const INTEGRITY_CHECK = "SELECT CAST(integrity_check AS BLOB) AS problem FROM pragma_integrity_check";

/** Has SQLite look through the whole file, and gives what is wrong with it. */
export async function integrityProblems(path: string): Promise<readonly string[]> {
  const database = await openForLook(path);
  try {
    return problemsOf(database);
  } finally {
    database.close();
  }
}

function problemsOf(database: Pick<SqliteDatabase, "prepare">): readonly string[] {
  try {
    // As bytes, since a name in it may be damaged, and libsql ends the process at a text that isn't UTF-8.
    const found = database.prepare(INTEGRITY_CHECK).all() as { problem: Uint8Array }[];
    return found.map(({ problem }) => new TextDecoder().decode(problem)).filter((text) => text !== "ok");
  } catch (error) {
    // Some damage keeps SQLite from looking on.
    return [error instanceof Error ? error.message : String(error)];
  }
}
