/** `subscriptions`: what the store holds is brought to them once, though it is interrupted; parked streams; versions. */
import { existsSync, statSync, writeFileSync } from "node:fs";
import { type EventStore, Repository, systemClock } from "protosource-es";
import { type OpaqueStore, queryClient } from "protosource-es/opaquedata";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { modelRows } from "protosource-es/subscriptions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { orderCommands } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../../examples/orders/src/order.js";
import { CustomerSalesSchema } from "../../../protosource-es/test/gen/example/app/sales/v1/sales_v1_pb.js";
import { type CliResult, interruptCli, runCli } from "../cli.js";
import { engines, freshTables, temporaryFolder } from "../engines.js";
import { buildDomain, ORDERS, saveOrders } from "../orders.js";

/** A read model of each customer's orders and items. `versions` are those that the domain has. */
const model = (...versions: readonly number[]): string => `
  import { defineHandler, defineProcess, defineReadModel, on, send } from "protosource-es/subscriptions";
  import { Repository } from "protosource-es";
  import { CustomerSalesSchema } from "../protosource-es/test/gen/example/app/sales/v1/sales_v1_pb.js";
  import { order as source } from "../../examples/orders/src/order.js";
  import { orderCommands } from "../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
  const sales = (version) => defineReadModel(CustomerSalesSchema, { name: "sales", version, from: [on(source, {
    memo: () => ({ customerId: "" }),
    Created: ({ customerId }, { memo, row }) => {
      memo.customerId = customerId;
      row(customerId, (sales) => { sales.orders += 1n; });
    },
    ItemAdded: (_, { memo, row }) => row(memo.customerId, (sales) => { sales.items += 1n; }),
  })] });
  const models = ${JSON.stringify(versions)}.map(sales);
`;

/** A handler that can't do what it should, or can. */
const mails = (works: boolean): string => `
  export const mails = defineHandler({ name: "mails", tries: 1, from: [on(source, {
    Created({ customerId }) { if (!${works} && customerId === "nobody") throw new Error("nobody has no address"); },
  })] });
`;

const TIMEOUT = 120_000;

interface Place {
  readonly url: string;
  readonly store: EventStore;
  readonly opaqueStore: OpaqueStore;
  close(): void;
}

const folder = temporaryFolder();
let one = "";
let both = "";
let second = "";
beforeAll(async () => {
  [one, both, second] = (await Promise.all([
    buildDomain(`${model(1)} export const [sales1] = models;`),
    buildDomain(`${model(1, 2)} export const subscriptions = models;`),
    buildDomain(`${model(2)} export const subscriptions = models;`),
  ])) as [string, string, string];
});
afterAll(() => folder.remove());

let files = 0;
async function openFile(): Promise<Place> {
  const path = folder.path(`orders-${files++}.db`);
  const database = openSqlite(path, { synchronous: "NORMAL" });
  const opaqueStore = new SqliteOpaqueStore(database);
  const store = new SqliteStore(database, { opaqueStore });
  return { url: `sqlite:${path}`, store, opaqueStore, close: () => database.close() };
}

async function openTables(endpoint: string): Promise<Place> {
  const { url, store, opaqueStore, client } = await freshTables(endpoint, { feeds: true });
  return { url, store, opaqueStore, close: () => client.destroy() };
}

const places = [
  { name: "a file", open: openFile, COUNT: 1000 },
  ...engines.map(({ name, endpoint }) => ({ name, open: () => openTables(endpoint), COUNT: 100 })),
];

async function createOrder({ store }: Place, id: string, customerId: string, clock = systemClock): Promise<void> {
  const orders = new Repository(order, store, { clock });
  await orders.apply(orderCommands.Create({ id, actor: "ann", customerId, customerName: "Zoë" }));
}

