/** Ids that are used again: what is left of an earlier life never comes into a later one. */
import { beginsLife, fold, Repository, rebuild } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { queryClient } from "protosource-es/opaquedata";
import { CommandLifecycle } from "protosource-es/proto/funinthecloud/protosource/options/v1/options_v1_pb.js";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test, vi } from "vitest";
import type { Order } from "../../gen/example/app/order/v1/order_v1_pb.js";
import {
  type OrderAggregate,
  type OrderTypes,
  orderCommands,
  orderEvents,
} from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../order.js";
import { redefined, setRole } from "../../redefine.js";

/** Orders that live a minute, with a snapshot every so many events; 0 for none. */
const brief = (everyNEvents: number): OrderAggregate =>
  redefined(order, (proto) => {
    setRole(proto, "Order", "aggregate", { eventTtlSeconds: 60n });
    setRole(proto, "Snapshot", "snapshot", { everyNEvents, disabled: everyNEvents === 0 });
  });

const first = { id: "o", actor: "first" };
const second = { id: "o", actor: "second" };
const created = (customerId: string) => orderCommands.Create({ customerId });
const shipping = orderCommands.SetShipping({ shippingAddress: "the first one's home" });
const item = (itemId: string) => orderCommands.AddItem({ item: { itemId, priceCents: 1n, quantity: 1 } });

/** What tells the customers of an id apart. */
const seen = ({ customerId, shippingAddress, items, createBy }: Order) => {
  return { customerId, shippingAddress, items: Object.keys(items), createBy };
};
const ofFirst = { customerId: "first", shippingAddress: "the first one's home", items: ["secret"], createBy: "first" };
const ofSecond = { customerId: "second", shippingAddress: "", items: [], createBy: "second" };

/** Writers of the same streams, each with a clock of its own. */
function scene(definition: OrderAggregate) {
  const streams: MemoryStreams = new Map();
  const rows = new Map();
  const writer = () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock, streams, opaqueStore: new MemoryOpaqueStore({ clock, rows }) });
    return { clock, store, orders: new Repository(definition, store, { clock }) };
  };
  return { streams, writer, ...writer() };
}

/** A store in which something happens between the begin of the first read and its answer. */
function slowStore(clock: FakeClock, streams: MemoryStreams, meanwhile: () => Promise<void>): MemoryStore {
  const store = new MemoryStore({ clock, streams });
  let isSlow = true;
  for (const call of ["load", "loadTail"] as const) {
    const read = store[call].bind(store) as (...args: unknown[]) => Promise<never>;
    vi.spyOn(store, call).mockImplementation(async (...args: unknown[]) => {
      if (isSlow) {
        isSlow = false;
        await meanwhile();
      }
      return read(...args);
    });
  }
  return store;
}

/** Lets the first customer's order live until just before its end, by these clocks. A snapshot carries it on. */
async function firstLife(orders: Repository<OrderTypes>, n: number, ...clocks: FakeClock[]): Promise<void> {
  const advance = (seconds: number) => clocks.forEach((clock) => void clock.advanceSeconds(seconds));
  await orders.apply(created("first"), first);
  advance(50);
  await orders.apply([item("secret"), shipping], first);
  advance(n === 1 ? 59 : 9);
}

describe.each([
  ["without snapshots", 0],
  ["with a snapshot after each event", 1],
  ["with a snapshot every 4 events", 4],
  ["with snapshots that are far apart", 50],
])("%s, an order that is created anew", (_, n) => {
  test("has nothing of the one before, whatever of it hasn't expired", async () => {
    const world = scene(brief(n));
    await firstLife(world.orders, n, world.clock);
    expect(seen(await world.orders.load("o"))).toEqual(ofFirst);
    world.clock.advanceSeconds(1);
    expect(await world.orders.history("o")).toEqual([]);
    await world.orders.apply(created("second"), second);
    expect(seen(await world.orders.load("o"))).toEqual(ofSecond);
    expect(await world.orders.history("o")).toMatchObject([{ customerId: "second", actor: "second" }]);
    await world.orders.apply(item("own"), second);
    expect(await world.orders.history("o")).toMatchObject([{ customerId: "second" }, { item: { itemId: "own" } }]);
    await rebuild([brief(n)], world.store, world.store.opaqueStore, { clock: world.clock });
    const row = await queryClient(order.schema, world.store.opaqueStore).get("o");
    expect(row && seen(row)).toEqual({ ...ofSecond, items: ["own"] });
  });

  test("is the same to a writer whose clock is behind, and in the snapshots that it writes", async () => {
    const behind = scene(brief(n));
    const ahead = behind.writer();
    ahead.clock.advanceSeconds(2);
    await firstLife(behind.orders, n, behind.clock, ahead.clock);
    await ahead.orders.apply(created("second"), second);
    expect(seen(await behind.orders.load("o"))).toEqual(ofSecond);
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names) await behind.orders.apply(item(name), second);
    behind.clock.advanceSeconds(10);
    for (const { orders } of [ahead, behind]) {
      expect(seen(await orders.load("o"))).toEqual({ ...ofSecond, items: names });
      expect((await orders.history("o")).map(({ actor }) => actor)).toEqual(Array(6).fill("second"));
    }
  });

  test("is the same to a read that was under way when the one before ended", async () => {
    const { clock, orders, streams } = scene(brief(n));
    await firstLife(orders, n, clock);
    const store = slowStore(clock, streams, async () => {
      clock.advanceSeconds(2);
      await orders.apply(created("second"), second);
    });
    expect(seen(await new Repository(brief(n), store, { clock }).load("o"))).toEqual(ofSecond);
  });
});

