/** Files that are damaged, or that somebody takes away while they are shown: the studio says so, and shows nothing else. */
import { renameSync, statSync, truncateSync } from "node:fs";
import { order } from "@protosource-es/studio/demo";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { afterAll, expect, it } from "vitest";
import { schemasOf } from "../../src/schemas.js";
import { showStore } from "../../src/studio/run-studio.js";
import { temporaryFolder } from "../engines.js";
import { ORDERS, saveOrders } from "../orders.js";
import { answers, type Question } from "./answers.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Makes a file of orders, with all that it holds in itself. */
async function ordersFile(name: string, count: number): Promise<string> {
  const path = folder.path(name);
  const database = openSqlite(path);
  await saveOrders(new SqliteStore(database, { opaqueStore: new SqliteOpaqueStore(database) }), count);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  return path;
}

/** What reads streams, and what looks at the file. */
const QUESTIONS: readonly Question[] = [
  ["streams", { limit: "5000" }],
  ["events", { id: `${ORDERS}3` }],
  ["verify", { limit: "5000" }],
  ["health", {}],
  ["tables", {}],
];

/** Opens a file, and gives what can be asked of it until the test has its answers. */
async function whileShown(path: string, work: (ask: () => ReturnType<typeof answers>) => Promise<void>): Promise<void> {
  const { shown, close } = await showStore({ store: `sqlite:${path}`, port: "0" });
  try {
    await work(() => answers({ ...shown, schemas: schemasOf([order]) }, QUESTIONS));
  } finally {
    close();
  }
}

it("says of a file that was cut off what to do, and of each list that it isn't whole", async () => {
  const path = await ordersFile("cut.db", 400);
  const page = 4096;
  truncateSync(path, Math.floor(statSync(path).size / 2 / page) * page);
  await whileShown(path, async (ask) => {
    const found = new Map((await ask()).map(([route, ...answer]) => [route, answer] as const));
    const damaged = { error: { code: "corrupt_record", message: expect.stringMatching(/.: ./) } };
    for (const route of ["streams", "verify"]) expect([route, found.get(route)]).toEqual([route, [502, damaged]]);
    // What lies in the part that is left may be read.
    for (const [status, answer] of found.values()) if (status !== 200) expect([status, answer]).toEqual([502, damaged]);
    expect(found.get("tables")).toMatchObject([200, { findings: [{ table: path, severity: "error" }] }]);
  });
});

it("shows nothing of a file that was moved or replaced, and goes on once it is back", async () => {
  const path = await ordersFile("orders.db", 4);
  const other = await ordersFile("other.db", 9);
  await whileShown(path, async (ask) => {
    const before = await ask();
    expect(before.map(([route, status]) => [route, status])).toEqual(QUESTIONS.map(([route]) => [route, 200]));
    const refused = async (said: string): Promise<void> => {
      const message = expect.stringContaining(said);
      expect(await ask()).toEqual(
        QUESTIONS.map(([route]) => [route, 503, { error: { code: "unavailable", message } }]),
      );
    };
    renameSync(path, folder.path("moved.db"));
    await refused("orders.db was deleted or moved");
    renameSync(other, path);
    await refused("orders.db was replaced by another file");
    renameSync(folder.path("moved.db"), path);
    expect(await ask()).toEqual(before);
  });
});
