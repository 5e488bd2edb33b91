/** A connection as the stores use it: statements prepared once, transactions, and errors of this package. */
import { ProtosourceError } from "../errors.js";
import { type Call, failureOf } from "./failures.js";
import type { SqliteDatabase, SqliteStatement, SqliteValue } from "./sqlite-database.js";

/** Bytes, as one driver or another gives them; {@link bytesOf} reads all of them. */
export type StoredBytes = Uint8Array | ArrayBuffer;

/** What a column of a row is read as. */
export type StoredValue = bigint | StoredBytes | null;

/** Runs SQL on a connection. Each method throws what {@link failureOf} makes of a driver's error. */
export interface Connection {
  /** Gives the rows of a statement. */
  all<Row>(call: Call, sql: string, ...parameters: SqliteValue[]): Row[];
  /**
   * Runs a statement that writes, and gives the number of rows that it changed. To be called in a transaction: a
   * statement that waits for a lock in vain stays begun with libsql, and then no other transaction can be committed.
   */
  run(call: Call, sql: string, ...parameters: SqliteValue[]): number;
  /** Runs a script, of which nothing is kept. To be called in a transaction, too. */
  exec(call: Call, script: string): void;
  /**
   * Runs `work` in a transaction that is the only writer from its start on, so that what it reads stays true. Rolls
   * back when it throws. It can't be asynchronous: another call's statements would slip in between.
   */
  transaction<T>(call: Call, work: () => T): T;
}

/** Gives a column's bytes, as a view of what the driver gave. */
export function bytesOf(value: StoredBytes): Uint8Array {
  return value instanceof Uint8Array
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** Waits until what else the program has to do had its turn. */
export function otherTurns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Makes a connection of a driver's. */
export function createConnection(database: SqliteDatabase): Connection {
  const statements = new Map<string, SqliteStatement>();
  const statement = (sql: string): SqliteStatement => {
    let prepared = statements.get(sql);
    if (!prepared) {
      prepared = withBigInts(database.prepare(sql));
      statements.set(sql, prepared);
    }
    return prepared;
  };
  const attempt = <T>(call: Call, work: () => T, outcome: "not_applied" | "unknown" = "not_applied"): T => {
    // A statement of libsql goes on working after its connection was closed.
    if (database.open === false || database.isOpen === false) throw closed(call);
    try {
      return work();
    } catch (thrown) {
      throw failureOf(thrown, call, outcome);
    }
  };
  const rollBack = (): void => {
    try {
      statement("ROLLBACK").run();
    } catch {
      // SQLite has rolled back on its own, as it does when the disk is full.
    }
  };

  return {
    all<Row>(call: Call, sql: string, ...parameters: SqliteValue[]) {
      const rows = attempt(call, () => statement(sql).all(...parameters));
      if (Array.isArray(rows[0])) throw rowsAsArrays(call);
      return rows as Row[];
    },
    run: (call, sql, ...parameters) => attempt(call, () => Number(statement(sql).run(...parameters).changes)),
    exec(call, script) {
      attempt(call, () => database.exec(script));
    },
    transaction(call, work) {
      attempt(call, () => statement("BEGIN IMMEDIATE").run());
      try {
        const result = work();
        attempt(call, () => statement("COMMIT").run(), "unknown");
        return result;
      } catch (error) {
        rollBack();
        throw error;
      }
    },
  };
}

/** Asks for integers as bigints: a number is wrong from 2^53 on. */
function withBigInts(statement: SqliteStatement): SqliteStatement {
  if (statement.safeIntegers) statement.safeIntegers(true);
  else statement.setReadBigInts?.(true);
  return statement;
}

function rowsAsArrays({ operation, key }: Call): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError(
    "invalid_argument",
    `${operation} of ${key} got rows as arrays, without the names of their columns: open the database without returnArrays`,
    { argument: "database" },
  );
}

function closed({ operation, key, commitId }: Call): ProtosourceError<"unavailable"> {
  return new ProtosourceError(
    "unavailable",
    `${operation} of ${key} found the database closed: close it after the last call, or open it again`,
    { operation, reasons: ["closed"], outcome: "not_applied", commitId },
  );
}
