import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { queryClient } from "protosource-es/opaquedata";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { defineReadModel, modelRows, on, Subscriptions } from "protosource-es/subscriptions";
import { describe, expect, test } from "vitest";
import { CustomerSalesSchema } from "../../gen/example/app/sales/v1/sales_v1_pb.js";
import { order } from "../../order.js";
import { orderEvent, recordOf } from "../../subscriptions/sales.js";

const STREAMS = 120;

/** Counts the orders of each customer; an order of "nobody" can't be handled, and one of "all…" changes 60 rows. */
const counts = defineReadModel(CustomerSalesSchema, {
  name: "counts",
  version: 1,
  from: [
    on(order, {
      Created: ({ customerId }, { row }) => {
        if (customerId === "nobody") throw new Error("an order of nobody");
        const ids = customerId.startsWith("all")
          ? Array.from({ length: 60 }, (_, i) => `${customerId} ${i}`)
          : [customerId];
        for (const id of ids) {
          row(id, (counts) => {
            counts.orders += 1n;
          });
        }
      },
    }),
  ],
});

describe.each(["memory", "sqlite"] as const)("streams that wait together, on %s", (kind) => {
  async function deliverAll(customerOf: (i: number) => string) {
    const database = openSqlite(":memory:");
    const opaqueStore = kind === "memory" ? new MemoryOpaqueStore() : new SqliteOpaqueStore(database);
    const store = kind === "memory" ? new MemoryStore({ opaqueStore }) : new SqliteStore(database, { opaqueStore });
    const doorbells = await Promise.all(
      Array.from({ length: STREAMS }, async (_, i) => {
        const id = `o${i}`;
        const streamId = `example_app_order_v1#${id}`;
        const records = [recordOf(orderEvent("Created", id, 1n, { customerId: customerOf(i) }), 1n)];
        await store.save(streamId, records);
        return { streamId, version: 1n, kind: "saved", records } as const;
      }),
    );
    let transactions = 0;
    const saveAll = store.saveAll.bind(store);
    store.saveAll = (...args) => {
      transactions++;
      return saveAll(...args);
    };
    const subscriptions = new Subscriptions({ store, opaqueStore, all: [counts] });
    const delivery = await subscriptions.deliver(doorbells);
    const rows = queryClient(CustomerSalesSchema, modelRows(opaqueStore, "counts@1"));
    const ordersOf = async (id: string): Promise<bigint> => (await rows.get(id))?.orders ?? 0n;
    return { delivery, transactions, ordersOf, subscriptions };
  }

  test("share a transaction", async () => {
    const { delivery, transactions, ordersOf } = await deliverAll((i) => `c${i % 2}`);
    expect(delivery).toMatchObject({ handled: STREAMS, parked: 0, failures: [] });
    expect([await ordersOf("c0"), await ordersOf("c1")]).toEqual([60n, 60n]);
    expect(transactions).toBeLessThanOrEqual(STREAMS / 8);
  });

  test("don't share what one of them fails with", async () => {
    const { delivery, ordersOf, subscriptions } = await deliverAll((i) => (i === 5 ? "nobody" : "c"));
    expect(delivery).toMatchObject({ handled: STREAMS - 1, parked: 1, failures: [] });
    expect(await ordersOf("c")).toBe(BigInt(STREAMS - 1));
    for await (const { streamId } of subscriptions.parked()) expect(streamId).toBe("example_app_order_v1#o5");
  });

  test("are handled one after the other where their rows are too many for a transaction", async () => {
    const { delivery, ordersOf } = await deliverAll((i) => (i % 3 === 0 ? `all${i % 9}` : `c${i}`));
    expect(delivery).toMatchObject({ handled: STREAMS, parked: 0, failures: [] });
    const customers = ["all0 0", "all3 0", "all6 59", "c1"];
    expect(await Promise.all(customers.map(ordersOf))).toEqual([14n, 13n, 13n, 1n]);
  });
});
