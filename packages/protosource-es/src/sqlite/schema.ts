/** The tables, and how they come into being and change from version to version. */
import { ProtosourceError } from "../errors.js";
import { GSI_NUMBERS, indexAttributes } from "../opaquedata/key-attribute.js";
import type { Connection } from "./connection.js";
import type { Call } from "./failures.js";

/**
 * What brings the tables from each version to the next, from none on. A version that was published never changes.
 *
 * Keys are text that {@link encodeKey} made. Records lie in the order of their streams, so that a load reads pages that
 * follow each other. An index of rows ends in the keys of the table, so that a cursor splits rows of one sort key, too;
 * what has no key in an index, or no expiry, takes no room there.
 *
 * Positions of records count on in one row of a table: a row id would be given twice after the last record was deleted.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE protosource_events (
     stream TEXT NOT NULL,
     version INTEGER NOT NULL,
     data BLOB NOT NULL,
     ttl INTEGER NOT NULL,
     commit_id BLOB,
     PRIMARY KEY (stream, version)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX protosource_events_ttl ON protosource_events (ttl) WHERE ttl > 0;
   CREATE TABLE protosource_rows (
     pk TEXT NOT NULL,
     sk TEXT NOT NULL,
     t INTEGER NOT NULL,
     version INTEGER NOT NULL,
     ${GSI_NUMBERS.flatMap((index) => indexAttributes(index).map((name) => `${name} TEXT, `)).join("")}
     body BLOB NOT NULL,
     PRIMARY KEY (pk, sk)
   ) STRICT;
   CREATE INDEX protosource_rows_t ON protosource_rows (t) WHERE t <> 0;
   ${GSI_NUMBERS.map((index) => {
     const [pk, sk] = indexAttributes(index);
     return `CREATE INDEX ${indexName(index)} ON protosource_rows (${pk}, ${sk}, pk, sk) WHERE ${pk} IS NOT NULL;`;
   }).join("\n")}`,
  `CREATE TABLE protosource_claims (
     scope TEXT NOT NULL,
     value TEXT NOT NULL,
     owner TEXT NOT NULL,
     version INTEGER NOT NULL,
     ttl INTEGER NOT NULL,
     commit_id BLOB NOT NULL,
     PRIMARY KEY (scope, value)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX protosource_claims_ttl ON protosource_claims (ttl) WHERE ttl > 0;`,
  `CREATE TABLE protosource_positions (
     subscription TEXT NOT NULL,
     stream TEXT NOT NULL,
     version INTEGER NOT NULL,
     memo BLOB NOT NULL,
     expiry INTEGER NOT NULL,
     parked_version INTEGER,
     parked_error TEXT,
     parked_since INTEGER,
     parked_tries INTEGER,
     PRIMARY KEY (subscription, stream)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX protosource_positions_parked ON protosource_positions (subscription, stream)
     WHERE parked_version IS NOT NULL;
   CREATE TABLE protosource_marks (
     subscription TEXT NOT NULL,
     mark TEXT NOT NULL,
     value INTEGER NOT NULL,
     PRIMARY KEY (subscription, mark)
   ) STRICT, WITHOUT ROWID;`,
  "ALTER TABLE protosource_events ADD COLUMN meta BLOB;",
  "ALTER TABLE protosource_claims ADD COLUMN purpose BLOB;",
  `ALTER TABLE protosource_events ADD COLUMN position INTEGER;
   UPDATE protosource_events SET position = numbered.number
     FROM (SELECT stream, version, row_number() OVER (ORDER BY stream, version) AS number FROM protosource_events)
       AS numbered
     WHERE protosource_events.stream = numbered.stream AND protosource_events.version = numbered.version;
   CREATE UNIQUE INDEX protosource_events_position ON protosource_events (position) WHERE position IS NOT NULL;
   CREATE TABLE protosource_feed (last INTEGER NOT NULL) STRICT;
   INSERT INTO protosource_feed SELECT count(*) FROM protosource_events;`,
  `CREATE TABLE protosource_keys (
     name TEXT PRIMARY KEY,
     revision INTEGER NOT NULL,
     key_id TEXT,
     key BLOB,
     erased TEXT NOT NULL,
     erased_at INTEGER,
     reason TEXT
   ) STRICT, WITHOUT ROWID;`,
];

const CALL: Call = { operation: "opening", key: "the tables" };

/** The name of the index of rows of a number from 1. */
export function indexName(index: number): string {
  return `protosource_rows_gsi${index}`;
}

/**
 * Makes the tables that are missing, or brings them to this version of the package.
 *
 * The version lies in a table of its own and not in `user_version`, which belongs to the application that opened the
 * database. Throws `invalid_argument` for a database of a newer version and one whose text isn't UTF-8.
 */
export function ensureSchema(connection: Connection): void {
  if (storedVersion(connection) === MIGRATIONS.length) return;
  connection.transaction(CALL, () => {
    // Another process may have been first.
    const stored = storedVersion(connection);
    if (stored > MIGRATIONS.length) throw newer(stored);
    if (stored === 0) {
      checkEncoding(connection);
      connection.exec(CALL, "CREATE TABLE protosource_schema (version INTEGER NOT NULL) STRICT");
      connection.exec(CALL, "INSERT INTO protosource_schema VALUES (0)");
    }
    for (const migration of MIGRATIONS.slice(stored)) connection.exec(CALL, migration);
    connection.exec(CALL, `UPDATE protosource_schema SET version = ${MIGRATIONS.length}`);
  });
}

function storedVersion(connection: Connection): number {
  const tables = connection.all(CALL, "SELECT 1 FROM sqlite_schema WHERE name = 'protosource_schema'");
  if (tables.length === 0) return 0;
  const [row] = connection.all<{ version: bigint }>(CALL, "SELECT version FROM protosource_schema");
  return Number(row?.version ?? 0n);
}

function checkEncoding(connection: Connection): void {
  const [row] = connection.all<{ encoding: string }>(CALL, "PRAGMA encoding");
  if (row?.encoding === "UTF-8") return;
  throw new ProtosourceError(
    "invalid_argument",
    `the database holds text as ${row?.encoding}, which sorts keys wrongly: give one that holds it as UTF-8`,
    { argument: "database" },
  );
}

function newer(version: number): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError(
    "invalid_argument",
    `the database has tables of version ${version}, and this version of protosource-es knows ${MIGRATIONS.length}: update the package`,
    { argument: "database" },
  );
}
