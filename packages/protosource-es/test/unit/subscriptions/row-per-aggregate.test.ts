import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { queryClient } from "protosource-es/opaquedata";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { defineReadModel, modelRows, on, type ReadModel, Subscriptions } from "protosource-es/subscriptions";
import { describe, expect, test } from "vitest";
import { type CustomerSales, CustomerSalesSchema } from "../../gen/example/app/sales/v1/sales_v1_pb.js";
import { order } from "../../order.js";
import { orderEvent, recordOf, testAggregate } from "../../subscriptions/sales.js";

const O1 = "example_app_order_v1#o1";

/** Counts the items of an order in its own row; a removal of an item of "x" goes to the row of another one. */
function itemCounts(version = 1): ReadModel<CustomerSales> {
  return defineReadModel(CustomerSalesSchema, {
    name: "item-counts",
    version,
    rowPerAggregate: true,
    from: [
      on(order, {
        ItemAdded: (_, { id, row }) => {
          row(id, (counts) => {
            counts.items += 1n;
          });
        },
        ItemRemoved: (_, { row }) => row("o2", () => {}),
        Cancelled: (_, { id, remove }) => remove(id),
      }),
    ],
  });
}

test("rows of several aggregates, or of keys of other fields, are refused", () => {
  const from = [on(order, {}), on(testAggregate, {})];
  const define = () => defineReadModel(CustomerSalesSchema, { name: "two", version: 1, rowPerAggregate: true, from });
  expect(define).toThrow(expect.objectContaining({ code: "invalid_argument" }));
});

describe.each(["memory", "sqlite"] as const)("a row for each aggregate on %s", (kind) => {
  function open() {
    const database = openSqlite(":memory:");
    const opaqueStore = kind === "memory" ? new MemoryOpaqueStore() : new SqliteOpaqueStore(database);
    const store = kind === "memory" ? new MemoryStore({ opaqueStore }) : new SqliteStore(database, { opaqueStore });
    const model = itemCounts();
    const subscriptions = new Subscriptions({ store, all: [model] });
    const items = async () =>
      (await queryClient(CustomerSalesSchema, modelRows(opaqueStore, "item-counts@1")).get("o1"))?.items;
    const save = (first: bigint, ...kinds: Parameters<typeof orderEvent>[0][]) =>
      store.save(
        O1,
        kinds.map((one, i) => {
          const version = first + BigInt(i);
          const fields = one === "ItemAdded" ? { item: { priceCents: 1n } } : {};
          return recordOf(orderEvent(one, "o1", version, fields), version);
        }),
      );
    return { store, opaqueStore, subscriptions, model, items, save };
  }

  test("counts each event once, also when the row goes and comes again, and is dropped with its position", async () => {
    const { store, opaqueStore, subscriptions, model, items, save } = open();
    await save(1n, "Created", "ItemAdded", "ItemAdded");
    await subscriptions.catchUp();
    await new Subscriptions({ store, all: [model] }).catchUp();
    expect(await items()).toBe(2n);
    await save(4n, "Cancelled");
    await subscriptions.catchUp();
    await new Subscriptions({ store, all: [model] }).catchUp();
    expect(await items()).toBeUndefined();
    await save(5n, "ItemAdded");
    await subscriptions.catchUp();
    expect(await items()).toBe(1n);
    expect(await subscriptions.reached(model, { streamId: O1, version: 5n })).toBe(true);
    expect(await subscriptions.audit()).toMatchObject({ behind: [], ahead: [], parked: [] });
    await subscriptions.promote(model);
    const next = new Subscriptions({ store, opaqueStore, all: [itemCounts(2)] });
    await next.catchUp();
    await next.promote(itemCounts(2));
    expect(await next.drop("item-counts", 1)).toMatchObject({ rows: 1, positions: 1 });
    expect(await items()).toBeUndefined();
    expect((await store.scanPositions("item-counts@1")).positions).toEqual([]);
  });

  test("parks an event that changes another row, and goes on behind it with what the row held", async () => {
    const { subscriptions, items, save } = open();
    await save(1n, "Created", "ItemAdded", "ItemRemoved", "ItemAdded");
    await subscriptions.catchUp();
    expect(await items()).toBe(1n);
    for await (const { streamId, parked, subscription } of subscriptions.parked()) {
      expect(parked).toMatchObject({ version: 3n, error: expect.stringMatching(/rowPerAggregate/) });
      await subscriptions.release({ subscription, streamId, skip: true });
    }
    expect(await items()).toBe(2n);
  });
});
