/** What becomes of an order when networks and services fail: faults in a user's own tests. */
import { randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { engineClient } from "@protosource-es/engines";
import type {} from "@protosource-es/engines/global-setup";
import { Repository } from "protosource-es";
import { DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { type FaultProxy, randomFaults, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../src/order.js";

const actor = "ann";
const eventsTable = `events-${randomUUID()}`;
const addItem = (itemId: string) => orderCommands.AddItem({ item: { itemId, priceCents: 100n, quantity: 1 } });

describe.each(inject("engines"))("an order on $name", ({ endpoint }) => {
  let proxy: FaultProxy;
  let client: DynamoDBClient;
  let orders: Repository<OrderTypes>;
  let id: string;

  beforeAll(async () => {
    proxy = await startFaultProxy(endpoint);
    client = engineClient(proxy.endpoint);
    await ensureTables(client, { eventsTable, aggregatesTable: `aggregates-${randomUUID()}` });
    const store = new DynamoDBStore(client, { eventsTable, timeLimits: { attemptMs: 300 } });
    orders = new Repository(order, store, { newId: randomUUID, materialize: "off", retries: 20 });
  });
  afterAll(async () => {
    client.destroy();
    await proxy.close();
  });
  beforeEach(async () => {
    proxy.decide(() => "pass");
    ({ id } = await orders.apply(orderCommands.Create({ customerId: "c-9" }), { actor }));
  });

  it("takes an item once, though the answer is lost", async () => {
    let left = 1;
    proxy.decide(({ operation }) => (operation === "PutItem" && left-- > 0 ? "lose answer" : "pass"));
    await orders.apply(addItem("lamp"), { id, actor });
    expect(left).toBeLessThan(0);
    expect(await orders.history(id)).toHaveLength(2);
  });

  it("takes each of many items once, whatever happens", async () => {
    const faults = randomFaults({ seed: 7, rate: 0.4, lateMs: 500 });
    proxy.decide(faults.fateOf);
    for (let i = 0; i < 20; i++) await orders.apply(addItem(`item ${i}`), { id, actor });
    expect(faults.counts.size).toBeGreaterThan(3);
    proxy.decide(() => "pass");
    expect((await orders.load(id)).itemCount).toBe(20);
    expect(await orders.history(id)).toHaveLength(21);
  });
});
