/** A writer that is killed at random moments: what was acknowledged is there, and nothing is half there. */
import type { StoredRecord } from "protosource-es/proto";
import { openSqlite, type SqliteDatabase, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drivers, type TestDriver, type TestFolder, testFolder } from "./drivers.js";
import { byteOf, numbers, rowOf, STREAMS, stepsOf } from "./plan.js";
import { bundle, start } from "./program.js";

const FILES = 5;
/** Each file is written, killed and written on this often. */
const RUNS_PER_FILE = 10;
const LONGEST_RUN_MS = 60;

let folder: TestFolder;
let program: string;
beforeAll(async () => {
  folder = testFolder();
  program = await bundle(new URL("./killed-writer.ts", import.meta.url), folder.path(""));
});
afterAll(() => folder.remove());

describe.each(drivers)("a writer on $name", ({ name, driver }) => {
  test(`loses nothing, killed in ${FILES * RUNS_PER_FILE} runs`, async () => {
    const files = await Promise.all(Array.from({ length: FILES }, (_, seed) => killOften(seed, name, driver)));
    const acknowledged = files.reduce((sum, file) => sum + file.acknowledged, 0);
    const unacknowledged = files.reduce((sum, file) => sum + file.unacknowledged, 0);
    console.info(`killed writer on ${name}: ${acknowledged} saves acknowledged, ${unacknowledged} others stored`);
    expect(acknowledged).toBeGreaterThan((FILES * RUNS_PER_FILE) / 2);
  }, 180_000);
});

/** Counts the saves to a file that a writer acknowledged, and those that it was killed before it could acknowledge. */
async function killOften(
  seed: number,
  name: string,
  driver: TestDriver["driver"],
): Promise<{ readonly acknowledged: number; readonly unacknowledged: number }> {
  const next = numbers(seed);
  const path = folder.path(`${name.replace(":", "-")}-${seed}.db`);
  let done = 0;
  let unacknowledged = 0;
  for (let run = 0; run < RUNS_PER_FILE; run++) {
    const writer = start(program, [name, path, `${seed}`, `${done}`]);
    // Two of three are killed while they write, and the others while they open the file.
    await writer.printed(next() < 2 / 3 ? 2 : 1);
    await new Promise((resolve) => setTimeout(resolve, next() * LONGEST_RUN_MS));
    writer.process.kill("SIGKILL");
    await writer.ended;
    expect(writer.errors).toEqual([]);
    expect(writer.process.signalCode).toBe("SIGKILL");

    const acknowledged = Math.max(done, Number(writer.lines.at(-1)) || 0);
    const database = openSqlite(path, { driver });
    done = await stepsStored(database, seed, acknowledged);
    database.close();
    unacknowledged += done - acknowledged;
  }
  return { acknowledged: done - unacknowledged, unacknowledged };
}

/**
 * Gives the number of saves that a file holds: all that were acknowledged, and at most the one behind, whole. Fails
 * when it holds anything else.
 */
async function stepsStored(database: SqliteDatabase, seed: number, acknowledged: number): Promise<number> {
  expect(Object.values(database.prepare("PRAGMA integrity_check").all()[0] as object)).toEqual(["ok"]);
  const store = new SqliteStore(database);
  const stored = await Promise.all(STREAMS.map(async (id) => (await store.load(id)).records));
  const row = await store.opaqueStore.get(rowOf(0));
  const inIndex = await store.opaqueStore.query({ index: 1, partition: "killed" });
  expect(inIndex.rows).toEqual(row ? [row] : []);

  const expected: string[][] = [[], []];
  let number = 0;
  for (const { counts, size } of stepsOf(seed)) {
    const isAll = expected.every(({ length }, i) => length === stored[i]?.length);
    if ((number === acknowledged && isAll) || number > acknowledged) break;
    expected.forEach((records, i) => {
      const { length } = records;
      for (let version = length + 1; version <= length + (counts[i] ?? 0); version++) {
        records.push(summary(version, size, size === 0 ? undefined : byteOf(version)));
      }
    });
    number++;
  }
  expect(stored.map(summaryOf)).toEqual(expected.map((records) => records.join("\n")));
  expect(row).toEqual(expected[1]?.length ? rowOf(expected[1].length) : undefined);
  return number;
}

/** Tells what records hold by their lengths and first bytes: all bytes of one are the same. */
function summaryOf(records: readonly StoredRecord[]): string {
  return records.map(({ version, data }) => summary(Number(version), data.length, data[0])).join("\n");
}

function summary(version: number, size: number, byte: number | undefined): string {
  return `${version}: ${size} times ${byte}`;
}
