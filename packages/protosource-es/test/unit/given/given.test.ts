import { ProtosourceError } from "protosource-es";
import { FakeClock, given } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { State } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { defineOrder, orderCommands, orderEvents } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { ItemAlreadyThere, order } from "../../order.js";
import { unhandledRejection } from "../../rejection.js";

const created = orderEvents.Created({ customerId: "c-9", customerName: "Zoë" });
const lamp = { itemId: "i-1", description: "lamp", priceCents: 1250n, quantity: 2 };
const lampAdded = orderEvents.ItemAdded({ item: lamp });

/** What a failed expectation says. */
function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing failed");
}

describe("given, when, then", () => {
  test("passes for the events that the command emits", async () => {
    await given(order, [created])
      .when(orderCommands.AddItem({ item: lamp }))
      .then([lampAdded]);
    await given(order, [])
      .when(orderCommands.Create({ customerId: "c-9", customerName: "Zoë" }))
      .then([created]);
  });

  test("fills in ids, versions, times and actors, and compares those that are expected", async () => {
    const clock = new FakeClock(5_000_000n);
    await given(order, [created, lampAdded], { clock, id: "o-7", actor: "ann" })
      .when(orderCommands.Place({ placedAt: 1n }))
      .then([orderEvents.Placed({ id: "o-7", version: 3n, at: 5_000_000n, actor: "ann", placedAt: 1n })]);
    await given(order, [orderEvents.Created({ id: "o-1", version: 7n })])
      .when(orderCommands.Place({ actor: "bob" }))
      .then([orderEvents.Placed({ id: "o-1", version: 8n, actor: "bob" })]);
    expect(() =>
      given(order, [created])
        .when(orderCommands.Place({}))
        .then([orderEvents.Placed({ actor: "bob" })]),
    ).toThrow('event 1, Placed: actor: expected "bob", got "someone"');
  });

  test("says of each event and field what differs", () => {
    const expected = [
      orderEvents.ItemAdded({ item: { ...lamp, priceCents: 1300n, description: "" } }),
      orderEvents.Placed({ placedAt: 3n }),
    ];
    expect(
      message(() =>
        given(order, [created])
          .when(orderCommands.AddItem({ item: lamp }))
          .then(expected),
      ),
    ).toBe(
      [
        "AddItem emitted other events than expected:",
        'event 1, ItemAdded: item.description: expected "", got "lamp"',
        "event 1, ItemAdded: item.priceCents: expected 1300n, got 1250n",
        'event 2: expected Placed {"placedAt":"3"}, got none',
      ].join("\n  "),
    );
    expect(message(() => given(order, [created]).when(orderCommands.Place({})).then([]))).toContain(
      "event 1: expected none, got Placed",
    );
    expect(message(() => given(order, [created]).when(orderCommands.Place({})).then([lampAdded]))).toContain(
      "event 1: expected ItemAdded",
    );
    expect(message(() => given(order, [created]).when(orderCommands.AddItem({})).then([lampAdded]))).toMatch(
      /item: expected LineItem \{.*\}, got nothing/,
    );
  });

  test("passes an error through that isn't expected", () => {
    expect(() =>
      given(order, [created, lampAdded])
        .when(orderCommands.AddItem({ item: lamp }))
        .then([lampAdded]),
    ).toThrow(ItemAlreadyThere);
  });

  test("thenSkipped", async () => {
    await given(order, [created])
      .when(orderCommands.RemoveItem({ itemId: "i-7" }))
      .thenSkipped();
    expect(() =>
      given(order, [created, lampAdded])
        .when(orderCommands.RemoveItem({ itemId: "i-1" }))
        .thenSkipped(),
    ).toThrow("expected RemoveItem to be skipped, but it emitted ItemRemoved");
  });

  test("thenRefused, by class and by code", async () => {
    const again = given(order, [created, lampAdded]);
    await again.when(orderCommands.AddItem({ item: lamp })).thenRefused(ItemAlreadyThere);
    await again.when(orderCommands.Create({})).thenRefused("already_created");
    await again.when(orderCommands.Create({})).thenRefused(ProtosourceError);
    await given(order, []).when(orderCommands.Place({})).thenRefused("not_created");
    await given(order, [created, orderEvents.Placed({})])
      .when(orderCommands.AddItem({ item: lamp }))
      .thenRefused("state_not_allowed");
    expect(() => again.when(orderCommands.Create({})).thenRefused("not_created")).toThrow(
      /expected Create to be refused with not_created, but the error was .*already_created/,
    );
    expect(() => again.when(orderCommands.Create({})).thenRefused(ItemAlreadyThere)).toThrow(/with ItemAlreadyThere/);
    expect(() => again.when(orderCommands.Place({})).thenRefused("not_created")).toThrow("it emitted Placed");
    expect(() => again.when(orderCommands.RemoveItem({ itemId: "i-7" })).thenRefused(Error)).toThrow("it was skipped");
  });
});

