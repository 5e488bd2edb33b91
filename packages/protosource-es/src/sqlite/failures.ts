/** The one place that tells what an error of a driver means. */
import { asError, ProtosourceError } from "../errors.js";

/** What was asked of the database. */
export interface Call {
  /** The name of the method that the caller called. */
  readonly operation: string;
  /** What it was about: a stream, a row, a file. */
  readonly key: string;
  /** The id of the save, for calls that may be repeated with it. */
  readonly commitId?: Uint8Array | undefined;
}

/** SQLite's result codes that are told apart, by their number: not every driver has a name for each. */
const CODES: Readonly<Record<number, string>> = {
  1: "SQLITE_ERROR",
  3: "SQLITE_PERM",
  5: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  8: "SQLITE_READONLY",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  19: "SQLITE_CONSTRAINT",
  23: "SQLITE_AUTH",
  26: "SQLITE_NOTADB",
};

/** The fields of drivers' errors that are looked at. */
interface DriverError extends Error {
  /** The name of SQLite's code, with better-sqlite3. */
  readonly code?: string;
  /** SQLite's code, with libsql. */
  readonly rawCode?: number;
  /** SQLite's code, with `node:sqlite`. */
  readonly errcode?: number;
}

/** Tells whether another connection held a lock for longer than the busy timeout. */
export function isLocked(thrown: unknown): boolean {
  const code = codeOf(asError(thrown));
  return code === "SQLITE_BUSY" || code === "SQLITE_LOCKED";
}

/**
 * Gives the error for what a driver threw. `outcome` says whether a write is known not to have happened; one that met a
 * lock never has.
 */
export function failureOf(thrown: unknown, call: Call, outcome: "not_applied" | "unknown"): ProtosourceError {
  const error: DriverError = asError(thrown);
  const { operation, key, commitId } = call;
  const code = codeOf(error);
  const what = `${operation} of ${key}`;
  const why = `${code}: ${error.message}`;
  const cause = { cause: error };
  // Better-sqlite3 has no code for it.
  if (/busy executing a query/i.test(error.message)) {
    return new ProtosourceError(
      "invalid_argument",
      `${what} met an iterator of the program's that is still open on the connection (${error.message}): read it to its end, or use a connection of its own`,
      { argument: "database" },
      cause,
    );
  }
  switch (code) {
    case "SQLITE_BUSY":
    case "SQLITE_LOCKED":
      return new ProtosourceError(
        "unavailable",
        `${what} waited for a lock in vain (${why}): try again, or open the database with a longer busy timeout`,
        { operation, reasons: [code], outcome: "not_applied", commitId },
        cause,
      );
    case "SQLITE_READONLY":
    case "SQLITE_PERM":
    case "SQLITE_AUTH":
    case "SQLITE_CANTOPEN":
      return new ProtosourceError(
        "denied",
        `${what} was denied (${why}): let this program write the database file and its folder`,
        { reason: code },
        cause,
      );
    case "SQLITE_NOTADB":
      return new ProtosourceError(
        "invalid_argument",
        `${what} met a file that isn't an SQLite database, or an encrypted one (${why}): give another path`,
        { argument: "database" },
        cause,
      );
    case "SQLITE_CORRUPT":
      return new ProtosourceError(
        "corrupt_record",
        `${what} met damage in the database file (${why}): restore it from a copy`,
        { key },
        cause,
      );
    case "SQLITE_ERROR":
    case "SQLITE_CONSTRAINT":
      return new ProtosourceError(
        "invalid_argument",
        `${what} was refused by SQLite (${why}): leave no transaction open on the connection, and the tables as they are`,
        { argument: "database" },
        cause,
      );
    case "SQLITE_FULL":
      return new ProtosourceError(
        "unavailable",
        `${what} found no room (${why}): free some on the disk`,
        { operation, reasons: [code], outcome, commitId },
        cause,
      );
    default:
      return new ProtosourceError(
        "unavailable",
        `${what} failed in the driver (${why}): look at the disk, and whether the connection is open`,
        { operation, reasons: [code], outcome, commitId },
        cause,
      );
  }
}

/** Gives the name of SQLite's code without what extends it: `SQLITE_IOERR` for `SQLITE_IOERR_FSYNC`. */
function codeOf({ code, rawCode, errcode, name }: DriverError): string {
  const number = errcode ?? rawCode;
  if (number !== undefined) return CODES[number & 0xff] ?? `SQLITE_${number}`;
  return code?.match(/^SQLITE_[A-Z]+/)?.[0] ?? (code || name);
}
