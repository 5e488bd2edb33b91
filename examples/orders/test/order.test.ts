/** Every rule of an order, without a store: what is accepted, what is skipped, what is refused. */
import { given } from "protosource-es/testing";
import { describe, it } from "vitest";
import { State } from "../gen/example/app/order/v1/order_v1_pb.js";
import { type OrderEvent, orderCommands, orderEvents } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { ItemAlreadyThere, order } from "../src/order.js";

const created = orderEvents.Created({ customerId: "c-9", customerName: "Ann" });
const lamp = { itemId: "lamp", description: "A lamp", priceCents: 1250n, quantity: 2 };
const lampAdded = orderEvents.ItemAdded({ item: lamp });
const placed = orderEvents.Placed({ placedAt: 5n });
const cancelled = orderEvents.Cancelled({ reason: "no money" });

describe("Create", () => {
  it("opens an order", async () => {
    await given(order, [])
      .when(orderCommands.Create({ actor: "ann", customerId: "c-9", customerName: "Ann" }))
      .then([orderEvents.Created({ actor: "ann", customerId: "c-9", customerName: "Ann" })]);
  });

  it("is refused a second time", async () => {
    await given(order, [created]).when(orderCommands.Create({})).thenRefused("already_created");
  });
});

describe("AddItem", () => {
  it("adds an item", async () => {
    await given(order, [created])
      .when(orderCommands.AddItem({ item: lamp }))
      .then([orderEvents.ItemAdded({ item: lamp })]);
  });

  it("is refused for an item that is there already", async () => {
    await given(order, [created, lampAdded])
      .when(orderCommands.AddItem({ item: { ...lamp, quantity: 5 } }))
      .thenRefused(ItemAlreadyThere);
  });

  it("isn't mistaken about items whose names every object knows", async () => {
    const item = { ...lamp, itemId: "toString" };
    await given(order, [created])
      .when(orderCommands.AddItem({ item }))
      .then([orderEvents.ItemAdded({ item })]);
  });

  it("is refused for the one key that no collection can hold", async () => {
    await given(order, [created])
      .when(orderCommands.AddItem({ item: { ...lamp, itemId: "__proto__" } }))
      .thenRefused("validation_failed");
  });

  it("comes without a price and a quantity, too", async () => {
    await given(order, [created])
      .when(orderCommands.AddItem({ item: { itemId: "gift" } }))
      .then([orderEvents.ItemAdded({ item: { itemId: "gift" } })]);
  });
});

describe("RemoveItem", () => {
  it("removes an item", async () => {
    await given(order, [created, lampAdded])
      .when(orderCommands.RemoveItem({ itemId: "lamp" }))
      .then([orderEvents.ItemRemoved({ itemId: "lamp" })]);
  });

  it("is skipped for an item that isn't there", async () => {
    await given(order, [created])
      .when(orderCommands.RemoveItem({ itemId: "lamp" }))
      .thenSkipped();
  });
});

describe("the other commands", () => {
  it("emit their events", async () => {
    const draft = given(order, [created]);
    const tag = { key: "gift", value: "yes" };
    await draft.when(orderCommands.AddTag({ tag })).then([orderEvents.TagAdded({ tag })]);
    await draft.when(orderCommands.RemoveTag({ key: "gift" })).then([orderEvents.TagRemoved({ key: "gift" })]);
    await draft
      .when(orderCommands.SetShipping({ shippingAddress: "1 Main St" }))
      .then([orderEvents.ShippingSet({ shippingAddress: "1 Main St" })]);
    await draft.when(orderCommands.Place({ placedAt: 5n })).then([placed]);
    await draft.when(orderCommands.Cancel({ reason: "no money" })).then([cancelled]);
  });

  it("know billing in any state, once there is an order", async () => {
    const billing = { method: "card", reference: "4711" };
    for (const past of [[created], [created, placed], [created, cancelled]]) {
      await given(order, past)
        .when(orderCommands.SetBilling({ billing }))
        .then([orderEvents.BillingSet({ billing })]);
    }
    await given(order, []).when(orderCommands.SetBilling({ billing })).thenRefused("not_created");
  });
});

describe("a placed order", () => {
  const past: readonly OrderEvent[] = [created, lampAdded, placed];

  it("isn't changed any more", async () => {
    for (const command of [
      orderCommands.AddItem({ item: { ...lamp, itemId: "chair" } }),
      orderCommands.RemoveItem({ itemId: "lamp" }),
      orderCommands.AddTag({ tag: { key: "gift" } }),
      orderCommands.RemoveTag({ key: "gift" }),
      orderCommands.SetShipping({ shippingAddress: "1 Main St" }),
      orderCommands.Place({ placedAt: 6n }),
    ]) {
      await given(order, past).when(command).thenRefused("state_not_allowed");
    }
  });

  it("is paid, shipped and delivered, in this order", async () => {
    const steps = [
      [orderCommands.Pay({}), orderEvents.Paid({})],
      [orderCommands.Ship({}), orderEvents.Shipped({})],
      [orderCommands.Deliver({}), orderEvents.Delivered({})],
    ] as const;
    const done: OrderEvent[] = [...past];
    for (const [i, [command, event]] of steps.entries()) {
      for (const [other] of steps.toSpliced(i, 1)) {
        await given(order, done).when(other).thenRefused("state_not_allowed");
      }
      await given(order, done).when(command).then([event]);
      done.push(event);
    }
    given(order, done).then({ state: State.DELIVERED });
  });

  it("can be cancelled, once", async () => {
    await given(order, past)
      .when(orderCommands.Cancel({ reason: "no money" }))
      .then([cancelled]);
    await given(order, [...past, cancelled])
      .when(orderCommands.Cancel({}))
      .thenRefused("state_not_allowed");
  });
});

describe("the state", () => {
  it("counts the items and adds up their prices", () => {
    given(order, [created]).then({ itemCount: 0, totalCents: 0n });
    const chair = orderEvents.ItemAdded({ item: { itemId: "chair", priceCents: 4_900n, quantity: 1 } });
    given(order, [created, lampAdded, chair]).then({ itemCount: 2, totalCents: 7_400n });
    given(order, [created, lampAdded, chair, orderEvents.ItemRemoved({ itemId: "lamp" })]).then({
      itemCount: 1,
      totalCents: 4_900n,
    });
  });

  it("forgets billing that is cleared", () => {
    const billed = [created, orderEvents.BillingSet({ billing: { method: "card" } })];
    given(order, billed).then({ billing: { method: "card" } });
    given(order, [...billed, orderEvents.BillingCleared({})]).then({ billing: undefined });
  });

  it("is shown in the summary", () => {
    given(order, [created, lampAdded, placed]).thenProjection("OrderSummary", {
      state: State.PLACED,
      customerName: "Ann",
      itemCount: 1,
      totalCents: 2_500n,
      placedAt: 5n,
    });
  });
});
