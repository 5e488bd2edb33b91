/** Several aggregates that change together, while writers race and answers get lost: on every store. */
import { commandFor, Repository, type RepositoryOptions, type RepositoryStore } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore } from "protosource-es/dynamodb";
import { MemoryStore } from "protosource-es/memory";
import { SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { behindProxy, engines } from "../engines.js";
import { type OrderTypes, orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { defineTest, type TestTypes, testCommands } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../order.js";
import { testFolder } from "./sqlite/drivers.js";

const WRITERS = 4;
const TIMES = 6;
const by = { actor: "ann" };

/** Applies `both` from several writers at once, and checks that each of its commands was stored as often as it succeeded. */
async function raceOn(openStore: () => RepositoryStore, options: RepositoryOptions, id: string): Promise<void> {
  const open = (): { orders: Repository<OrderTypes>; tests: Repository<TestTypes> } => {
    const store = openStore();
    return {
      orders: new Repository(order, store, { retries: 60, ...options }),
      tests: new Repository(defineTest(), store, { retries: 60, ...options }),
    };
  };
  const { orders, tests } = open();
  await orders.applyAll(
    [
      commandFor(orders, orderCommands.Create({ customerId: "c-9" }), { id }),
      commandFor(tests, testCommands.Create({ body: "hello" }), { id }),
    ],
    by,
  );
  const writer = async (name: number): Promise<void> => {
    const own = open();
    for (let i = 0; i < TIMES; i++) {
      const [added, updated] = await own.orders.applyAll(
        [
          commandFor(own.orders, orderCommands.AddTag({ tag: { key: `${name}-${i}` } }), { id }),
          commandFor(own.tests, testCommands.Update({ body: `${name}-${i}` }), { id }),
        ],
        { ...by, commandId: `${id} ${name}-${i}` },
      );
      expect([added.repeated, updated.repeated]).toEqual([false, false]);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, name) => writer(name)));
  const added = (await orders.history(id)).flatMap((event) => ("tag" in event ? [event.tag?.key] : []));
  const updated = (await tests.history(id)).slice(2).flatMap((event) => ("body" in event ? [event.body] : []));
  // The same commands in the same order: each pair was one transaction.
  expect(added).toHaveLength(WRITERS * TIMES);
  expect(new Set(added).size).toBe(WRITERS * TIMES);
  expect(updated).toEqual(added);
}

describe.each(
  engines.flatMap((engine) =>
    (["compatible", "packed"] as const).map((layout) => ({ engine, layout, name: `${engine.name}, ${layout}` })),
  ),
)("on $name", async ({ engine, layout }) => {
  const { eventsTable, aggregatesTable, proxy, client } = await behindProxy(engine);
  const openStore = () => {
    const opaqueStore = new DynamoDBOpaqueStore(client, { table: aggregatesTable });
    return new DynamoDBStore(client, { eventsTable, opaqueStore, layout });
  };
  let writes: number;
  beforeEach(() => {
    writes = 0;
    const fates = ["lose answer", "pass", "fail after", "pass", "reset"] as const;
    proxy.decide(({ operation }) => (operation === "TransactWriteItems" ? (fates[writes++ % 5] ?? "pass") : "pass"));
  });

  test.each(["best-effort", "transactional"] as const)("with %s rows", async (materialize) => {
    await raceOn(openStore, { materialize }, `o-${materialize}`);
    expect(writes).toBeGreaterThan(WRITERS * TIMES);
  });

  test("is one request for the events of both", async () => {
    const store = openStore();
    const orders = new Repository(order, store, { materialize: "off" });
    const tests = new Repository(defineTest(), store, { materialize: "off" });
    const sent: unknown[] = [];
    proxy.decide(({ operation, body }) => {
      if (operation === "TransactWriteItems") sent.push(body["TransactItems"]);
      return "pass";
    });
    const create = commandFor(orders, orderCommands.Create({}), { id: "once" });
    await orders.applyAll([create, commandFor(tests, testCommands.Create({}), { id: "once" })], by);
    expect(sent).toEqual([expect.objectContaining({ length: layout === "packed" ? 2 : 3 })]);
  });
});

const folder = testFolder();
afterAll(() => folder.remove());

describe.each([
  ["in memory", new MemoryStore()],
  ["in SQLite", new SqliteStore(folder.open("together.db"))],
] as const)("%s", (_, store) => {
  test.each(["best-effort", "transactional"] as const)("with %s rows", async (materialize) => {
    await raceOn(() => store, { materialize }, `o-${materialize}`);
  });
});