/** Counts the orders and the items of all customers of `saveOrders`, as the read model has them. */
async function totals({ opaqueStore }: Place, version = 1): Promise<{ orders: number; items: number }> {
  const rows = queryClient(CustomerSalesSchema, modelRows(opaqueStore, `sales@${version}`));
  const found = await Promise.all(
    Array.from({ length: 100 }, (_, customer) => rows.get(`c-${customer}`, { consistent: true })),
  );
  const sum = (field: "orders" | "items"): number => found.reduce((sum, row) => sum + Number(row?.[field] ?? 0n), 0);
  return { orders: sum("orders"), items: sum("items") };
}

/** What `saveOrders` has saved. */
function saved(count: number): { orders: number; items: number } {
  return { orders: count, items: Array.from({ length: count }, (_, i) => i % 4).reduce((sum, n) => sum + n, 0) };
}

function keptAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

describe.each(places)("subscriptions on $name", ({ name, open, COUNT }) => {
  let place: Place;
  const state = folder.path(`${name}.json`);
  const args = (command: string, domain: string, ...more: readonly string[]): string[] => {
    const kept = command === "catch-up" ? ["--state", state] : [];
    return ["subscriptions", command, "--store", place.url, "--domain", domain, ...kept, ...more];
  };
  const run = (...words: Parameters<typeof args>): Promise<CliResult> => runCli(args(...words));
  beforeAll(async () => {
    place = await open();
    await saveOrders(place.store, COUNT);
  }, TIMEOUT);
  afterAll(() => place.close());

  it("catch up once with each event, though they are interrupted", { timeout: TIMEOUT }, async () => {
    const refused = await run("promote", one, "sales");
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("has not caught up") });
    const paced = ["--segments", "2", "--max-units", name === "a file" ? "1000" : "40"];
    const first = await interruptCli(args("catch-up", one, ...paced), () => keptAt(state) !== undefined, 200);
    expect(first).toMatchObject({
      interrupted: true,
      code: 130,
      stderr: expect.stringMatching(
        /^What is done is kept in .*\n {2}protosource subscriptions catch-up .* --resume\n/,
      ),
    });
    const other = await run("catch-up", both, "--segments", "2", "--resume");
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("sales@2") });
    const { code, stderr, json } = await run("catch-up", one, "--segments", "2", "--resume", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { items, orders } = saved(COUNT);
    expect(json()).toMatchObject([{ caughtUp: { parked: 0, ahead: 0, unreadable: 0 } }]);
    expect(existsSync(state)).toBe(false);
    expect(await totals(place)).toEqual({ orders, items });
    const again = await run("catch-up", one);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^0 events handled, of \d+ records in /) });
    expect(await totals(place)).toEqual({ orders, items });
  });

  it("are audited, and mended when that is asked for", { timeout: TIMEOUT }, async () => {
    expect(await run("audit", one)).toMatchObject({ code: 0, stderr: "" });
    await createOrder(place, "late", "c-1");
    const looked = await run("audit", one, "--json");
    expect(looked).toMatchObject({ code: 3, stderr: expect.stringContaining("--repair") });
    expect(looked.json()).toMatchObject([
      { subscription: "sales@1", streamId: `${ORDERS}late`, standing: "behind" },
      { audited: { behind: 1, ahead: 0, parked: 0 }, repaired: false },
    ]);
    expect((await totals(place)).orders).toBe(COUNT);
    const mended = await run("audit", one, "--repair");
    expect(mended).toMatchObject({ code: 0, stdout: expect.stringContaining("1 mended, 0 ahead, 0 parked") });
    expect((await totals(place)).orders).toBe(COUNT + 1);
    expect((await run("audit", one)).code).toBe(0);
  });

  it("are served by version, and dropped once the domain has another", { timeout: TIMEOUT }, async () => {
    expect((await run("promote", both, "sales")).stderr).toContain("give one of sales@1, sales@2");
    const anHourAgo = systemClock.now() - 3_600_000_000n;
    await createOrder(place, "waiting", "c-1", { now: () => anHourAgo });
    const refused = await run("promote", both, "sales@1");
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining(`lacks events of ${ORDERS}waiting`) });
    expect((await run("promote", both, "sales@1", "--no-audit")).code).toBe(0);
    expect((await run("catch-up", both, "--only", "sales@2")).code).toBe(0);
    const status = await run("status", both, "--json");
    expect(status.code).toBe(0);
    const caughtUpAt = expect.stringMatching(/^\d{4}-.*Z$/);
    const stands = { kind: "read-model", name: "sales", served: 1, parked: 0, caughtUpAt };
    expect(status.json()).toEqual([
      { subscription: "sales@1", version: 1, ...stands },
      { subscription: "sales@2", version: 2, ...stands },
    ]);
    expect((await run("drop", second, "sales@1")).stderr).toContain("promote another one first");
    expect((await run("promote", both, "sales@2")).code).toBe(0);
    expect((await run("status", both)).stdout).toMatch(/sales@1 +read-model +no, sales@2 is +0 .*\nsales@2 +\S+ +yes /);
    expect((await run("drop", both, "sales@1")).stderr).toContain("is in --domain");
    const before = await place.opaqueStore.get({ pk: "example_app_order_v1#order#id#late", sk: "AGG" });
    const dropped = await run("drop", second, "sales@1", "--json");
    expect(dropped.json()).toEqual([{ dropped: "sales@1", rows: Math.min(COUNT, 100) }]);
    expect(await totals(place, 1)).toEqual({ orders: 0, items: 0 });
    expect((await totals(place, 2)).orders).toBe(COUNT + 2);
    expect(before).toBeDefined();
    expect(await place.opaqueStore.get({ pk: "example_app_order_v1#order#id#late", sk: "AGG" })).toEqual(before);
  });
});

