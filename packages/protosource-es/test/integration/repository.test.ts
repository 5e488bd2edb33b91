/** The repository on real engines: what only a store with conditions, transactions and items of a limited size shows. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Repository, type RepositoryOptions } from "protosource-es";
import {
  DynamoDBOpaqueStore,
  DynamoDBStore,
  type DynamoDBStoreOptions,
  ensureTables,
  type ObservedRequest,
} from "protosource-es/dynamodb";
import { queryClient } from "protosource-es/opaquedata";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { engines, freshTables } from "../engines.js";
import { failure } from "../failure.js";
import { OrderSummaryQueries, orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { defineTest, testCommands } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../order.js";

const create = orderCommands.Create({ customerId: "c-9" });
const tag = (key: string, value = "v") => orderCommands.AddTag({ tag: { key, value } });

/** Text that gzip can't shrink much. */
const noise = (length: number): string =>
  Array.from({ length }, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join("");

describe.each(engines)("a repository on $name", (engine) => {
  const tables = freshTables();
  const clients: DynamoDBClient[] = [];
  const { eventsTable, aggregatesTable: table } = tables;

  function connect(options: DynamoDBStoreOptions = {}): { store: DynamoDBStore; opaqueStore: DynamoDBOpaqueStore } {
    const client = engine.client();
    clients.push(client);
    const opaqueStore = new DynamoDBOpaqueStore(client, { table, clock: options.clock });
    return { store: new DynamoDBStore(client, { eventsTable, opaqueStore, ...options }), opaqueStore };
  }

  const open = (options?: RepositoryOptions) => new Repository(order, connect().store, options);

  beforeAll(async () => {
    const client = engine.client();
    clients.push(client);
    await ensureTables(client, tables);
  });
  afterAll(() => {
    for (const client of clients) client.destroy();
  });

  test("a command whose row the table would never take is refused before it is saved, and the next one has its row", async () => {
    const { store, opaqueStore } = connect();
    const logger = { warn: vi.fn() };
    const orders = new Repository(order, store, { logger });
    const options = { id: "large-row", actor: "ann" };
    const long = orderCommands.Create({ customerId: "ü".repeat(1100) });
    expect(await failure(orders.apply(long, options))).toMatchObject({
      code: "too_large",
      details: { what: "gsi1pk", limit: 2048 },
    });
    await orders.apply(create, options);
    await orders.apply(tag("a", noise(300_000)), options);
    expect(await failure(orders.apply(tag("b", noise(300_000)), options))).toMatchObject({
      code: "too_large",
      details: { what: "the row of example.app.order.v1.Order", limit: 409_600 },
    });
    await orders.apply(tag("c"), options);
    const row = await queryClient(order.schema, opaqueStore).get("large-row", { consistent: true });
    expect(row).toMatchObject({ version: 3n });
    expect(Object.keys(row?.tags ?? {})).toEqual(["a", "c"]);
    expect(logger.warn).not.toHaveBeenCalled();

    const lenient = new Repository(order, store, { logger, longIndexKeys: "omit" });
    await lenient.apply(long, { id: "long-key", actor: "ann" });
    expect(await queryClient(order.schema, opaqueStore).get("long-key", { consistent: true })).toBeDefined();
    expect(logger.warn).not.toHaveBeenCalled();
  });

  test.each(["compatible", "packed"] as const)(
    "a warm command without a guard is one request and one write unit: %s",
    async (layout) => {
      const requests: ObservedRequest[] = [];
      const { store } = connect({ layout, onRequest: (request) => requests.push(request) });
      const orders = new Repository(order, store, { materialize: "off", cache: new Map(), guardCache: false });
      const options = { id: `warm-${layout}`, actor: "ann" };
      await orders.apply(create, options);
      requests.length = 0;
      for (const key of ["a", "b", "c"]) await orders.apply(tag(key), options);
      const spent = requests.map(({ operation, writeUnits, readUnits }) => [operation, writeUnits, readUnits ?? 0]);
      expect(spent).toEqual(Array(3).fill(["PutItem", 1, 0]));
      // Another process was faster: a second try finds it.
      await open().apply(tag("d"), options);
      requests.length = 0;
      expect((await orders.apply(tag("e"), options)).version).toBe(6n);
      expect(requests.map(({ operation }) => operation)).toEqual(["PutItem", "Query", "PutItem"]);
    },
  );

  test.each([
    ["compatible", []],
    ["packed", [["Query", 0, 1]]],
  ] as const)("a guarded warm command pays for its last record, too: %s", async (layout, look) => {
    const requests: ObservedRequest[] = [];
    const { store } = connect({ layout, onRequest: (request) => requests.push(request) });
    const orders = new Repository(order, store, { materialize: "off", cache: new Map() });
    const options = { id: `guarded-${layout}`, actor: "ann" };
    await orders.apply(create, options);
    requests.length = 0;
    await orders.apply(tag("a"), options);
    const spent = requests.map(({ operation, writeUnits, readUnits }) => [operation, writeUnits ?? 0, readUnits ?? 0]);
    // DynamoDB Local counts no conditions.
    const writeUnits = engine.name === "dynamodb-local" ? 2 : 4;
    expect(spent).toEqual([...look, ["TransactWriteItems", writeUnits, 0]]);
  });

  test("a command may load for half the price", async () => {
    const requests: ObservedRequest[] = [];
    const { store } = connect({ onRequest: (request) => requests.push(request) });
    await open().apply(create, { id: "eventual", actor: "ann" });
    const orders = new Repository(order, store, { materialize: "off", consistency: "eventual" });
    expect((await orders.apply(tag("a"), { id: "eventual", actor: "ann" })).version).toBe(2n);
    expect(requests[0]).toMatchObject({ operation: "Query", readUnits: 0.5 });
  });

  test("two writers lose nothing and double nothing", async () => {
    const [a, b] = [open(), open()];
    await a.apply(create, { id: "contended", actor: "ann" });
    await Promise.all(
      [a, b].map(async (orders, w) => {
        for (let i = 0; i < 15; i++) await orders.apply(tag(`${w}-${i}`), { id: "contended", actor: "ann" });
      }),
    );
    expect(Object.keys((await a.load("contended")).tags)).toHaveLength(30);
    expect(await b.history("contended")).toHaveLength(31);
  });

  test("events and rows in one transaction", async () => {
    const { store, opaqueStore } = connect();
    const orders = new Repository(order, store, { materialize: "transactional" });
    await orders.apply([create, tag("a")], { id: "whole", actor: "ann" });
    const summaries = new OrderSummaryQueries(opaqueStore);
    expect(await summaries.get("whole", { consistent: true })).toMatchObject({ customerId: "c-9" });
    const many = Array.from({ length: 98 }, (_, i) => tag(`k${i}`));
    const error = await failure(orders.apply(many, { id: "whole", actor: "ann" }));
    expect(error).toMatchObject({ code: "too_large" });
    expect((await orders.load("whole")).version).toBe(2n);
  });

  test("a snapshot that is too large for an item", async () => {
    const tags = [tag("a", noise(250_000)), tag("b", noise(250_000))];
    const fill = Array.from({ length: 47 }, (_, i) => tag(`k${i}`));
    const options = { id: "large", actor: "ann" };
    const shared = open({ materialize: "off" });
    await shared.apply([create, tags[0] as never, ...fill], options);
    expect(await failure(shared.apply(tags[1] as never, options))).toMatchObject({
      code: "too_large",
      details: { what: "snapshot" },
    });
    const warnings: string[] = [];
    const alone = open({
      materialize: "off",
      sharedWithGo: false,
      logger: { warn: (message) => warnings.push(message) },
    });
    expect((await alone.apply(tags[1] as never, options)).version).toBe(50n);
    expect(warnings).toHaveLength(1);
    expect((await alone.apply(tag("last"), options)).version).toBe(51n);
    expect(Object.keys((await alone.load("large")).tags)).toHaveLength(50);
  });

  test("more commands than a transaction of the compatible layout holds, packed", async () => {
    const orders = new Repository(order, connect({ layout: "packed" }).store);
    const many = Array.from({ length: 150 }, (_, i) => tag(`k${i}`));
    const { version } = await orders.apply([create, ...many], { id: "packed", actor: "ann" });
    expect(version).toBe(154n);
    expect((await open().apply(tag("plain"), { id: "packed", actor: "ann" })).version).toBe(155n);
    expect(Object.keys((await orders.load("packed")).tags)).toHaveLength(151);
  });

  test.each(["compatible", "packed"] as const)("one large event is compressed: %s", async (layout) => {
    const orders = new Repository(order, connect({ layout }).store, { materialize: "off" });
    const customerName = "Ann ".repeat(200_000);
    const id = `one-${layout}`;
    await orders.apply(orderCommands.Create({ customerId: "c-9", customerName }), { id, actor: "ann" });
    expect((await orders.load(id)).customerName).toBe(customerName);
  });

  test("a life that has expired, and the next one", async () => {
    const clock = new FakeClock();
    const cards = new Repository(defineTest(), connect({ clock }).store, { clock });
    const options = { id: "brief", actor: "ann" };
    await cards.apply(testCommands.Create({ body: "first" }), options);
    await cards.apply(testCommands.Update({ body: "second" }), options);
    clock.advanceSeconds(86_400);
    expect(await failure(cards.load("brief"))).toMatchObject({ code: "not_found", details: { reason: "expired" } });
    expect((await cards.apply(testCommands.Create({ body: "third" }), options)).version).toBe(7n);
    expect(await cards.load("brief")).toMatchObject({ body: "third", version: 7n });
  });
});
