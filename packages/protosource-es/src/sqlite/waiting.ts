/** Waiting for locks in such a way that one who writes without rest lets others in. */
import { isLocked } from "./failures.js";
import type { SqliteDatabase, SqliteStatement } from "./sqlite-database.js";

/** How long a connection waits by itself before it tries again, in milliseconds. */
const TRY_MS = 1;

/**
 * Gives a connection whose statements wait for a lock for so many milliseconds, and try each millisecond whether it is
 * free. SQLite itself waits longer and longer between two tries, 100 ms at last, and never meets the moment in which one
 * who writes again and again hasn't the lock.
 *
 * A script waits as SQLite does: which of its statements are done already isn't known.
 */
export function waitingForLocks(database: SqliteDatabase, timeoutMs: number): Pick<SqliteDatabase, "prepare" | "exec"> {
  const setTimeout = (ms: number): unknown => database.exec(`PRAGMA busy_timeout = ${ms}`);
  const tryMs = Math.min(TRY_MS, timeoutMs);
  setTimeout(tryMs);
  return {
    prepare: (sql) => waiting(database.prepare(sql), timeoutMs),
    exec(script) {
      setTimeout(timeoutMs);
      try {
        return database.exec(script);
      } finally {
        setTimeout(tryMs);
      }
    },
  };
}

function waiting(statement: SqliteStatement, timeoutMs: number): SqliteStatement {
  return {
    run: (...parameters) => untilFree(() => statement.run(...parameters), timeoutMs),
    all: (...parameters) => untilFree(() => statement.all(...parameters), timeoutMs),
    safeIntegers: statement.safeIntegers && ((toggle) => statement.safeIntegers?.(toggle)),
    setReadBigInts: statement.setReadBigInts && ((enabled) => statement.setReadBigInts?.(enabled)),
  };
}

/** Runs until no lock is in the way, or the time is over. Each try waits by itself. */
function untilFree<T>(run: () => T, timeoutMs: number): T {
  let deadline: number | undefined;
  for (;;) {
    try {
      return run();
    } catch (thrown) {
      if (!isLocked(thrown)) throw thrown;
      deadline ??= performance.now() + timeoutMs - TRY_MS;
      if (performance.now() >= deadline) throw thrown;
    }
  }
}
