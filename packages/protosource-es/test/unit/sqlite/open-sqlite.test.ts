import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import Libsql from "libsql";
import { openSqlite, type SqliteDatabase, SqliteStore } from "protosource-es/sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { drivers, type TestFolder, testFolder } from "../../integration/sqlite/drivers.js";
import { record, records } from "./samples.js";

let folder: TestFolder;
beforeEach(() => {
  folder = testFolder();
});
afterEach(() => folder.remove());

function setting(database: SqliteDatabase, name: string): unknown {
  const [row] = database.prepare(`PRAGMA ${name}`).all();
  return Object.values(row as object)[0];
}

describe.each(drivers)("openSqlite with $name", ({ driver }) => {
  test("makes a file with a write-ahead log, durable on return", () => {
    const database = folder.open("new.db", { driver });
    expect(existsSync(folder.path("new.db"))).toBe(true);
    expect(setting(database, "journal_mode")).toBe("wal");
    expect(Number(setting(database, "synchronous"))).toBe(2);
  });

  test("takes other settings", () => {
    const database = folder.open("new.db", { driver, synchronous: "NORMAL" });
    expect(Number(setting(database, "synchronous"))).toBe(1);
  });

  test("tries again and again to get a lock, as long as the timeout allows", () => {
    const connect = driver ?? ((path: string): SqliteDatabase => new Libsql(path));
    let tries = 0;
    const counting = (path: string): SqliteDatabase => {
      const database = connect(path);
      const prepare = database.prepare.bind(database);
      return Object.assign(database, {
        prepare(sql: string) {
          const statement = prepare(sql);
          const run = statement.run.bind(statement);
          return Object.assign(statement, {
            run() {
              tries++;
              return run();
            },
          });
        },
      });
    };
    const begin = folder.open("new.db", { driver: counting, busyTimeoutMs: 200 }).prepare("BEGIN IMMEDIATE");
    const impatient = folder.open("new.db", { driver, busyTimeoutMs: 0 }).prepare("BEGIN IMMEDIATE");
    const holder = folder.open("new.db", { driver });
    holder.exec("BEGIN IMMEDIATE");
    const start = performance.now();
    expect(() => begin.run()).toThrow();
    expect(performance.now() - start).toBeGreaterThanOrEqual(198);
    expect(tries).toBeGreaterThan(5);
    expect(() => impatient.run()).toThrow();
    holder.exec("ROLLBACK");
    begin.run();
  });

  test("keeps what was stored when the file is opened again", async () => {
    const first = folder.open("kept.db", { driver });
    await new SqliteStore(first).save("a", records(1n, 3n));
    first.close();
    const store = new SqliteStore(folder.open("kept.db", { driver }));
    expect((await store.load("a")).records).toEqual(records(1n, 3n));
  });

  test("leaves a file that is whole without its log when the last connection is closed", async () => {
    const database = folder.open("whole.db", { driver });
    await new SqliteStore(database).save("a", records(1n, 100n));
    database.close();
    copyFileSync(folder.path("whole.db"), folder.path("copy.db"));
    const copy = new SqliteStore(folder.open("copy.db", { driver }));
    expect((await copy.load("a")).records).toHaveLength(100);
  });

  test("may be closed twice", () => {
    const database = folder.open("twice.db", { driver });
    database.close();
    expect(() => database.close()).not.toThrow();
  });

  test.each([
    ["file:", (path: string) => `file:${path}`],
    ["file://", (path: string) => `file://${path}`],
    ["file: and escapes", (path: string) => `FILE:${path.replace("kept", "%6Bept")}`],
    ["sqlite:", (path: string) => `sqlite:${path}`],
    ["a relative path behind file:", (path: string) => `file:${relative(process.cwd(), path)}`],
    ["a relative path behind sqlite:", (path: string) => `sqlite:${relative(process.cwd(), path)}`],
    ["a URL", (path: string) => pathToFileURL(path)],
    ["a URL of another realm", (path: string) => runInNewContext("({ href })", { href: pathToFileURL(path).href })],
  ])("takes %s for the file that it names", async (_, name) => {
    await new SqliteStore(folder.open("kept.db", { driver })).save("a", [record(1n)]);
    const database = openSqlite(name(folder.path("kept.db")), { driver });
    expect((await new SqliteStore(database).load("a")).records).toEqual([record(1n)]);
    database.close();
    expect(folder.files()).toEqual(["kept.db"]);
  });

  test("takes a URL for a file with a name of any letters", () => {
    const path = folder.path("a?mode=ro#50% :memory:.db");
    openSqlite(pathToFileURL(path), { driver }).close();
    expect(existsSync(path)).toBe(true);
  });

  test.each([
    "x.db?mode=ro",
    "file:x.db?mode=ro",
    "file::memory:?cache=shared",
    ":memory:?cache=shared",
    "sqlite:x.db?mode=ro",
    "file:x.db#part",
    "file:",
    "file:100%.db",
    "file://server/x.db",
    "sqlite:",
    "sqlite://x.db",
    "sqlite:file:x.db",
    "sqlite:sqlite:x.db",
    "sqlite:///x.db",
    "libsql://db.example.com",
    "https://db.example.com",
    "dynamodb:",
    "orders:2024.db",
    ":mem:",
    new URL("https://db.example.com/x.db"),
    new URL("file:///x.db?mode=ro"),
  ])("refuses %s, and makes no file", (name) => {
    expect(() => openSqlite(name, { driver })).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "path" } }),
    );
    expect(existsSync(String(name))).toBe(false);
  });

  test.each([":memory:", ":MEMORY:", "file::memory:", "sqlite::memory:"])(
    "opens %s as a database in memory, which nobody else sees",
    async (name) => {
      const [one, other] = [openSqlite(name, { driver }), openSqlite(name, { driver })];
      await new SqliteStore(one).save("a", [record(1n)]);
      expect((await new SqliteStore(one).load("a")).records).toEqual([record(1n)]);
      expect((await new SqliteStore(other).load("a")).records).toEqual([]);
      one.close();
      other.close();
      expect(existsSync(name)).toBe(false);
    },
  );

  test("refuses a file that isn't a database, and leaves it as it is", () => {
    const text = "no database, however long it may be\n".repeat(200);
    writeFileSync(folder.path("notes.txt"), text);
    expect(() => folder.open("notes.txt", { driver })).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "database" } }),
    );
    expect(readFileSync(folder.path("notes.txt"), "utf8")).toBe(text);
  });

  test("refuses a path in a folder that doesn't exist", () => {
    expect(() => folder.open("missing/new.db", { driver })).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "path" } }),
    );
  });

  test("refuses a folder", () => {
    mkdirSync(folder.path("folder"));
    expect(() => folder.open("folder", { driver })).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "path" } }),
    );
  });

  test("is unavailable when the file stays locked", () => {
    const path = folder.path("locked.db");
    const holder = driver ? driver(path) : new Libsql(path);
    holder.exec("CREATE TABLE held (a); BEGIN EXCLUSIVE");
    const start = Date.now();
    expect(() => openSqlite(path, { driver, busyTimeoutMs: 100 })).toThrow(
      expect.objectContaining({
        code: "unavailable",
        details: { operation: "openSqlite", reasons: ["SQLITE_BUSY"], outcome: "not_applied", commitId: undefined },
      }),
    );
    expect(Date.now() - start).toBeGreaterThanOrEqual(100);
    holder.exec("COMMIT");
    openSqlite(path, { driver, busyTimeoutMs: 100 }).close();
    holder.close();
  });
});

