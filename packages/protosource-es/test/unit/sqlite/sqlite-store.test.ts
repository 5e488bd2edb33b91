import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { isProtosourceError, type ProtosourceError } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { OpaqueDataSchema } from "protosource-es/proto";
import { type OpenSqliteOptions, type SqliteDatabase, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { FakeClock } from "protosource-es/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { drivers, type TestFolder, testFolder } from "../../integration/sqlite/drivers.js";
import { record, records } from "./samples.js";

const COMMIT_ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

let folder: TestFolder;
beforeEach(() => {
  folder = testFolder();
});
afterEach(() => folder.remove());

describe.each(drivers)("SqliteStore on $name", ({ driver }) => {
  function open(options: OpenSqliteOptions = {}): SqliteDatabase {
    return folder.open("store.db", { driver, ...options });
  }

  test("has an OpaqueStore on the same database and clock", async () => {
    const database = open();
    const clock = new FakeClock();
    const { opaqueStore } = new SqliteStore(database, { clock });
    expect((opaqueStore as SqliteOpaqueStore).database).toBe(database);
    const row = create(OpaqueDataSchema, { pk: "a", sk: "AGG", t: clock.now() / 1_000_000n + 10n });
    await opaqueStore.put(row);
    expect(await opaqueStore.get(row)).toMatchObject({ pk: "a" });
    clock.advanceSeconds(10);
    expect(await opaqueStore.get(row)).toBeUndefined();
  });

  test("works on the machine's clock", async () => {
    const store = new SqliteStore(open(), { ttlSeconds: 3600 });
    await store.save("a", [record(1n)]);
    const [saved] = (await store.load("a")).records;
    const inAnHour = BigInt(Math.floor(Date.now() / 1000)) + 3600n;
    expect(Number(inAnHour - (saved?.ttl ?? 0n))).toBeLessThan(60);
  });

  test("leaves an application's own tables, settings and version in the file alone", async () => {
    const database = open();
    database.exec("CREATE TABLE orders (id); INSERT INTO orders VALUES (7); PRAGMA user_version = 41");
    await new SqliteStore(database).save("a", [record(1n)]);
    const [orders] = database.prepare("SELECT id FROM orders").all();
    const [version] = database.prepare("PRAGMA user_version").all();
    expect({ ...(orders as object), ...(version as object) }).toMatchObject({ id: 7, user_version: 41 });
  });

  test.each([undefined, null, "store.db", {}])("refuses %s for a database", (database) => {
    expect(() => new SqliteStore(database as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "database" } }),
    );
  });

  test.each([1.5, Number.NaN, 9_223_372_037])("refuses a time to live of %s", (ttlSeconds) => {
    const database = open();
    expect(() => new SqliteStore(database, { ttlSeconds })).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "ttlSeconds" } }),
    );
  });

  test("refuses a file whose tables are of a newer version", () => {
    const database = open();
    new SqliteStore(database);
    database.exec("UPDATE protosource_schema SET version = 99");
    expect(() => new SqliteStore(open())).toThrow(
      expect.objectContaining({
        code: "invalid_argument",
        details: { argument: "database" },
        message: expect.stringContaining("99"),
      }),
    );
  });

  test("gives the records of a file from before there were positions theirs, by stream and version", async () => {
    const database = open();
    const before = new SqliteStore(database);
    await before.save("b", records(1n, 2n));
    await before.save("a", records(1n, 2n));
    database.exec(`DROP INDEX protosource_events_position; ALTER TABLE protosource_events DROP COLUMN position;
      DROP TABLE protosource_feed; DROP TABLE protosource_keys; UPDATE protosource_schema SET version = 5`);
    const store = new SqliteStore(open());
    await store.save("b", records(3n, 3n));
    const feed = await store.readFeed(0n);
    expect(feed.map(({ position, aggregateId, record }) => `${position} ${aggregateId} ${record.version}`)).toEqual([
      "1 a 1",
      "2 a 2",
      "3 b 1",
      "4 b 2",
      "5 b 3",
    ]);
  });

  test("refuses a file that holds text as UTF-16", () => {
    const database = open();
    database.exec("PRAGMA encoding = 'UTF-16'; CREATE TABLE a (b)");
    expect(() => new SqliteStore(database)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "database" } }),
    );
  });

  test("refuses a file in which another program has a table of the same name", () => {
    const database = open();
    database.exec("CREATE TABLE protosource_events (a)");
    expect(() => new SqliteStore(database)).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "database" } }),
    );
    expect(database.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'protosource%'").all()).toHaveLength(1);
  });

  test("is unavailable while another connection writes for longer than the timeout, and then goes on", async () => {
    const store = new SqliteStore(open({ busyTimeoutMs: 50 }));
    const row = create(OpaqueDataSchema, { pk: "a", sk: "AGG" });
    const other = open();
    other.exec("BEGIN IMMEDIATE");
    const locked = { code: "unavailable", details: { reasons: ["SQLITE_BUSY"], outcome: "not_applied" } };
    await expect(store.save("a", records(1n, 3n), { commitId: COMMIT_ID })).rejects.toMatchObject({
      ...locked,
      details: { ...locked.details, operation: "save", commitId: COMMIT_ID },
    });
    await expect(store.opaqueStore.put(row)).rejects.toMatchObject(locked);
    await expect(store.opaqueStore.delete(row)).rejects.toMatchObject(locked);
    await expect(store.purgeExpired()).rejects.toMatchObject(locked);
    expect((await store.load("a")).records).toEqual([]);
    other.exec("ROLLBACK");
    await store.save("a", records(1n, 3n), { commitId: COMMIT_ID });
    expect((await store.load("a")).records).toEqual(records(1n, 3n));
  });

  test("says which option of the connection is wrong, when rows come as arrays", () => {
    const database = open();
    const { prepare } = database;
    database.prepare = (sql) => {
      const statement = prepare.call(database, sql);
      const { all } = statement;
      return Object.assign(statement, {
        all: (...parameters: Parameters<typeof all>) =>
          all.call(statement, ...parameters).map((row) => Object.values(row as object)),
      });
    };
    expect(() => new SqliteStore(database)).toThrow(
      expect.objectContaining({
        code: "invalid_argument",
        message: expect.stringContaining("returnArrays"),
        details: { argument: "database" },
      }),
    );
  });

  test("says that an iterator of the program's is open", () => {
    const database = open();
    database.exec = () => {
      throw new TypeError("This database connection is busy executing a query");
    };
    expect(() => new SqliteStore(database)).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining("iterator") }),
    );
  });

  test("knows a driver's error of another realm", () => {
    const database = open();
    const locked: unknown = runInNewContext(
      "Object.assign(new Error('locked'), { code: 'ERR_SQLITE_ERROR', errcode: 5 })",
    );
    database.exec = () => {
      throw locked;
    };
    expect(() => new SqliteStore(database)).toThrow(
      expect.objectContaining({ code: "unavailable", details: expect.objectContaining({ reasons: ["SQLITE_BUSY"] }) }),
    );
  });

  test("is unavailable when there is no room, has stored nothing then, and goes on when there is", async () => {
    const database = open();
    const store = new SqliteStore(database);
    await store.save("a", [record(1n)]);
    database.prepare("PRAGMA max_page_count = 1").all();
    const large = records(2n, 200n).map((one) => ({ ...one, data: new Uint8Array(10_000) }));
    await expect(store.save("a", large, { commitId: COMMIT_ID })).rejects.toMatchObject({
      code: "unavailable",
      details: { operation: "save", reasons: ["SQLITE_FULL"], outcome: "not_applied", commitId: COMMIT_ID },
    });
    expect((await store.load("a")).records).toEqual([record(1n)]);
    database.prepare("PRAGMA max_page_count = 100000").all();
    await store.save("a", large, { commitId: COMMIT_ID });
    expect((await store.load("a")).records).toHaveLength(200);
  });

  test("doesn't know what became of a save whose commit fails, and completes it when it is repeated", async () => {
    const database = open();
    let isBroken = true;
    const breaking: SqliteDatabase = {
      exec: (sql) => database.exec(sql),
      close: () => database.close(),
      prepare(sql) {
        const statement = database.prepare(sql);
        if (sql !== "COMMIT") return statement;
        return {
          all: () => [],
          run() {
            if (isBroken) throw Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR_FSYNC" });
            return statement.run();
          },
        };
      },
    };
    new SqliteStore(database);
    const store = new SqliteStore(breaking);
    await expect(store.save("a", records(1n, 2n), { commitId: COMMIT_ID })).rejects.toMatchObject({
      code: "unavailable",
      details: { operation: "save", reasons: ["SQLITE_IOERR"], outcome: "unknown", commitId: COMMIT_ID },
    });
    isBroken = false;
    await store.save("a", records(1n, 2n), { commitId: COMMIT_ID });
    await store.save("a", records(1n, 2n), { commitId: COMMIT_ID });
    expect((await store.load("a")).records).toEqual(records(1n, 2n));
  });

  test("refuses to save within a transaction of the caller's, and leaves it open", async () => {
    const database = open();
    const store = new SqliteStore(database);
    database.exec("CREATE TABLE orders (id); BEGIN; INSERT INTO orders VALUES (1)");
    await expect(store.save("a", [record(1n)])).rejects.toMatchObject({
      code: "invalid_argument",
      details: { argument: "database" },
    });
    database.exec("COMMIT");
    expect(database.prepare("SELECT id FROM orders").all()).toHaveLength(1);
    await store.save("a", [record(1n)]);
  });

  test("is unavailable once its database is closed", async () => {
    const database = open();
    const store = new SqliteStore(database);
    await store.save("a", [record(1n)]);
    database.close();
    const closed = { code: "unavailable", details: { outcome: "not_applied" } };
    await expect(store.save("a", [record(2n)])).rejects.toMatchObject(closed);
    await expect(store.load("a")).rejects.toMatchObject(closed);
    await expect(store.opaqueStore.get({ pk: "a", sk: "b" })).rejects.toMatchObject(closed);
    expect(() => new SqliteStore(database)).not.toThrow(TypeError);
  });

  test("says that a file is damaged", async () => {
    const database = open();
    await new SqliteStore(database).save(
      "a",
      records(1n, 200n).map((one) => ({ ...one, data: new Uint8Array(2000).fill(1) })),
    );
    database.close();
    const file = openSync(folder.path("store.db"), "r+");
    const { size } = statSync(folder.path("store.db"));
    // The tables' definitions lie at the beginning, and stay.
    const start = Math.floor(size / 2);
    writeSync(file, new Uint8Array(size - start).fill(0xee), 0, size - start, start);
    closeSync(file);
    const store = new SqliteStore(open());
    await expect(store.load("a")).rejects.toMatchObject({ code: "corrupt_record", details: { key: "a" } });
  });

  test("appends behind all that is stored of a stream, also where its beginning or a part is gone", async () => {
    const store = new SqliteStore(open());
    await store.restore("a", records(5n, 6n));
    for (const gone of [1n, 2n]) {
      expect(await failure(store.save("a", records(gone, gone)))).toMatchObject({
        code: "version_conflict",
        details: { aggregateId: "a", version: 5n },
      });
      await store.restore("a", records(gone, gone));
    }
    await store.restore("a", records(3n, 4n));
    await store.save("a", records(7n, 7n));
  });

  test("says that a key is damaged, and doesn't end the process, as libsql does at a text that isn't UTF-8", async () => {
    const database = open();
    const store = new SqliteStore(database);
    const opaqueStore = store.opaqueStore as SqliteOpaqueStore;
    await store.saveAll([{ aggregateId: "a", records: [record(1n)] }], {
      rows: [{ row: create(OpaqueDataSchema, { pk: "a", sk: "AGG", gsi1pk: "b", gsi1sk: "c" }) }],
      claims: [{ scope: "s", value: "v", owner: "a" }],
    });
    database.exec(`UPDATE protosource_events SET stream = CAST(x'61ff' AS TEXT);
      UPDATE protosource_rows SET gsi1sk = CAST(x'61ff' AS TEXT);
      UPDATE protosource_claims SET owner = CAST(x'61ff' AS TEXT)`);
    const reads = [
      store.scan(),
      opaqueStore.scan(),
      opaqueStore.get({ pk: "a", sk: "AGG" }),
      opaqueStore.query({ partition: "b", index: 1 }),
      store.findClaim("s", "v"),
    ];
    for (const read of reads) expect(await failure(read)).toMatchObject({ code: "corrupt_record" });
  });

  test("refuses more bytes than a row can hold, and stores nothing", async () => {
    const store = new SqliteStore(open());
    const huge = { ...record(2n), data: new Uint8Array(999_000_001) };
    const tooLarge = { code: "too_large", details: { size: 999_000_001, limit: 999_000_000 } };
    await expect(store.save("a", [record(1n), huge])).rejects.toMatchObject(tooLarge);
    const row = create(OpaqueDataSchema, { pk: "a", sk: "AGG" });
    row.body = huge.data;
    await expect(store.opaqueStore.put(row)).rejects.toMatchObject(tooLarge);
    const saved = store.saveAll([{ aggregateId: "a", records: [record(1n)] }], { rows: [{ row }] });
    await expect(saved).rejects.toMatchObject(tooLarge);
    expect((await store.load("a")).records).toEqual([]);
  });

  test("refuses rows in a transaction that another store or database would keep, and stores nothing", async () => {
    const database = open();
    const row = create(OpaqueDataSchema, { pk: "a", sk: "AGG" });
    for (const opaqueStore of [new MemoryOpaqueStore(), new SqliteOpaqueStore(folder.open("other.db", { driver }))]) {
      const store = new SqliteStore(database, { opaqueStore });
      const saved = store.saveAll([{ aggregateId: "a", records: [record(1n)] }], { rows: [{ row }] });
      await expect(saved).rejects.toMatchObject({ code: "invalid_argument", details: { argument: "rows" } });
      expect((await store.load("a")).records).toEqual([]);
    }
  });

  test("writes nothing when a row's versionOf throws, and throws just that", async () => {
    const store = new SqliteStore(open());
    const row = create(OpaqueDataSchema, { pk: "a", sk: "AGG", version: 1n });
    await store.opaqueStore.put(create(OpaqueDataSchema, { pk: "a", sk: "AGG" }));
    const broken = new Error("can't tell");
    const versionOf = (): never => {
      throw broken;
    };
    const saved = store.saveAll([{ aggregateId: "a", records: [record(1n)] }], { rows: [{ row, versionOf }] });
    expect(await failure(saved)).toBe(broken);
    expect((await store.load("a")).records).toEqual([]);
    await store.save("a", [record(1n)]);
  });

  describe("purgeExpired", () => {
    const clock = new FakeClock();
    const soon = (): bigint => clock.now() / 1_000_000n + 10n;

    test("deletes the expired records at the beginning of each stream, and no other", async () => {
      const store = new SqliteStore(open(), { clock });
      const ttl = soon();
      const streams = {
        gone: records(1n, 3n, ttl),
        shortened: [...records(1n, 2n, ttl), ...records(3n, 4n)],
        kept: records(1n, 3n),
        behind: [...records(1n, 2n), ...records(3n, 4n, ttl)],
        later: records(1n, 2n, ttl + 1n),
      };
      for (const [id, saved] of Object.entries(streams)) await store.save(id, saved);
      expect(await store.purgeExpired()).toBe(0);
      clock.advanceSeconds(10);
      const before = await Promise.all(Object.keys(streams).map((id) => store.load(id)));
      expect(await store.purgeExpired()).toBe(5);
      expect(await Promise.all(Object.keys(streams).map((id) => store.load(id)))).toEqual(before);
      const stored = async (id: string) => (await store.load(id, { includeExpired: true })).records;
      expect(await stored("gone")).toEqual([]);
      expect(await stored("shortened")).toEqual(records(3n, 4n));
      expect(await stored("kept")).toEqual(streams.kept);
      expect(await stored("behind")).toEqual(streams.behind);
      expect(await stored("later")).toEqual(streams.later);
      expect(await store.purgeExpired()).toBe(0);
    });

    test("lets a stream of which all has expired start anew, and the others go on", async () => {
      const store = new SqliteStore(open(), { clock });
      await store.save("gone", records(1n, 3n, soon()));
      await store.save("shortened", [...records(1n, 2n, soon()), record(3n)]);
      clock.advanceSeconds(10);
      await store.purgeExpired();
      await store.save("gone", [record(1n)]);
      await store.save("shortened", [record(4n)]);
      expect((await store.load("gone")).records).toEqual([record(1n)]);
      expect((await store.load("shortened")).records).toEqual(records(3n, 4n));
    });

    test("deletes many streams and rows, and lets others write meanwhile", async () => {
      const store = new SqliteStore(open(), { clock });
      const t = soon();
      const ids = Array.from({ length: 250 }, (_, i) => `stream-${i}`);
      await store.saveAll(ids.map((aggregateId) => ({ aggregateId, records: records(1n, 2n, t) })));
      const rows = Array.from({ length: 2500 }, (_, i) => create(OpaqueDataSchema, { pk: "a", sk: `${i}`, t }));
      await store.saveAll([], {
        rows: [...rows, create(OpaqueDataSchema, { pk: "a", sk: "stays" })].map((row) => ({ row })),
      });
      clock.advanceSeconds(10);
      const other = new SqliteStore(open({ busyTimeoutMs: 0 }), { clock });
      const [purged, purgedRows] = await Promise.all([
        store.purgeExpired(),
        (store.opaqueStore as SqliteOpaqueStore).purgeExpired(),
        other.save("meanwhile", [record(1n)]),
      ]);
      expect({ purged, purgedRows }).toEqual({ purged: 500, purgedRows: 2500 });
      expect((await store.opaqueStore.query({ partition: "a" })).rows.map(({ sk }) => sk)).toEqual(["stays"]);
    });

    test("deletes claims, and those alone that have expired", async () => {
      const store = new SqliteStore(open(), { clock });
      const claims = Array.from({ length: 1500 }, (_, i) => ({ scope: "s", value: `${i}`, owner: "a", ttl: soon() }));
      await store.saveAll([], { claims: [...claims, { scope: "s", value: "stays", owner: "a" }] });
      clock.advanceSeconds(10);
      expect(await (store.opaqueStore as SqliteOpaqueStore).purgeExpired()).toBe(1500);
      expect(await store.findClaim("s", "stays")).toMatchObject({ owner: "a" });
    });

    test("stops at an aborted signal", async () => {
      const store = new SqliteStore(open(), { clock });
      const cancelled = { code: "cancelled", details: { operation: "purgeExpired" } };
      const signal = AbortSignal.abort();
      await expect(store.purgeExpired({ signal })).rejects.toMatchObject(cancelled);
      await expect((store.opaqueStore as SqliteOpaqueStore).purgeExpired({ signal })).rejects.toMatchObject(cancelled);
    });
  });

  describe("read page after page", () => {
    test.each<readonly [string, (store: SqliteStore, signal: AbortSignal) => AsyncIterable<unknown>]>([
      ["scan of records", (store, signal) => pagesOf((cursor) => store.scan({ limit: 1, cursor, signal }))],
      [
        "scan of rows",
        (store, signal) =>
          pagesOf((cursor) => (store.opaqueStore as SqliteOpaqueStore).scan({ limit: 1, cursor, signal })),
      ],
      [
        "query",
        (store, signal) => pagesOf((cursor) => store.opaqueStore.query({ partition: "a", limit: 1, cursor, signal })),
      ],
    ])("lets the program's other work have its turn: %s", async (_, pages) => {
      const store = new SqliteStore(open());
      await store.save("a", records(1n, 10n));
      for (let i = 0; i < 10; i++) await store.opaqueStore.put(create(OpaqueDataSchema, { pk: "a", sk: `${i}` }));
      const controller = new AbortController();
      setImmediate(() => controller.abort());
      let read = 0;
      const reading = (async () => {
        for await (const _page of pages(store, controller.signal)) read++;
      })();
      await expect(reading).rejects.toMatchObject({ code: "cancelled" });
      expect(read).toBe(1);
    });
  });

  test("does what a MemoryStore does, whatever is saved", async () => {
    const id = fc.constantFrom("a", "a\0", "a\u0001", "b");
    const save = fc.record({
      op: fc.constant("save" as const),
      id,
      first: fc.integer({ min: 1, max: 6 }),
      count: fc.integer({ min: 0, max: 3 }),
      ttl: fc.constantFrom(0n, 5n, 20n),
      commit: fc.integer({ min: 0, max: 1 }),
    });
    const check = fc.record({ aggregateId: id, version: fc.bigInt(0n, 4n) });
    const claim = fc.record({
      scope: fc.constantFrom("s", "s\0"),
      value: fc.constantFrom("v", "v\u0001"),
      owner: id,
      lifetime: fc.constantFrom(0n, 0n, 5n),
      version: fc.bigInt(0n, 2n),
      once: fc.boolean(),
      release: fc.boolean(),
    });
    const saveAll = fc.record({
      op: fc.constant("saveAll" as const),
      writes: fc.array(save, { maxLength: 3 }),
      check: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(check, { maxLength: 2 })),
      claims: fc.array(claim, { maxLength: 2 }),
    });
    const wait = fc.record({ op: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 10 }) });
    const step = fc.oneof({ weight: 4, arbitrary: save }, saveAll, wait);
    const database = open({ synchronous: "NORMAL" });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const clock = new FakeClock();
        const stores = [new MemoryStore({ clock }), new SqliteStore(database, { clock })];
        const recordsOf = ({ first, count, ttl }: { first: number; count: number; ttl: bigint }) =>
          Array.from({ length: count }, (_, i) =>
            record(BigInt(first + i), ttl === 0n ? 0n : clock.now() / 1_000_000n + ttl),
          );
        for (const one of steps) {
          if (one.op === "wait") {
            clock.advanceSeconds(one.seconds);
            continue;
          }
          const outcomes = stores.map((store) =>
            outcome(
              one.op === "save"
                ? store.save(one.id, recordsOf(one), { commitId: new Uint8Array(8).fill(one.commit) })
                : store.saveAll(
                    one.writes.map((write) => ({ aggregateId: write.id, records: recordsOf(write) })),
                    {
                      commitId: new Uint8Array(8).fill(one.writes[0]?.commit ?? 0),
                      check: one.check,
                      claims: one.claims.map(({ lifetime, ...claim }) => ({
                        ...claim,
                        ttl: lifetime === 0n ? 0n : clock.now() / 1_000_000n + lifetime,
                      })),
                    },
                  ),
            ),
          );
          expect(await outcomes[1]).toEqual(await outcomes[0]);
        }
        for (const read of ["a", "a\0", "a\u0001", "b"]) {
          for (const includeExpired of [false, true]) {
            const options = { includeExpired };
            const [memory, sqlite] = stores.map((store) => [
              outcome(store.load(read, options)),
              outcome(store.loadTail(read, 2, options)),
            ]);
            expect(await Promise.all(sqlite ?? [])).toEqual(await Promise.all(memory ?? []));
          }
        }
        for (const scope of ["s", "s\0"]) {
          for (const value of ["v", "v\u0001"]) {
            const [memory, sqlite] = await Promise.all(stores.map((store) => store.findClaim(scope, value)));
            expect(sqlite).toEqual(memory);
          }
        }
        database.exec("DELETE FROM protosource_events; DELETE FROM protosource_claims");
      }),
      { numRuns: 200 },
    );
  });
});