describe("a creation that follows a living order, as an import may bring it,", () => {
  test.each([0, 1, 3])("begins anew in state, rows and snapshots, with a snapshot every %s events", async (n) => {
    const { orders, store } = scene(brief(n));
    await orders.apply([created("first"), item("secret"), shipping], first);
    const anew = orderEvents.Created({ customerId: "second", actor: "second" });
    await orders.save("o", [anew, orderEvents.ItemAdded({ item: { itemId: "own" }, actor: "second" })]);
    const now = { ...ofSecond, items: ["own"] };
    expect(seen(await orders.load("o"))).toEqual(now);
    const row = await queryClient(order.schema, store.opaqueStore).get("o");
    expect(row && seen(row)).toEqual(now);
    expect(seen(fold(order, [...(await orders.history("o"))]))).toEqual(now);
  });

  test("begins anew when both lives are folded, or saved at once", async () => {
    const { orders } = scene(brief(2));
    const events = [
      orderEvents.Created({ customerId: "first", actor: "first" }),
      orderEvents.ItemAdded({ item: { itemId: "secret" } }),
      orderEvents.Created({ customerId: "second", actor: "second" }),
    ];
    expect(seen(fold(order, events))).toEqual(ofSecond);
    await orders.save("o", events);
    expect(seen(await orders.load("o"))).toEqual(ofSecond);
  });
});

describe("an event that one creation begins with, and another goes on with,", () => {
  /** Create emits Created, and as creations Place a cancellation, and Cancel a cancellation and then Created. */
  const definition = redefined(order, (proto) => {
    setRole(proto, "Order", "aggregate", { eventTtlSeconds: 60n });
    setRole(proto, "Snapshot", "snapshot", { disabled: true });
    setRole(proto, "Cancel", "command", {
      lifecycle: CommandLifecycle.CREATION,
      allowedStates: [],
      producesEvents: ["Cancelled", "Created"],
    });
    setRole(proto, "Place", "command", {
      lifecycle: CommandLifecycle.CREATION,
      allowedStates: [],
      producesEvents: ["Cancelled"],
    });
  });
  const createdEvent = orderEvents.Created({});
  const cancelled = orderEvents.Cancelled({});

  test.each([
    ["at the beginning", createdEvent, undefined, true],
    ["behind itself", createdEvent, createdEvent, true],
    ["behind what comes before it", createdEvent, cancelled, false],
    ["behind an event of a life", createdEvent, orderEvents.TagAdded({}), true],
  ])("begins a life %s: %#", (_, event, before, expected) => {
    expect(beginsLife(definition, event, before)).toBe(expected);
  });

  test("is told by the event before it", () => {
    expect(beginsLife(definition, cancelled, createdEvent)).toBe(true);
    expect(beginsLife(definition, orderEvents.TagAdded({}), undefined)).toBe(false);
  });

  test("leaves its own life whole, and the one before out", async () => {
    const { orders, clock } = scene(definition);
    await orders.apply(created("first"), first);
    await orders.apply(shipping, first);
    clock.advanceSeconds(60);
    await orders.apply(orderCommands.Cancel({ reason: "both" }), second);
    expect(await orders.load("o")).toMatchObject({ version: 4n, customerId: "", shippingAddress: "" });
    expect((await orders.history("o")).map(({ $typeName }) => $typeName.split(".").at(-1))).toEqual([
      "Cancelled",
      "Created",
    ]);
    clock.advanceSeconds(60);
    await orders.apply(created("third"), second);
    expect(await orders.history("o")).toMatchObject([{ customerId: "third", version: 5n }]);
  });

  test("begins a life where what it may follow has expired, and to a read that was under way then", async () => {
    const { orders, clock, streams } = scene(definition);
    await orders.apply(orderCommands.Place({}), first);
    clock.advanceSeconds(59);
    const store = slowStore(clock, streams, async () => {
      clock.advanceSeconds(1);
      await orders.apply(created("second"), second);
    });
    for (const reader of [new Repository(definition, store, { clock }), orders]) {
      expect(await reader.history("o")).toMatchObject([{ customerId: "second", version: 2n }]);
      expect(await reader.load("o")).toMatchObject({ version: 2n, createBy: "second" });
    }
  });
});
