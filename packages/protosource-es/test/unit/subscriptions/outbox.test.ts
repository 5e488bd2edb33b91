/** Events that are sent to others. */
import { ProtosourceError, Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import {
  cloudEvent,
  defineOutbox,
  type EventBridgeLike,
  eventBridge,
  type Happening,
  type OutboxMessage,
  type OutboxOptions,
  on,
  type Subscription,
  Subscriptions,
} from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../order.js";
import { FakeEventBridge } from "../../subscriptions/fake-services.js";
import { orderEvent, recordOf } from "../../subscriptions/sales.js";

const by = { actor: "ann" };
const STREAM = "example_app_order_v1#o-1";

function scene() {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const orders: Repository<OrderTypes> = new Repository(order, store, { clock });
  const happenings: Happening[] = [];
  const subscribe = (options: Partial<OutboxOptions> & Pick<OutboxOptions, "to">): Subscriptions => {
    const from: OutboxOptions["from"] = [on(order, { Created: () => ({}), ItemAdded: () => ({}), Placed: () => ({}) })];
    const outbox = defineOutbox({ name: "bus", since: "beginning", from, tries: 2, ...options });
    return new Subscriptions({ store, clock, all: [outbox], observe: (one) => happenings.push(one) });
  };
  const fill = async (id: string, items = 1): Promise<void> => {
    const added = Array.from({ length: items }, (_, i) =>
      orderCommands.AddItem({ item: { itemId: `i-${i}`, priceCents: 2n ** 60n, quantity: 1 } }),
    );
    await orders.apply([orderCommands.Create({ customerId: id }), ...added, orderCommands.Place({})], { id, ...by });
  };
  const position = async () => (await store.readPositions("bus@1", [STREAM]))[0];
  return { clock, store, orders, happenings, subscribe, fill, position };
}

function toBus(client: EventBridgeLike): Subscription {
  return defineOutbox({
    name: "bus",
    since: "beginning",
    source: "/shop/orders",
    from: [on(order, { Placed: (_, { id }) => ({ type: "OrderPlaced", data: { id } }), Cancelled: () => ({}) })],
    to: eventBridge(client, { bus: "shop" }),
  });
}

/** A sink that keeps what it gets. */
function collecting() {
  const batches: OutboxMessage[][] = [];
  const to = async (messages: readonly OutboxMessage[]): Promise<void> => {
    batches.push([...messages]);
  };
  return { to, batches, bodies: () => batches.flat().map(({ body }) => JSON.parse(body)) };
}

describe("an outbox", () => {
  test("tells an event bus of orders", async () => {
    const { store, clock, fill } = scene();
    await fill("o-1");
    const bus = new FakeEventBridge();
    await new Subscriptions({ store, clock, all: [toBus(bus)] }).catchUp();
    expect(bus.delivered.map(({ type, body }) => [type, JSON.parse(body)])).toMatchObject([
      ["OrderPlaced", { source: "/shop/orders", type: "OrderPlaced", data: { id: "o-1" } }],
    ]);
  });

  test("sends the events of a stream in order, as CloudEvents, and then its position moves", async () => {
    const { clock, subscribe, fill, position } = scene();
    const sink = collecting();
    await fill("o-1");
    const seconds = new Date(Number(clock.now() / 1000n)).toISOString().slice(0, 19);
    await subscribe({ to: sink.to }).catchUp();
    expect(sink.batches).toHaveLength(1);
    expect(sink.bodies()).toEqual([
      {
        specversion: "1.0",
        id: `${STREAM}:1`,
        source: "bus",
        type: "example.app.order.v1.Created",
        subject: "o-1",
        time: expect.stringMatching(new RegExp(`^${seconds}\\.\\d{6}Z$`)),
        datacontenttype: "application/json",
        data: expect.objectContaining({ customerId: "o-1", version: "1" }),
      },
      expect.objectContaining({
        id: `${STREAM}:2`,
        data: expect.objectContaining({ item: { itemId: "i-0", priceCents: "1152921504606846976", quantity: 1 } }),
      }),
      expect.objectContaining({ id: `${STREAM}:3`, type: "example.app.order.v1.Placed" }),
    ]);
    expect(await position()).toMatchObject({ version: 3n });
    await subscribe({ to: sink.to }).catchUp();
    expect(sink.batches).toHaveLength(1);
  });

  test("sends what its handlers tell: another type, plain data, messages in it, or nothing", async () => {
    const { subscribe, fill } = scene();
    const sink = collecting();
    await fill("o-1");
    const from: OutboxOptions["from"] = [
      on(order, {
        memo: () => ({ items: [] as string[] }),
        Created: () => undefined,
        ItemAdded: ({ item }, { memo }) => {
          memo.items.push(item?.itemId ?? "");
          return { type: "added", data: { item, cents: 5n, bytes: Uint8Array.of(1, 2) } };
        },
        Placed: async (_, { id, memo }) => ({ type: "placed", data: { id, items: memo.items } }),
      }),
    ];
    await subscribe({ to: sink.to, from, source: "/shop" }).catchUp();
    expect(sink.bodies()).toMatchObject([
      {
        id: `${STREAM}:2`,
        source: "/shop",
        type: "added",
        data: { item: { itemId: "i-0", priceCents: "1152921504606846976", quantity: 1 }, cents: "5", bytes: "AQI=" },
      },
      { id: `${STREAM}:3`, type: "placed", data: { id: "o-1", items: ["i-0"] } },
    ]);
  });

  test("passes over what was before its time, and remembers it", async () => {
    const { clock, orders, subscribe } = scene();
    const sink = collecting();
    await orders.apply(orderCommands.Create({ customerId: "c-1" }), { id: "o-1", ...by });
    clock.advanceSeconds(10);
    const since = new Date(Number(clock.now() / 1000n));
    await orders.apply(orderCommands.Place({}), { id: "o-1", ...by });
    const from: OutboxOptions["from"] = [
      on(order, {
        memo: () => ({ customer: "" }),
        Created: ({ customerId }, { memo }) => {
          memo.customer = customerId;
          return {};
        },
        Placed: (_, { memo }) => ({ data: memo.customer }),
      }),
    ];
    await subscribe({ to: sink.to, from, since }).catchUp();
    expect(sink.bodies()).toMatchObject([{ id: `${STREAM}:2`, data: "c-1" }]);
  });

  test("goes on behind what its sink took", async () => {
    const { subscribe, fill, position } = scene();
    await fill("o-1", 3);
    const seen: string[][] = [];
    const positions: (bigint | undefined)[] = [];
    const from: OutboxOptions["from"] = [
      on(order, {
        memo: () => ({ count: 0 }),
        ItemAdded: (_, { memo }) => {
          memo.count++;
          return { data: memo.count };
        },
        Placed: () => ({ data: "placed" }),
      }),
    ];
    const worker = subscribe({
      from,
      to: async (messages) => {
        positions.push((await position())?.version);
        seen.push(messages.map(({ version, data }) => `${version}:${data}`));
        return Math.min(2, messages.length);
      },
    });
    expect(await worker.catchUp()).toMatchObject({ handled: 4, parked: 0 });
    expect(seen).toEqual([
      ["2:1", "3:2", "4:3", "5:placed"],
      ["4:3", "5:placed"],
    ]);
    expect(positions).toEqual([0n, 3n]);
  });

  test("has a format of its own where it is given one", async () => {
    const { subscribe, fill } = scene();
    const sink = collecting();
    await fill("o-1");
    const format: OutboxOptions["format"] = ({ dedupeId, event }) => ({
      body: JSON.stringify([dedupeId, event?.actor]),
      contentType: "application/json",
    });
    await subscribe({ to: sink.to, format }).catchUp();
    expect(sink.bodies()[0]).toEqual([`${STREAM}:1`, "ann"]);
    expect(sink.batches[0]?.[0]).toMatchObject({ contentType: "application/json" });
  });

  test("tells the end of a life with an id of its own", async () => {
    const { clock, store, subscribe } = scene();
    const sink = collecting();
    const expiry = clock.now() / 1_000_000n + 60n;
    await store.save(STREAM, [recordOf(orderEvent("Created", "o-1", 1n), 1n, expiry)]);
    const worker = subscribe({ to: sink.to, from: [on(order, { Created: () => ({}), removed: () => ({}) })] });
    await worker.catchUp();
    clock.advanceSeconds(61);
    await worker.deliver([{ streamId: STREAM, version: 1n, kind: "gone" }]);
    expect(sink.bodies()[1]).toEqual({
      specversion: "1.0",
      id: `${STREAM}:1:removed`,
      source: "bus",
      type: "example.app.order.v1.Order.Removed",
      subject: "o-1",
    });
  });
});

describe("a sink that fails", () => {
  test("is no fault of the events: nothing is parked, and all is sent when it goes again", async () => {
    const { subscribe, fill, happenings, position } = scene();
    await fill("o-1");
    const sink = collecting();
    let isDown = true;
    const worker = subscribe({
      to: async (messages) => {
        if (isDown) throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
        await sink.to(messages);
      },
    });
    for (let i = 0; i < 3; i++) {
      const { failures, parked } = await worker.deliver([{ streamId: STREAM, version: 3n, kind: "saved" }]);
      expect(failures).toMatchObject([{ subscription: "bus@1", error: { code: "unavailable" } }]);
      expect(parked).toBe(0);
    }
    expect(await position()).toMatchObject({ version: 0n });
    expect(happenings.map(({ kind }) => kind)).not.toContain("parked");
    isDown = false;
    await worker.catchUp();
    expect(sink.bodies()).toHaveLength(3);
  });

  test.each([0, -1, 4, 0.5, Number.NaN])("by telling that it sent %d of 3 parks nothing either", async (sent) => {
    const { subscribe, fill } = scene();
    await fill("o-1");
    const worker = subscribe({ to: async () => sent });
    const { failures, parked } = await worker.deliver([{ streamId: STREAM, version: 3n, kind: "saved" }]);
    expect(failures).toMatchObject([{ error: { code: sent === 0 ? "unavailable" : "not_configured" } }]);
    expect(parked).toBe(0);
  });

  test.each(["too_large", "invalid_argument"] as const)("with %s parks the stream at that message", async (code) => {
    const { subscribe, fill, position } = scene();
    await fill("o-1");
    await fill("o-2");
    const sink = collecting();
    const details = { too_large: { what: "it", size: 2, limit: 1 }, invalid_argument: { argument: "it" } }[code];
    const worker = subscribe({
      to: async (messages) => {
        if (messages.some(({ dedupeId }) => dedupeId === `${STREAM}:2`))
          throw new ProtosourceError(code, "no", details);
        await sink.to(messages);
      },
    });
    expect(await worker.catchUp()).toMatchObject({ parked: 1 });
    expect(await position()).toMatchObject({ version: 1n, parked: { version: 2n, tries: 2 } });
    expect(sink.bodies().map(({ id }) => id)).toEqual(
      expect.arrayContaining([`${STREAM}:1`, ...[1, 2, 3].map((version) => `example_app_order_v1#o-2:${version}`)]),
    );
    await worker.release({ subscription: "bus@1", streamId: STREAM, skip: true });
    expect(sink.bodies().at(-1)).toMatchObject({ id: `${STREAM}:3` });
  });
});

describe("what can't be told of an event parks its stream", () => {
  test.each<[string, OutboxOptions["from"][number]]>([
    ["a function", on(order, { Created: () => ({ data: () => 1 }) })],
    [
      "a message that the aggregate's file doesn't know",
      on(order, { Created: () => ({ data: { $typeName: "a.B" } }) }),
    ],
    [
      "a handler that throws",
      on(order, {
        Created: () => {
          throw new Error("no");
        },
      }),
    ],
  ])("%s", async (_, source) => {
    const { subscribe, fill } = scene();
    await fill("o-1");
    const sink = collecting();
    expect(await subscribe({ from: [source], to: sink.to }).catchUp()).toMatchObject({ parked: 1 });
    expect(sink.batches).toEqual([]);
  });
});

describe("what is no outbox is refused", () => {
  const from = [on(order, { Placed: () => ({}) })];
  const to = async (): Promise<void> => {};
  test.each<[string, object]>([
    ["without a time", { name: "o", from, to }],
    ["with no sources", { name: "o", from: [], since: "beginning", to }],
    ["with a name of two parts", { name: "o@1", from, since: "beginning", to }],
    ["without a sink", { name: "o", from, since: "beginning" }],
    ["with an empty source", { name: "o", from, since: "beginning", to, source: "" }],
  ])("%s", (_, options) => {
    expect(() => defineOutbox(options as OutboxOptions)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

test.each<[bigint, string]>([
  [0n, "1970-01-01T00:00:00.000000Z"],
  [-1n, "1969-12-31T23:59:59.999999Z"],
  [1_764_343_190_123_456n, "2025-11-28T15:19:50.123456Z"],
])("the time of a CloudEvent has microseconds: %d", (at, time) => {
  const { body } = cloudEvent({
    dedupeId: "s:1",
    streamId: "s",
    id: "1",
    version: 1n,
    source: "here",
    type: "t",
    at,
    data: "\uFFFE",
    event: undefined,
  });
  expect(JSON.parse(body)).toMatchObject({ time, data: "\uFFFE" });
  expect(body).not.toContain("\uFFFE");
});
