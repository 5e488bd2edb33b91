/** What was kept with a save, as subscriptions see it and pass it on. */
import { metaOf, Repository, type SaveMeta } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import {
  after,
  cloudEvent,
  defineHandler,
  defineOutbox,
  defineProcess,
  on,
  type ProcessAnswer,
  type Subscription,
  Subscriptions,
  send,
} from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { type TestTypes, testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";
import { testAggregate } from "../../subscriptions/sales.js";

const by = { actor: "ann" };
const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const REQUEST: SaveMeta = { correlationId: "request 17", traceparent: TRACE };
const ORDERS = "example_app_order_v1#";

/** Creating a test is two events. */
const twice = (meta: SaveMeta): readonly SaveMeta[] => [meta, meta];

describe.each(["memory", "SQLite"] as const)("on %s", (kind) => {
  function open() {
    const clock = new FakeClock();
    const database = openSqlite(":memory:");
    const store =
      kind === "memory"
        ? new MemoryStore({ clock })
        : new SqliteStore(database, { clock, opaqueStore: new SqliteOpaqueStore(database, { clock }) });
    const orders: Repository<OrderTypes> = new Repository(order, store, { clock });
    const tests: Repository<TestTypes> = new Repository(testAggregate, store, { clock });
    const place = (id: string, meta?: SaveMeta) =>
      orders.apply([orderCommands.Create({}), orderCommands.Place({})], { id, ...by, meta });
    const subscribe = (one: Subscription): Subscriptions => new Subscriptions({ store, clock, all: [one] });
    const metasOf = async (streamId: string) => (await store.load(streamId)).records.map(metaOf);
    /** A process that answers each placed order, and whose timers answer so too. */
    const answering = (answer: (id: string) => ProcessAnswer, timers = {}): Subscription =>
      defineProcess({
        name: "answering",
        since: "beginning",
        from: [on(order, { Placed: (_, { id }) => answer(id) })],
        timers,
      });
    return { clock, store, orders, tests, place, subscribe, metasOf, answering };
  }

  test("a handler sees the meta with each event of a save, and none where none was kept", async () => {
    const { orders, place, subscribe } = open();
    await place("o-1", REQUEST);
    await orders.apply(orderCommands.Cancel({}), { id: "o-1", ...by });
    const seen: unknown[] = [];
    const see = (_: unknown, { version, meta }: { readonly version: bigint; readonly meta: unknown }): void =>
      void seen.push([version, meta]);
    const from = [on(order, { Created: see, Placed: see, Cancelled: see })];
    await subscribe(defineHandler({ name: "seeing", from })).catchUp();
    expect(seen).toEqual([
      [1n, REQUEST],
      [2n, REQUEST],
      [3n, undefined],
    ]);
  });

  test("a process passes it on, and tells which event caused its commands", async () => {
    const { tests, place, subscribe, answering, metasOf } = open();
    await place("o-1", REQUEST);
    await place("o-2");
    await subscribe(answering((id) => send(tests, testCommands.Create({}), { id: `t-${id}` }))).catchUp();
    const caused = (id: string) => ({ causation: { streamId: `${ORDERS}${id}`, version: 2n } });
    expect(await metasOf("example_app_test_v1#t-o-1")).toEqual(twice({ ...REQUEST, ...caused("o-1") }));
    expect(await metasOf("example_app_test_v1#t-o-2")).toEqual(twice(caused("o-2")));
  });

  test("a timer does so too", async () => {
    const { clock, tests, place, subscribe, answering, metasOf } = open();
    await place("o-1", REQUEST);
    const again = ({ id }: { readonly id: string }) => send(tests, testCommands.Create({}), { id: `t-${id}` });
    const process = subscribe(answering(() => after("again", { seconds: 1 }), { again }));
    await process.catchUp();
    clock.advanceSeconds(2);
    expect(await process.fireTimers()).toMatchObject({ fired: 1 });
    const causation = { streamId: `${ORDERS}o-1`, version: 2n };
    expect(await metasOf("example_app_test_v1#t-o-1")).toEqual(twice({ ...REQUEST, causation }));
  });

  test.each([
    ["the trace", 170, ["causation", "correlationId"]],
    ["the request", 220, ["causation"]],
    ["the causing event", 300, ["correlationId", "traceparent"]],
  ])("a process leaves out %s where the id of the stream leaves no room", async (_, length, kept) => {
    const { tests, place, subscribe, answering, metasOf } = open();
    await place("x".repeat(length), REQUEST);
    const report = await subscribe(answering(() => send(tests, testCommands.Create({}), { id: "t" }))).catchUp();
    expect(report).toMatchObject({ handled: 1, parked: 0 });
    const [meta] = await metasOf("example_app_test_v1#t");
    expect(Object.keys(meta ?? {}).toSorted()).toEqual(kept);
  });

  test("an event with a meta that can't be read parks its stream, and no other", async () => {
    const { store, place, subscribe } = open();
    await place("o-1", REQUEST);
    await place("o-2", REQUEST);
    const [record] = (await store.load(`${ORDERS}o-1`)).records;
    await store.save(`${ORDERS}o-3`, [
      { ...record, version: 1n, meta: Uint8Array.of(255) } as NonNullable<typeof record>,
    ]);
    const all = defineHandler({ name: "all", from: [on(order, { Created: () => undefined })] });
    expect(await subscribe(all).catchUp()).toMatchObject({ handled: 2, parked: 1 });
  });
});

test("a CloudEvent has it as extension attributes", async () => {
  const store = new MemoryStore();
  const orders = new Repository(order, store);
  const causation = { streamId: "example_app_test_v1#t-1", version: 3n };
  await orders.apply(orderCommands.Create({}), { id: "o-1", ...by, meta: { ...REQUEST, causation } });
  await orders.apply(orderCommands.Create({}), { id: "o-2", ...by });
  const bodies: unknown[] = [];
  const outbox = defineOutbox({
    name: "bus",
    since: "beginning",
    from: [on(order, { Created: () => ({}) })],
    to: async (messages) => {
      for (const message of messages) bodies.push(JSON.parse(cloudEvent(message).body));
    },
  });
  await new Subscriptions({ store, all: [outbox] }).catchUp({ segments: 1 });
  expect(bodies).toMatchObject([
    {
      subject: "o-1",
      traceparent: TRACE,
      correlationid: "request 17",
      causationid: "example_app_test_v1#t-1:3",
    },
    { subject: "o-2" },
  ]);
  expect(Object.keys(bodies[1] as object)).not.toContain("correlationid");
});