describe("given, then", () => {
  test("compares the fields that are given of the state", () => {
    const state = given(order, [created, lampAdded]);
    state.then({ totalCents: 2500n, itemCount: 1, state: State.DRAFT, items: { "i-1": lamp } });
    state.then({ billing: undefined, shippingAddress: "" });
    expect(message(() => state.then({ totalCents: 1n, state: State.PLACED, items: { "i-2": lamp } }))).toBe(
      [
        "the state is another than expected:",
        "state: expected STATE_PLACED, got STATE_DRAFT",
        "totalCents: expected 1n, got 2500n",
        'items["i-1"]: expected nothing, got LineItem {"itemId":"i-1","description":"lamp","priceCents":"1250","quantity":2}',
        'items["i-2"]: expected LineItem {"itemId":"i-1","description":"lamp","priceCents":"1250","quantity":2}, got nothing',
      ].join("\n  "),
    );
    expect(message(() => state.then({ items: { "i-1": { ...lamp, quantity: 3 } } }))).toContain(
      'items["i-1"].quantity: expected 3, got 2',
    );
    expect(message(() => state.then({ billing: {} }))).toContain("billing: expected Billing {}, got nothing");
  });

  test("compares a projection", () => {
    const state = given(order, [created, lampAdded], { id: "o-1" });
    state.thenProjection("OrderSummary", { id: "o-1", totalCents: 2500n, customerId: "c-9" });
    expect(() => state.thenProjection("OrderSummary", { itemCount: 2 })).toThrow("itemCount: expected 2, got 1");
    expect(() => state.thenProjection("Other" as "OrderSummary", {})).toThrow("has no projection Other");
  });
});

describe("misuse", () => {
  test("a rule that changes what it is given fails", async () => {
    const greedy = defineOrder({
      evaluate: {
        AddItem(order, command) {
          if (command.item?.itemId === "i-1") command.item.quantity = 5;
          else order.itemCount = 7;
          return "proceed";
        },
        Place(order) {
          order.items["i-9"] = order.items["i-1"] as never;
          return "proceed";
        },
      },
    });
    const state = given(greedy, [created, lampAdded]);
    await state.when(orderCommands.AddItem({ item: lamp })).thenRefused(TypeError);
    await state.when(orderCommands.AddItem({ item: { itemId: "i-2" } })).thenRefused(TypeError);
    await state.when(orderCommands.Place({})).thenRefused(TypeError);
  });

  test("the caller's own events and command stay as they are", async () => {
    const command = orderCommands.AddItem({ item: lamp });
    await given(order, [created]).when(command).then([lampAdded]);
    expect([created.id, created.version, command.id, Object.isFrozen(command.item)]).toEqual(["", 0n, "", false]);
  });

  test("an await without an expectation is refused", async () => {
    const awaited = async (value: unknown): Promise<unknown> => await value;
    await expect(awaited(given(order, [created]))).rejects.toThrow("add .then({ … })");
    await expect(awaited(given(order, [created]).when(orderCommands.Place({})))).rejects.toThrow(
      "add .then([…]), .thenSkipped() or .thenRefused(…)",
    );
  });

  test("a command that nothing is expected of rejects, so that the run fails", async () => {
    const error = await unhandledRejection(() => given(order, [created]).when(orderCommands.Place({})));
    expect(error).toContain("given(…).when(Place) expects nothing");
  });

  test("an asynchronous rule makes the expectation asynchronous", async () => {
    const slow = defineOrder({
      evaluate: {
        Place: async (_order, _command, { now }) => {
          await Promise.resolve();
          return { proceed: { Placed: { placedAt: now } } };
        },
      },
    });
    const clock = new FakeClock(77n);
    const state = given(slow, [created], { clock });
    await state.when(orderCommands.Place({})).then([orderEvents.Placed({ placedAt: 77n })]);
    await expect(state.when(orderCommands.Place({})).then([])).rejects.toThrow("expected none, got Placed");
    await expect(state.when(orderCommands.Place({})).thenSkipped()).rejects.toThrow("it emitted Placed");
  });
});
