/** The connections that stores share. */
import { ProtosourceError } from "../errors.js";
import { type Connection, createConnection } from "./connection.js";
import { ensureSchema } from "./schema.js";
import type { SqliteDatabase } from "./sqlite-database.js";

const connections = new WeakMap<SqliteDatabase, Connection>();

/**
 * Gives the connection of a database, with the tables in place. Stores on one database share it.
 *
 * Throws `invalid_argument` for what isn't a database, and for one of a newer schema.
 */
export function connectionOf(database: SqliteDatabase): Connection {
  let connection = connections.get(database);
  if (!connection) {
    checkDatabase(database);
    connection = createConnection(database);
    ensureSchema(connection);
    connections.set(database, connection);
  }
  return connection;
}

function checkDatabase(database: SqliteDatabase): void {
  if (typeof database?.prepare === "function" && typeof database.exec === "function") return;
  throw new ProtosourceError(
    "invalid_argument",
    "the database is missing: give what openSqlite(path) returns, or a connection of libsql, better-sqlite3 or node:sqlite",
    { argument: "database" },
  );
}
