/** Files that are damaged, or that somebody takes away while they are shown: the studio says so, and shows nothing else. */
import { copyFileSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from "node:fs";
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

/** Makes a file of orders that holds all in itself, and that no connection of this process knows. */
async function ordersFile(name: string, count: number): Promise<string> {
  const written = folder.path(`written-${name}`);
  const database = openSqlite(written);
  await saveOrders(new SqliteStore(database, { opaqueStore: new SqliteOpaqueStore(database) }), count);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  const path = folder.path(name);
  copyFileSync(written, path);
  return path;
}

const PAGE = 4096;

/** Where the second half of a file begins: behind the roots of all tables. */
function half(path: string): number {
  return Math.floor(statSync(path).size / 2 / PAGE) * PAGE;
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

const DAMAGED = { error: { code: "corrupt_record", message: expect.stringMatching(/.: ./) } };

it("refuses a file that was cut off before", async () => {
  const path = await ordersFile("cut-before.db", 400);
  truncateSync(path, half(path));
  await expect(showStore({ store: `sqlite:${path}`, port: "0" })).rejects.toMatchObject({ code: "corrupt_record" });
});

it("says of a file that is damaged what to do, and of each list that it isn't whole", async () => {
  const path = await ordersFile("damaged.db", 400);
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0xff, half(path)));
  await whileShown(path, async (ask) => {
    const found = new Map((await ask()).map(([route, ...answer]) => [route, answer] as const));
    for (const route of ["streams", "verify"]) expect([route, found.get(route)]).toEqual([route, [502, DAMAGED]]);
    // What lies in the part that is left may be read.
    for (const [status, answer] of found.values()) if (status !== 200) expect([status, answer]).toEqual([502, DAMAGED]);
    expect(found.get("tables")).toMatchObject([200, { findings: [{ table: path, severity: "error" }] }]);
  });
});

it("says of a file that is cut off while it is shown that its lists aren't whole", async () => {
  const path = await ordersFile("cut.db", 400);
  await whileShown(path, async (ask) => {
    truncateSync(path, half(path));
    const found = new Map((await ask()).map(([route, ...answer]) => [route, answer] as const));
    for (const route of ["streams", "verify"]) expect([route, found.get(route)]).toEqual([route, [502, DAMAGED]]);
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
