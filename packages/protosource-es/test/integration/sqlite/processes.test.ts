/** Several processes on one file. */
import { SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drivers, type TestFolder, testFolder } from "./drivers.js";
import { bundle, start } from "./program.js";

const WRITERS = ["a", "b", "c", "d"];
const TIMES = 100;

let folder: TestFolder;
let program: string;
beforeAll(async () => {
  folder = testFolder();
  program = await bundle(new URL("./contending-writer.ts", import.meta.url), folder.path(""));
});
afterAll(() => folder.remove());

describe.each(drivers)("four processes on $name", ({ name, driver }) => {
  test("make one file together, and lose and double nothing in it", async () => {
    const file = `${name.replace(":", "-")}.db`;
    const running = WRITERS.map((writer) => start(program, [name, folder.path(file), writer, `${TIMES}`]));
    await Promise.all(running.map((writer) => writer.printed(1)));
    for (const writer of running) writer.process.stdin?.end("go");
    await Promise.all(running.map(({ ended }) => ended));
    expect(running.map(({ process, errors }) => [process.exitCode, errors])).toEqual(WRITERS.map(() => [0, []]));
    const conflicts = running.reduce((sum, { lines }) => sum + Number(lines.at(-1)), 0);
    console.info(`four processes on ${name}: ${conflicts} conflicts`);

    const store = new SqliteStore(folder.open(file, { driver }));
    const text = async (id: string): Promise<string[]> =>
      (await store.load(id)).records.map(({ data }) => new TextDecoder().decode(data));
    const shared = await text("contended_v1#shared");
    expect(shared).toHaveLength(WRITERS.length * TIMES);
    for (const writer of WRITERS) {
      const all = Array.from({ length: TIMES }, (_, i) => `${writer} ${i}`);
      expect(shared.filter((entry) => entry.startsWith(`${writer} `))).toEqual(all);
      expect(await text(`contended_v1#${writer}`)).toEqual(all.filter((_, i) => i % 2 === 1));
    }
    expect(conflicts).toBeGreaterThan(0);
  }, 180_000);
});
