/** Values that one aggregate at a time has: taken and freed by the commands themselves. */
import { isProtosourceError, Repository, type RepositoryOptions } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import type { Order } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { defineOrder, orderCommands, orderEvents } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { defineTest, testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";

const SCOPE = "example.app.order.v1.Order";

/** Each customer has one order, and each tag is on one. */
const unique = defineOrder({
  unique: {
    customer: ({ customerId }) => customerId.toLowerCase(),
    tags: ({ tags }) => Object.keys(tags),
  },
});
const create = (customerId: string) => orderCommands.Create({ customerId });
const tag = (key: string) => orderCommands.AddTag({ tag: { key, value: "v" } });

function scene(options: RepositoryOptions = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  return { clock, store, orders: new Repository(unique, store, { clock, ...options }) };
}

const as = (id: string) => ({ id, actor: "ann" });

describe("a unique value", () => {
  test("is one aggregate's: a second one is refused, whole", async () => {
    const { orders, store } = scene();
    await orders.apply(create("Ann@example.org"), as("o-1"));
    const error = await failure(orders.apply(create("ann@EXAMPLE.org"), as("o-2")));
    expect(isProtosourceError(error, "claim_taken") && error.details).toEqual({
      scope: `${SCOPE}.customer`,
      owner: "example_app_order_v1#o-1",
    });
    expect(String(error)).not.toMatch(/ann@/i);
    expect((await store.load("example_app_order_v1#o-2")).records).toEqual([]);
    await orders.apply(create("bob"), as("o-2"));
  });

  test("of writers that take it at once, one wins", async () => {
    const { orders } = scene();
    const ids = Array.from({ length: 8 }, (_, i) => `o-${i}`);
    const outcomes = await Promise.allSettled(ids.map((id) => orders.apply(create("ann"), as(id))));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "claim_taken" });
    }
  });

  test("is free again once the aggregate doesn't have it any more", async () => {
    const { orders } = scene();
    await orders.apply([create("ann"), tag("red"), tag("blue")], as("o-1"));
    await orders.apply(create("bob"), as("o-2"));
    expect(await failure(orders.apply(tag("red"), as("o-2")))).toMatchObject({ code: "claim_taken" });
    await orders.apply(orderCommands.RemoveTag({ key: "red" }), as("o-1"));
    await orders.apply(tag("red"), as("o-2"));
    expect(await failure(orders.apply(tag("red"), as("o-1")))).toMatchObject({ code: "claim_taken" });
    expect(await failure(orders.apply(tag("blue"), as("o-2")))).toMatchObject({ code: "claim_taken" });
  });

  test("that is taken and freed by one call is nobody's", async () => {
    const { orders, store } = scene();
    await orders.apply([create("ann"), tag("red"), orderCommands.RemoveTag({ key: "red" })], as("o-1"));
    expect(await store.findClaim(`${SCOPE}.tags`, "red")).toBeUndefined();
  });

  test("that is empty or missing is none", async () => {
    const { orders } = scene();
    await orders.apply(create("nobody"), as("o-1"));
    const none = new Repository(
      defineOrder({ unique: { a: () => "", b: () => undefined, c: () => [] } }),
      scene().store,
    );
    await none.apply(create("x"), as("o-1"));
    await none.apply(create("x"), as("o-2"));
  });

  test("belongs to imported events, too", async () => {
    const { orders, store } = scene();
    const source = scene().orders;
    await source.apply([create("ann"), tag("red")], as("o-1"));
    await orders.save("o-1", await source.history("o-1"));
    expect(await store.findClaim(`${SCOPE}.tags`, "red")).toMatchObject({ owner: "example_app_order_v1#o-1" });
    expect(await failure(orders.apply(create("ann"), as("o-2")))).toMatchObject({ code: "claim_taken" });
  });

  test("is taken in one transaction, which holds 100 records and values, on every store", async () => {
    const { orders } = scene();
    const tags = Array.from({ length: 100 }, (_, i) => orderEvents.TagAdded({ tag: { key: `t${i}`, value: "v" } }));
    const shipping = Array.from({ length: 100 }, () => orderEvents.ShippingSet({ shippingAddress: "x" }));
    const created = orderEvents.Created({ customerId: "ann" });
    for (const events of [
      [created, ...shipping],
      [created, ...tags.slice(0, 50)],
    ]) {
      expect(await failure(orders.save("o-1", events))).toMatchObject({
        code: "too_large",
        details: { what: "command", limit: 100 },
      });
    }
    expect(await orders.history("o-1")).toEqual([]);
    await orders.save("o-1", [created, ...tags.slice(0, 40)]);
    expect((await orders.save("o-1", [...shipping, ...shipping])).version).toBeGreaterThan(241n);
  });

  test("lasts as long as a stream that expires", async () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const cards = new Repository(defineTest({ unique: { body: ({ body }) => body } }), store, { clock });
    await cards.apply(testCommands.Create({ body: "b" }), as("t-1"));
    clock.advanceSeconds(86_399);
    await cards.apply(testCommands.Update({ body: "b" }), as("t-1"));
    clock.advanceSeconds(86_399);
    expect(await failure(cards.apply(testCommands.Create({ body: "b" }), as("t-2")))).toMatchObject({
      code: "claim_taken",
    });
    clock.advanceSeconds(1);
    await cards.apply(testCommands.Create({ body: "b" }), as("t-2"));
  });

  test("needs a store that keeps claims, and a rule that gives text at once", async () => {
    const { store } = scene();
    const plain = { save: store.save.bind(store), load: store.load.bind(store) };
    expect(() => new Repository(unique, plain)).toThrow(
      expect.objectContaining({ code: "not_configured", details: { option: "unique" } }),
    );
    for (const wrong of [() => 7, async () => "a", (order: Order) => [order.id, undefined]]) {
      const orders = new Repository(defineOrder({ unique: { wrong: wrong as unknown as () => string } }), store);
      expect(await failure(orders.apply(create("ann"), as("o-9")))).toMatchObject({
        code: "invalid_argument",
        details: { argument: "unique.wrong" },
      });
    }
  });
});