describe("openSqlite", () => {
  test.each([
    ["path", "", {}],
    ["path", "a\0b", {}],
    ["path", undefined, {}],
    ["path", {}, {}],
    ["synchronous", "a.db", { synchronous: "OFF" }],
    ["busyTimeoutMs", "a.db", { busyTimeoutMs: -1 }],
    ["busyTimeoutMs", "a.db", { busyTimeoutMs: 1.5 }],
    ["busyTimeoutMs", "a.db", { busyTimeoutMs: Number.NaN }],
  ])("refuses an impossible %s", (argument, path, options) => {
    expect(() => openSqlite(path as string, options as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument } }),
    );
  });

  test("tries again while other connections turn on the log, too", () => {
    const path = folder.path("raced.db");
    const database = new Libsql(path) as SqliteDatabase;
    let refusals = 0;
    const raced: SqliteDatabase = {
      prepare: (sql) => database.prepare(sql),
      exec(sql) {
        if (sql.includes("journal_mode") && refusals++ < 3) {
          throw Object.assign(new Error("database is locked"), { code: "SQLITE_BUSY" });
        }
        return database.exec(sql);
      },
      close: () => database.close(),
    };
    expect(setting(openSqlite(path, { driver: () => raced }), "journal_mode")).toBe("wal");
    expect(refusals).toBe(4);
    database.close();
  });

  test.each([
    ["denied", "EACCES", { reason: "EACCES" }],
    ["denied", "EROFS", { reason: "EROFS" }],
    ["invalid_argument", "ENOTDIR", { argument: "path" }],
  ])("is %s where the system says %s", async (code, reason, details) => {
    vi.resetModules();
    vi.doMock("node:fs", () => ({
      accessSync() {
        throw Object.assign(new Error(reason), { code: reason });
      },
      constants: { R_OK: 4, W_OK: 2 },
    }));
    const driver = (): never => {
      throw new Error("unable to open database file");
    };
    try {
      const sqlite = await import("protosource-es/sqlite");
      expect(() => sqlite.openSqlite("a.db", { driver })).toThrow(expect.objectContaining({ code, details }));
    } finally {
      vi.doUnmock("node:fs");
      vi.resetModules();
    }
  });

  test("opens a file that may only be read, for reading", async () => {
    const path = folder.path("read-only.db");
    const writer = folder.open("read-only.db");
    await new SqliteStore(writer).save("a", [record(1n)]);
    const store = new SqliteStore(folder.open("read-only.db", { driver: () => new Libsql(`file:${path}?mode=ro`) }));
    expect((await store.load("a")).records).toEqual([record(1n)]);
    await expect(store.save("a", [record(2n)])).rejects.toMatchObject({
      code: "denied",
      details: { reason: "SQLITE_READONLY" },
    });
  });

  test("is denied the making of tables in a file that may only be read", () => {
    const path = folder.path("empty.db");
    folder.open("empty.db");
    const database = folder.open("empty.db", { driver: () => new Libsql(`file:${path}?mode=ro`) });
    expect(() => new SqliteStore(database)).toThrow(expect.objectContaining({ code: "denied" }));
  });
});