async function* pagesOf<P extends { readonly cursor?: string | undefined }>(
  read: (cursor: string | undefined) => Promise<P>,
): AsyncGenerator<P, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield page;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

describe("SqliteStore", () => {
  test.each([
    ["denied", { code: "SQLITE_READONLY_DBMOVED" }],
    ["denied", { code: "UNKNOWN_SQLITE_ERROR_1544", rawCode: 1544 }],
    ["denied", { code: "ERR_SQLITE_ERROR", errcode: 1032 }],
    ["denied", { code: "ERR_SQLITE_ERROR", errcode: 14 }],
    ["invalid_argument", { code: "SQLITE_NOTADB", rawCode: 26 }],
    ["invalid_argument", { code: "ERR_SQLITE_ERROR", errcode: 1 }],
    ["corrupt_record", { code: "SQLITE_CORRUPT_INDEX" }],
    ["corrupt_record", { code: "ERR_SQLITE_ERROR", errcode: 779 }],
    ["unavailable", { code: "SQLITE_BUSY_RECOVERY", rawCode: 261 }],
    ["unavailable", { code: "ERR_SQLITE_ERROR", errcode: 262 }],
    ["unavailable", { code: "SQLITE_IOERR_SHORT_READ", rawCode: 522 }],
    ["unavailable", { code: "ERR_SQLITE_ERROR", errcode: 7 }],
    ["unavailable", { code: "ERR_INVALID_STATE" }],
    ["unavailable", {}],
  ])("throws %s where a driver throws %j", async (code, fields) => {
    const database = folder.open("store.db");
    const thrown = Object.assign(new Error("something is wrong"), fields);
    const broken: SqliteDatabase = {
      exec: (sql) => database.exec(sql),
      close: () => database.close(),
      prepare(sql) {
        if (sql.includes("FROM protosource_events")) throw thrown;
        return database.prepare(sql);
      },
    };
    const error = await failure(new SqliteStore(broken).load("a"));
    expect(error).toMatchObject({ code, cause: thrown, message: expect.stringContaining("something is wrong") });
  });
});

/** What a call gives, or the code and details of its error. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    expect(isProtosourceError(error)).toBe(true);
    const { code, details } = error as ProtosourceError;
    return { code, details };
  }
}
