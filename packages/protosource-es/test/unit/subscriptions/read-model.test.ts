import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { queryClient } from "protosource-es/opaquedata";
import { defineReadModel, modelRows, on, Subscriptions } from "protosource-es/subscriptions";
import { expect, test } from "vitest";
import { MarkerSchema } from "../../gen/example/app/keys/v1/keys_v1_pb.js";
import { CustomerSalesSchema } from "../../gen/example/app/sales/v1/sales_v1_pb.js";
import { order } from "../../order.js";
import { orderEvent, recordOf, sales, testEvent } from "../../subscriptions/sales.js";

test("events of two aggregates make one row, each once", async () => {
  const opaqueStore = new MemoryOpaqueStore();
  const store = new MemoryStore({ opaqueStore });
  const subscriptions = new Subscriptions({ store, all: [sales()] });
  await store.save("example_app_order_v1#o1", [
    recordOf(orderEvent("Created", "o1", 1n, { customerId: "c1", customerName: "north" }), 1n),
    recordOf(orderEvent("ItemAdded", "o1", 2n, { item: { priceCents: 20n } }), 2n),
    recordOf(orderEvent("Placed", "o1", 3n), 3n),
  ]);
  await store.save("example_app_test_v1#t1", [recordOf(testEvent("Created", "t1", 1n, { body: "c1" }), 1n)]);
  const ring = { streamId: "example_app_order_v1#o1", version: 3n, kind: "saved" } as const;
  for (let i = 0; i < 3; i++) await subscriptions.deliver([ring, ring]);
  const counts = await subscriptions.catchUp();
  expect(counts).toMatchObject({ records: 4, handled: 1 });
  const rows = queryClient(CustomerSalesSchema, modelRows(opaqueStore, "sales@1"));
  expect(await rows.get("c1")).toMatchObject({ orders: 1n, items: 1n, placed: 1n, totalCents: 20n, testEvents: 1n });
  const found = await rows.select(1, { region: "north" });
  expect(found.items).toHaveLength(1);
});

test("an index holds a row with empty fields, unless one of them keeps it out by sparse_indexes", async () => {
  const opaqueStore = new MemoryOpaqueStore();
  const store = new MemoryStore({ opaqueStore });
  const markers = defineReadModel(MarkerSchema, {
    name: "markers",
    version: 1,
    from: [on(order, { Created: (_, { id, row }) => row(id, () => undefined) })],
  });
  const subscriptions = new Subscriptions({ store, all: [sales(), markers] });
  const nobody = orderEvent("Created", "o1", 1n, { customerId: "c1" });
  await store.save("example_app_order_v1#o1", [recordOf(nobody, 1n)]);
  await subscriptions.catchUp();
  const regions = queryClient(CustomerSalesSchema, modelRows(opaqueStore, "sales@1"));
  expect(await regions.get("c1")).toMatchObject({ orders: 1n });
  expect((await regions.select(1, { region: "" })).items).toEqual([]);
  const people = queryClient(MarkerSchema, modelRows(opaqueStore, "markers@1"));
  expect((await people.select(1, { person: "" })).items).toMatchObject([{ code: "o1" }]);
});
