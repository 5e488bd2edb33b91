/** Files that may only be read: what is in them is told in full, or not at all. */
import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { StoredRecordSchema } from "protosource-es/proto";
import { openSqlite, type SqliteDatabase, SqliteStore } from "protosource-es/sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { openReadOnly } from "../../src/read-only.js";
import { saveOrders } from "../orders.js";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** Gives the path of a file that isn't there, in a new folder, whose name an address has to escape. */
function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "protosource ?#%41-"));
  folders.push(folder);
  return join(folder, "orders.db");
}

/** Makes a file of some orders. It is a copy, since a connection of this process may keep its log until it is collected. */
async function orders(count: number): Promise<string> {
  const [made, path] = [freshPath(), freshPath()];
  const database = openSqlite(made);
  await saveOrders(new SqliteStore(database), count);
  database.close();
  copyFileSync(made, path);
  return path;
}

async function saveLate(database: SqliteDatabase): Promise<void> {
  await new SqliteStore(database).save("late#1", [create(StoredRecordSchema, { version: 1n })]);
}

async function streamsIn(path: string): Promise<number> {
  const database = await openReadOnly(path);
  const { records } = await new SqliteStore(database).scan({ limit: 1000 });
  database.close();
  return new Set(records.map(({ aggregateId }) => aggregateId)).size;
}

describe("openReadOnly", () => {
  it("reads a file, and leaves it alone", async () => {
    const path = await orders(20);
    const before = statSync(path).mtimeMs;
    expect(await streamsIn(path)).toBe(20);
    expect(statSync(path).mtimeMs).toBe(before);
    expect(readdirSync(join(path, ".."))).toEqual(["orders.db"]);
  });

  it("reads what only the log has, of a writer at work or of one that is gone", async () => {
    const path = await orders(20);
    const writer = openSqlite(path);
    await saveLate(writer);
    expect(await streamsIn(path)).toBe(21);
    const copy = freshPath();
    for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, copy + suffix);
    expect(await streamsIn(copy)).toBe(21);
    writer.close();
  });

  it("can't be written", async () => {
    const database = await openReadOnly(await orders(1));
    await expect(saveLate(database)).rejects.toMatchObject({ code: "denied" });
    database.close();
  });

  it("says when the file was changed meanwhile", async () => {
    const path = await orders(1);
    const database = await openReadOnly(path);
    const writer = openSqlite(path);
    await saveLate(writer);
    expect(() => database.close()).toThrow(expect.objectContaining({ code: "unavailable" }));
    writer.close();
  });
});