describe("subscriptions", () => {
  let place: Place;
  const state = folder.path("state.json");
  const run = (...words: readonly string[]): Promise<CliResult> =>
    runCli(["subscriptions", ...words, "--store", place.url]);
  beforeAll(async () => {
    place = await openFile();
    await createOrder(place, "good", "c-1");
    await createOrder(place, "bad", "nobody");
    await createOrder(place, "worse", "nobody");
  });
  afterAll(() => place.close());

  it("that are parked are named, and go on once they are released", async () => {
    const broken = await buildDomain(model() + mails(false));
    const mended = await buildDomain(model() + mails(true));
    const caughtUp = await run("catch-up", "--domain", broken, "--state", state);
    expect(caughtUp).toMatchObject({ code: 3, stdout: expect.stringContaining("1 event handled") });
    expect(caughtUp.stderr).toContain(`mails@1 is parked in ${ORDERS}bad at version 1: nobody has no address`);

    expect(await run("status", "--domain", broken)).toMatchObject({ code: 3, stdout: expect.stringContaining("2") });
    const parked = await run("parked", "--domain", broken, "--json");
    expect(parked.code).toBe(3);
    expect(parked.json()).toMatchObject([
      { subscription: "mails@1", streamId: `${ORDERS}bad`, version: "1", tries: 1 },
      { subscription: "mails@1", streamId: `${ORDERS}worse`, error: expect.stringContaining("no address") },
    ]);
    expect((await run("audit", "--domain", broken, "--json")).json().at(-1)).toMatchObject({ audited: { parked: 2 } });

    const again = await run("release", "mails", `${ORDERS}bad`, "--domain", broken);
    expect(again).toMatchObject({ code: 3, stderr: expect.stringContaining("is parked again") });
    const skipped = await run("release", "mails", `${ORDERS}bad`, "--skip", "--domain", broken);
    expect(skipped).toMatchObject({ code: 0, stdout: "1 stream released: 0 events handled, 0 parked again\n" });
    const released = await run("release", "mails", "--all", "--domain", mended, "--json");
    expect(released.json()).toEqual([{ released: { streams: 1, handled: 1, parked: 0 } }]);
    expect((await run("release", "mails", `${ORDERS}bad`, "--domain", mended)).code).toBe(4);
    for (const words of [["mails"], ["mails", `${ORDERS}bad`, "--all"]]) {
      expect((await run("release", ...words, "--domain", mended)).code).toBe(2);
    }
    expect(await run("parked", "--domain", mended)).toMatchObject({ code: 0, stdout: "0 streams parked\n" });
    expect((await run("status", "--domain", mended)).code).toBe(0);
  });

  it("may be made by a function, with repositories on the store of the command", async () => {
    const domain = await buildDomain(`${model()}
      export const subscriptions = ({ store, opaqueStore }) => {
        const orders = new Repository(source, store);
        const again = (id) => orderCommands.Create({ id: "copy of " + id, customerId: "c-2", customerName: "Zoë" });
        return [defineProcess({ name: "copies", since: "beginning", from: [on(source, {
          Created: (_, { id }) => (id.startsWith("copy") ? undefined : send(orders, again(id))),
        })] })];
      };`);
    for (let i = 0; i < 2; i++) {
      expect((await run("catch-up", "--domain", domain, "--state", state)).code).toBe(0);
    }
    const orders = new Repository(order, place.store);
    expect(await orders.load("copy of good")).toMatchObject({ customerId: "c-2", version: 1n });
    expect((await run("status", "--domain", domain, "--json")).json()).toMatchObject([
      { subscription: "copies@1", kind: "process", parked: 0 },
    ]);
    expect((await run("promote", "copies", "--domain", domain)).stderr).toContain("only read models");
  });

  it("are refused when nothing says them, or says something else", async () => {
    expect(await run("status")).toMatchObject({ code: 2, stderr: expect.stringContaining("--domain") });
    const none = await buildDomain();
    expect((await run("status", "--domain", none)).stderr).toContain("exports no subscription");
    for (const more of ["{}", "[1]", "() => 7", "() => { throw new Error('no database'); }"]) {
      const domain = await buildDomain(`export const subscriptions = ${more};`);
      const refused = await run("status", "--domain", domain);
      expect(refused).toMatchObject({ code: 2, stdout: "" });
      expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    }
    const domain = await buildDomain(model() + mails(true));
    expect((await run("catch-up", "--only", "letters", "--domain", domain)).stderr).toContain("there are mails@1");
    expect((await run("drop", "mails", "--domain", domain)).stderr).toContain("has no version");
    const noTable = ["subscriptions", "status", "--domain", domain, "--store", "dynamodb:?region=eu-west-1"];
    expect(await runCli(noTable)).toMatchObject({ code: 2, stderr: expect.stringContaining("feeds=feeds") });
  });

  it("refuse to go on from a state that is missing, or of another piece of work", async () => {
    const domain = await buildDomain(model() + mails(true));
    expect((await run("catch-up", "--domain", domain, "--state", state, "--resume")).code).toBe(2);
    writeFileSync(state, `{"job":{"rebuild":"sqlite:other.db"},"progress":{}}`);
    const { code, stderr } = await run("catch-up", "--domain", domain, "--state", state, "--resume");
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("sqlite:other.db") });
  });

  it("begin anew in a copy: neither their rows nor how far they have come are exported", async () => {
    const domain = await buildDomain(`${model(1)} export const [sales1] = models;`);
    const [source, copy] = await Promise.all([openFile(), openFile()]);
    await createOrder(source, "1", "c-1");
    const catchUp = ({ url }: Place): Promise<CliResult> =>
      runCli(["subscriptions", "catch-up", "--store", url, "--domain", domain, "--state", state]);
    await catchUp(source);
    const file = folder.path("copy.jsonl");
    const exported = await runCli(["export", "--store", source.url, "-o", file, "--json"]);
    expect(exported.json()).toMatchObject([{ exported: { events: 1, rows: 2 }, subscriptionRows: 1 }]);
    expect(exported.stderr).toContain("1 row of read models and timers left out");
    const imported = await runCli(["import", file, "--store", copy.url]);
    expect(imported).toMatchObject({ code: 0, stderr: expect.stringContaining("protosource subscriptions catch-up") });
    await catchUp(copy);
    expect(await totals(copy)).toEqual({ orders: 1, items: 0 });
    for (const opened of [source, copy]) opened.close();
  });
});
