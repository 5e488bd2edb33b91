/**
 * `rebuild`, interrupted and resumed while a writer runs: at the end each row is what a fold of its stream gives.
 *
 * `REBUILD_ORDERS=10000 npx vitest run packages/protosource-cli/test/integration/rebuild.test.ts` runs it at full size.
 */
import { existsSync, statSync, writeFileSync } from "node:fs";
import { type RebuildProgress, Repository, type Store } from "protosource-es";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  defineOrder,
  orderCommands,
} from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../../examples/orders/src/order.js";
import { loadSchemas } from "../../src/load-schemas.js";
import { openStateFile } from "../../src/state-file.js";
import { type CliResult, interruptCli, runCli } from "../cli.js";
import { engines, freshTables, temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { buildDomain, ORDERS, saveOrders, whileWriting, wrongOrders } from "../orders.js";
import { serializer } from "../sealed-serializer.js";

/** How many orders there are: an engine writes rows, with the entries of their indexes, far slower than a file does. */
const FULL = process.env["REBUILD_ORDERS"];
const TIMEOUT = 120_000 + Number(FULL ?? 0) * 120;

/** Where the orders of a test are. */
interface Orders {
  readonly url: string;
  readonly store: Store;
  readonly opaqueStore: OpaqueStore;
  close(): void;
}

const folder = temporaryFolder();
const image = folder.path("image.binpb");
let domain = "";
beforeAll(async () => {
  domain = await buildDomain();
  buildImage(image);
});
afterAll(() => folder.remove());

async function openTables(endpoint: string): Promise<Orders> {
  const { url, store, opaqueStore, client } = await freshTables(endpoint);
  return { url, store, opaqueStore, close: () => client.destroy() };
}

const COUNTS = {
  ...{ records: 0, streams: 0, otherStreams: 0, expiredStreams: 0, deletedStreams: 0 },
  ...{ removed: 0, failed: 0, written: 0, unchanged: 0, newer: 0 },
  ...{ claimsTaken: 0, claimsFreed: 0, collisions: 0 },
};

/** The domain of the orders, in which a customer has one order at most. */
const UNIQUE = `
  import { order as plain } from "../../examples/orders/src/order.js";
  import { defineOrder } from "../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
  export const order = defineOrder({ ...plain.rules, unique: { customer: ({ customerId }) => customerId } });
`;

let files = 0;
async function openFile(): Promise<Orders> {
  const path = folder.path(`orders-${files++}.db`);
  const database = openSqlite(path, { synchronous: "NORMAL" });
  const opaqueStore = new SqliteOpaqueStore(database);
  const store = new SqliteStore(database, { opaqueStore });
  return { url: `sqlite:${path}`, store, opaqueStore, close: () => database.close() };
}

const places = [
  { name: "a file", open: openFile, COUNT: Number(FULL ?? 1000) },
  ...engines.map(({ name, endpoint }) => ({ name, open: () => openTables(endpoint), COUNT: Number(FULL ?? 120) })),
];

/** When a state file was written last; undefined when there is none. */
function keptAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

describe.each(places)("rebuild on $name", ({ name, open, COUNT }) => {
  let orders: Orders;
  const state = folder.path(`${name}.json`);
  const args = (...more: string[]): string[] => ["rebuild", "--store", orders.url, "--state", state, ...more];

  beforeAll(async () => {
    orders = await open();
    await saveOrders(orders.store, COUNT);
  }, TIMEOUT);
  afterAll(() => orders.close());

  it("ends with the rows that a fold gives, though it is interrupted twice and a writer runs", {
    timeout: TIMEOUT,
  }, async () => {
    const start = Date.now();
    let interruptions = 0;
    const applied = await whileWriting(orders.store, COUNT, async () => {
      for (; interruptions < 2; interruptions++) {
        const before = keptAt(state);
        const { code, stderr, interrupted } = await interruptCli(
          args("--domain", domain, ...(before === undefined ? [] : ["--resume"])),
          () => keptAt(state) !== before,
          30,
        );
        if (!interrupted) break;
        expect({ code, stderr }).toEqual({
          code: 130,
          stderr: expect.stringMatching(/^What is done is kept in .*\n {2}protosource rebuild --store .* --resume\n/),
        });
      }
      const isDone = !existsSync(state);
      const { code, stderr, json } = await runCli(args("--domain", domain, "--json", ...(isDone ? [] : ["--resume"])));
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const [{ rebuilt } = {}] = json() as unknown as readonly { rebuilt?: Record<string, number> }[];
      expect(rebuilt).toMatchObject({ failed: 0, otherStreams: 0, expiredStreams: 0 });
      expect(rebuilt?.["streams"]).toBeGreaterThanOrEqual(COUNT);
    });
    expect(existsSync(state)).toBe(false);
    expect(await wrongOrders(orders.store, orders.opaqueStore, COUNT)).toEqual([]);
    console.info(
      `rebuild on ${name}: ${COUNT} orders, ${interruptions} interruptions, ${applied} commands meanwhile: ${Date.now() - start} ms`,
    );
  });

  it("finds nothing to do afterwards", { timeout: TIMEOUT }, async () => {
    const { code, json } = await runCli(args("--domain", domain, "--dry-run", "--json"));
    expect(code).toBe(0);
    expect(json()).toMatchObject([{ dryRun: true, rebuilt: { streams: COUNT, written: 0, unchanged: 2 * COUNT } }]);
    expect(existsSync(state)).toBe(false);
  });

  it("says which row is missing in a dry run, and writes none", { timeout: TIMEOUT }, async () => {
    const key = { pk: "example_app_order_v1#order#id#3", sk: "AGG" };
    await orders.opaqueStore.delete(key);
    const dry = await runCli(args("--domain", domain, "--dry-run", "--json"));
    expect(dry.json()).toMatchObject([{ rebuilt: { written: 1, unchanged: 2 * COUNT - 1 } }]);
    expect(await orders.opaqueStore.get(key)).toBeUndefined();
    const human = await runCli(args("--domain", domain));
    expect(human.stdout).toContain(`1 row written, ${2 * COUNT - 1} as they should be, 0 newer by a writer\n`);
    expect(await wrongOrders(orders.store, orders.opaqueStore, 10)).toEqual([]);
  });
});

describe("rebuild", () => {
  let orders: Orders;
  const state = folder.path("state.json");
  const rebuild = (...more: string[]): Promise<CliResult> =>
    runCli(["rebuild", "--store", orders.url, "--state", state, ...more]);
  beforeAll(async () => {
    orders = await openFile();
    await saveOrders(orders.store, 5);
  });
  afterAll(() => orders.close());

  it("refuses to empty fields that only code can fill, unless it is told to", async () => {
    const refused = await rebuild("--descriptors", image, "--only", "Order");
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("total_cents, item_count");
    expect(refused.stderr).toContain("--domain");
    const told = await rebuild("--descriptors", image, "--only", "Order", "--without-derived", "--json");
    expect(told.code).toBe(0);
    expect(told.stderr).toContain("they will be empty");
    const withCode = await rebuild("--domain", domain, "--json");
    expect(withCode.json()).toMatchObject([{ rebuilt: { streams: 5 } }]);
    expect(await wrongOrders(orders.store, orders.opaqueStore, 5)).toEqual([]);
  });

  it("needs to know an aggregate, and refuses one that it doesn't know", async () => {
    expect((await rebuild()).code).toBe(2);
    const { code, stderr } = await rebuild("--domain", domain, "--only", "Invoice");
    expect(code).toBe(2);
    expect(stderr).toContain("example.app.order.v1.Order");
    const nothing = folder.path("nothing.mjs");
    writeFileSync(nothing, "export const order = 1;");
    for (const module of [nothing, folder.path("absent.mjs"), image]) {
      const refused = await rebuild("--domain", module);
      expect(refused.code).toBe(2);
      expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    }
  });

  it("refuses to go on from a state that is missing, broken, or of another rebuild", async () => {
    expect((await rebuild("--domain", domain, "--resume")).code).toBe(2);
    writeFileSync(state, "{");
    expect((await rebuild("--domain", domain, "--resume")).code).toBe(2);
    writeFileSync(state, `{"job":{"rebuild":"sqlite:other.db"},"progress":{}}`);
    const { code, stderr } = await rebuild("--domain", domain, "--resume");
    expect(code).toBe(2);
    expect(stderr).toContain("sqlite:other.db");
  });

  it("refuses to go on for another domain, and goes on for the same", async () => {
    const { fingerprint } = await loadSchemas({ domain });
    const job = {
      rebuild: orders.url,
      aggregates: ["example.app.order.v1.Order"],
      segments: 4,
      "messages, indexes and code": fingerprint,
    };
    const kept = openStateFile<RebuildProgress>(state, "--state", job, false);
    const counts = { ...COUNTS, records: 1000 };
    kept.update({ counts, segments: Array.from({ length: 4 }, () => ({ done: true })) });
    const other = await buildDomain("export const compressThreshold = 0;");
    const refused = await rebuild("--domain", other, "--resume");
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toMatch(/messages, indexes and code.*leave --resume out to begin anew/);
    const { code, json } = await rebuild("--domain", domain, "--resume", "--json");
    expect(code).toBe(0);
    expect(json()).toMatchObject([{ rebuilt: { records: 1000 } }]);
  });

  it("reads and writes as the domain's repositories do, and leaves rows whose events it can't read", async () => {
    const sealed = await openFile();
    const repository = new Repository(order, sealed.store as SqliteStore, { serializer, compressThreshold: 0 });
    const create = orderCommands.Create({ customerId: "c-1", customerName: "Zoë" });
    await repository.apply(create, { id: "1", actor: "ann" });
    const rows = async () => (await sealed.opaqueStore.query({ partition: "example_app_order_v1#order#id#1" })).rows;
    const before = await rows();
    expect(before).toHaveLength(2);
    const run = (module: string) =>
      runCli(["rebuild", "--store", sealed.url, "--state", state, "--domain", module, "--json"]);

    const without = await run(domain);
    expect(without.code).toBe(3);
    expect(without.json()).toMatchObject([{ rebuilt: { failed: 1, written: 0 } }]);
    expect(without.stderr).toContain("another serializer");
    expect(await rows()).toEqual(before);

    const own = `export { serializer } from "./test/sealed-serializer.js"; export const compressThreshold = 0;`;
    const module = await buildDomain(own);
    expect((await run(module)).json()).toMatchObject([{ rebuilt: { failed: 0, unchanged: 2 } }]);
    await sealed.opaqueStore.delete({ pk: "example_app_order_v1#order#id#1", sk: "AGG" });
    expect((await run(module)).json()).toMatchObject([{ rebuilt: { failed: 0, written: 1 } }]);
    expect(await rows()).toEqual(before);
    const shown = await runCli(["streams", "show", `${ORDERS}1`, "--store", sealed.url, "--domain", module]);
    expect(shown.stdout).toContain("Zoë");
    sealed.close();
  });

  it("takes the unique values of a copy, and says which two aggregates have", async () => {
    const module = await buildDomain(UNIQUE);
    const unique = defineOrder({ ...order.rules, unique: { customer: ({ customerId }) => customerId } });
    const [source, copy] = await Promise.all([openFile(), openFile()]);
    const apply = (place: Orders, id: string, customerId: string): Promise<unknown> =>
      new Repository(unique, place.store as SqliteStore).apply(
        orderCommands.Create({ id, actor: "ann", customerId, customerName: "Zoë" }),
      );
    await apply(source, "1", "c-1");
    await apply(source, "2", "c-2");
    const file = folder.path("unique.jsonl");
    const exported = await runCli(["export", "--store", source.url, "-o", file]);
    expect(exported.stderr).toContain("2 claims left out: a copy takes its unique values anew by protosource rebuild");
    const imported = await runCli(["import", file, "--store", copy.url]);
    expect(imported).toMatchObject({ code: 0, stderr: expect.stringContaining("protosource rebuild --domain") });

    const run = (...more: string[]) =>
      runCli(["rebuild", "--store", copy.url, "--state", state, "--domain", module, ...more]);
    const one = await run("--stream", `${ORDERS}1`, "--json");
    expect(one.json()).toMatchObject([{ rebuilt: { streams: 1, unchanged: 2, claimsTaken: 1 } }]);
    expect((await run("--stream", `${ORDERS}nobody`)).code).toBe(4);
    const { code, stdout } = await run();
    expect(code).toBe(0);
    expect(stdout).toContain("1 unique value taken, 0 freed\n");
    await expect(apply(copy, "3", "c-1")).rejects.toMatchObject({ code: "claim_taken" });

    const plain = new Repository(order, copy.store as SqliteStore);
    await plain.apply(orderCommands.Create({ id: "4", actor: "ann", customerId: "c-2", customerName: "Zoë" }));
    const collided = await run("--json");
    expect(collided.code).toBe(3);
    expect(collided.json()).toMatchObject([{ rebuilt: { collisions: 1, failed: 0 } }]);
    expect(collided.stderr).toContain(`${ORDERS}4 and ${ORDERS}2 have the same example.app.order.v1.Order.customer`);
    for (const place of [source, copy]) place.close();
  });

  it("goes on past a stream that can't be read, and says so", async () => {
    await orders.store.save(`${ORDERS}broken`, [
      { $typeName: "funinthecloud.protosource.record.v1.Record", version: 1n, data: Uint8Array.of(1, 2), ttl: 0n },
    ]);
    const { code, json, stderr } = await rebuild("--domain", domain, "--json");
    expect(code).toBe(3);
    expect(json()).toMatchObject([{ rebuilt: { streams: 5, failed: 1 } }]);
    expect(stderr).toContain(`${ORDERS}broken can't be rebuilt`);
  });
});
