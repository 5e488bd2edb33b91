/** The drivers that the SQLite stores are tested on: the default one, and others that this machine has. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenSqliteOptions, openSqlite, type SqliteDatabase } from "protosource-es/sqlite";

type Constructor = new (path: string) => SqliteDatabase;

/** A driver under test. */
export interface TestDriver {
  readonly name: string;
  /** What `openSqlite` takes: undefined for its default. */
  readonly driver: OpenSqliteOptions["driver"];
}

/** libsql; `node:sqlite` from Node 22 on; and better-sqlite3 after `npm install --no-save better-sqlite3`. */
export const drivers: readonly TestDriver[] = [
  { name: "libsql", driver: undefined },
  ...found("node:sqlite", () => {
    const builtin = process.getBuiltinModule("node:sqlite") as { readonly DatabaseSync: Constructor } | undefined;
    return builtin?.DatabaseSync;
  }),
  ...found("better-sqlite3", () => {
    try {
      return createRequire(import.meta.url)("better-sqlite3") as Constructor;
    } catch {
      return undefined;
    }
  }),
];

/** A folder for the files of a test, and what is open in it. */
export interface TestFolder {
  path(name: string): string;
  /** Opens a file of the folder. */
  open(name: string, options?: OpenSqliteOptions): SqliteDatabase;
  /** The names of the files in it, without the logs beside open ones. */
  files(): string[];
  /** Closes what was opened, and removes the folder. */
  remove(): void;
}

/** Makes a folder. The test removes it. */
export function testFolder(): TestFolder {
  const folder = mkdtempSync(join(tmpdir(), "protosource-sqlite-"));
  const opened: SqliteDatabase[] = [];
  return {
    path: (name) => join(folder, name),
    open(name, options) {
      const database = openSqlite(join(folder, name), options);
      opened.push(database);
      return database;
    },
    files: () => readdirSync(folder).filter((name) => !/-(wal|shm)$/.test(name)),
    remove() {
      for (const database of opened) database.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function found(name: string, load: () => Constructor | undefined): TestDriver[] {
  const Database = load();
  return Database ? [{ name, driver: (path) => new Database(path) }] : [];
}
