/** What the stores need of an SQLite driver, and how a file is opened with the settings that they are made for. */
import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { asError, ProtosourceError } from "../errors.js";
import { databasePath } from "./database-path.js";
import { failureOf, isLocked } from "./failures.js";
import { libsqlDriver } from "./libsql-driver.js";
import { waitingForLocks } from "./waiting.js";

/** What a statement takes as a parameter. */
export type SqliteValue = string | bigint | Uint8Array | null;

/** The part of a driver's statement that the stores need. */
export interface SqliteStatement {
  run(...parameters: SqliteValue[]): { readonly changes: number | bigint };
  /** Gives each row as an object under the names of its columns. */
  all(...parameters: SqliteValue[]): unknown[];
  /** Makes integers bigints, with better-sqlite3 and libsql. */
  readonly safeIntegers?: ((toggle: boolean) => unknown) | undefined;
  /** Makes integers bigints, with `node:sqlite`. */
  readonly setReadBigInts?: ((enabled: boolean) => unknown) | undefined;
}

/**
 * The part of a driver's connection that the stores need. `Database` of better-sqlite3, `Database` of libsql and
 * `DatabaseSync` of `node:sqlite` have it.
 */
export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement;
  exec(sql: string): unknown;
  close(): unknown;
  /** False once the connection is closed, with better-sqlite3 and libsql. */
  readonly open?: unknown;
  /** False once the connection is closed, with `node:sqlite`. */
  readonly isOpen?: unknown;
}

export interface OpenSqliteOptions {
  /**
   * When a write counts as done. With `"FULL"`, the default, it is on the disk when its call returns. With `"NORMAL"`
   * it is fast, and survives a crash of the program; a crash of the machine may lose the last writes, and no part of
   * one.
   */
  readonly synchronous?: "FULL" | "NORMAL" | undefined;
  /**
   * How long a call waits for another connection or process that writes, in milliseconds, before it throws
   * `unavailable`. 5000 by default. The program waits with it: SQLite's calls are synchronous. It tries each
   * millisecond, so that it gets its turn beside one who writes without rest.
   */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * Opens the connection with another driver, such as `(path) => new DatabaseSync(path)` of `node:sqlite`. By default
   * the package `libsql` opens it.
   */
  readonly driver?: ((path: string) => SqliteDatabase) | undefined;
}

/** The pause between two tries to turn on the write-ahead log, in milliseconds. */
const WAL_PAUSE_MS = 10;

/**
 * Opens an SQLite file, and makes it if there is none. `":memory:"` opens a database that ends with the connection.
 *
 * The file is named by its path, by a URL, or by a text that begins with `file:` or, as for the command line, with
 * `sqlite:`. None of them takes parameters such as `?mode=ro`.
 *
 * The file gets a write-ahead log, beside it under its name with `-wal`, so that readers and a writer don't wait for
 * each other, in one process or in many. `close` moves the log into the file, which is whole on its own once its last
 * connection is closed.
 *
 * Throws `invalid_argument` for an impossible option, a name that means no file, a missing folder and a file that isn't
 * a database, `denied` when the file can't be read and written, `unavailable` when it stays locked, and `not_configured`
 * when there is no driver.
 */
export function openSqlite(path: string | URL, options: OpenSqliteOptions = {}): SqliteDatabase {
  const { synchronous = "FULL", busyTimeoutMs = 5000, driver } = options;
  const file = databasePath(path);
  checkOptions(synchronous, busyTimeoutMs);
  const database = connect(file, driver ?? libsqlDriver());
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    turnOnWal(database, busyTimeoutMs);
    database.exec(`PRAGMA synchronous = ${synchronous}`);
    return closingWhole(database, waitingForLocks(database, busyTimeoutMs));
  } catch (thrown) {
    database.close();
    throw failureOf(thrown, { operation: "openSqlite", key: file }, "not_applied");
  }
}

function checkOptions(synchronous: string, busyTimeoutMs: number): void {
  if (synchronous !== "FULL" && synchronous !== "NORMAL") {
    throw invalid("synchronous", `synchronous can't be ${JSON.stringify(synchronous)}: give "FULL" or "NORMAL"`);
  }
  if (!Number.isInteger(busyTimeoutMs) || busyTimeoutMs < 0 || busyTimeoutMs > 0x7fff_ffff) {
    throw invalid("busyTimeoutMs", `a timeout of ${busyTimeoutMs} ms isn't possible: give a whole number from 0`);
  }
}

function connect(file: string, driver: (path: string) => SqliteDatabase): SqliteDatabase {
  try {
    return driver(file);
  } catch (cause) {
    const reason = accessError(dirname(file)) ?? accessError(file);
    if (reason === "EACCES" || reason === "EPERM" || reason === "EROFS") {
      const message = `${file} can't be opened (${reason}): let this program read and write it, and its folder`;
      throw new ProtosourceError("denied", message, { reason }, { cause });
    }
    throw invalid("path", `${file} can't be opened (${asError(cause).message}): give a file, in a folder that exists`, {
      cause,
    });
  }
}

/** Gives the system's code for what keeps a path from being read and written. Drivers don't tell it. */
function accessError(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

/** SQLite itself doesn't wait for a lock here, so that processes that open a new file at once would fail. */
function turnOnWal(database: SqliteDatabase, busyTimeoutMs: number): void {
  const deadline = Date.now() + busyTimeoutMs;
  for (;;) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (thrown) {
      if (!isLocked(thrown) || Date.now() >= deadline) throw thrown;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAL_PAUSE_MS);
  }
}

/**
 * Gives a connection whose `close` brings the log into the file. SQLite does so when the last connection is closed, but
 * libsql keeps its connection as long as one of its statements isn't collected.
 */
function closingWhole(
  database: SqliteDatabase,
  { prepare, exec }: Pick<SqliteDatabase, "prepare" | "exec">,
): SqliteDatabase {
  let open = true;
  return {
    get open() {
      return open;
    },
    prepare,
    exec,
    close() {
      if (!open) return;
      open = false;
      try {
        database.exec("PRAGMA wal_checkpoint(PASSIVE)");
      } catch {
        // Nothing is lost: the log stays, and the next connection reads it.
      }
      database.close();
    },
  };
}

function invalid(argument: string, message: string, options?: ErrorOptions): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError("invalid_argument", message, { argument }, options);
}
