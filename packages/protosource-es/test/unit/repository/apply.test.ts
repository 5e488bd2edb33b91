import { getEventListeners } from "node:events";
import { isProtosourceError, ProtosourceError, Repository, type RepositoryOptions } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import { State } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { defineOrder, type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { defineTest, testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { ItemAlreadyThere, order } from "../../order.js";

const lamp = { itemId: "i-1", description: "lamp", priceCents: 1250n, quantity: 2 };
const create = orderCommands.Create({ customerId: "c-9" });

interface Scene {
  readonly clock: FakeClock;
  readonly store: MemoryStore;
  readonly orders: Repository<OrderTypes>;
}

function scene(options: RepositoryOptions = {}, definition = order): Scene {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  return { clock, store, orders: new Repository(definition, store, { clock, ...options }) };
}

/** A scene with the order o-1 in it, at version 1. */
async function draft(options: RepositoryOptions = {}, definition = order): Promise<Scene> {
  const made = scene(options, definition);
  await made.orders.apply(create, { id: "o-1", actor: "ann" });
  return made;
}

function callsOf(spies: readonly { readonly mock: { readonly calls: readonly unknown[] } }[]): number {
  return spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
}

describe("a command", () => {
  test("comes back with its id, version, events and state", async () => {
    const { orders, clock } = scene({ newId: () => "o-7" });
    const first = await orders.apply(create, { actor: "ann" });
    expect(first).toMatchObject({ id: "o-7", version: 1n, skipped: false });
    expect(first.events).toMatchObject([
      {
        $typeName: "example.app.order.v1.Created",
        id: "o-7",
        version: 1n,
        at: clock.now(),
        actor: "ann",
        customerId: "c-9",
      },
    ]);
    const second = await orders.apply(orderCommands.AddItem({ id: "o-7", actor: "bob", item: lamp }));
    expect(second.aggregate).toMatchObject({
      id: "o-7",
      version: 2n,
      state: State.DRAFT,
      totalCents: 2500n,
      itemCount: 1,
      createBy: "ann",
      modifyBy: "bob",
    });
    expect(await orders.load("o-7")).toEqual(second.aggregate);
  });

  test("stays as the caller made it", async () => {
    const { orders } = await draft();
    const command = orderCommands.AddItem({ item: lamp });
    const { events } = await orders.apply(command, { id: "o-1", actor: "bob" });
    expect([command.id, command.actor]).toEqual(["", ""]);
    expect(events[0]?.item).not.toBe(command.item);
  });

  test("gives each event its own time, and the first that of the decision", async () => {
    const times = [10n, 20n, 30n, 40n];
    const clock = { now: () => (times.length > 1 ? times.shift() : times[0]) as bigint };
    let decided = 0n;
    const cards = defineTest({
      evaluate: {
        Create: (_card, _command, { now }) => {
          decided = now;
          return "proceed";
        },
      },
    });
    const repository = new Repository(cards, new MemoryStore({ clock: new FakeClock(0n) }), { clock });
    const { events } = await repository.apply(testCommands.Create({ body: "b" }), { id: "t-1", actor: "ann" });
    expect(events.map(({ at }) => at)).toEqual([decided, 30n]);
  });

  test("counts the snapshot in its version, and doesn't give it back", async () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const cards = new Repository(defineTest(), store, { clock });
    await cards.apply(testCommands.Create({ body: "b" }), { id: "t-1", actor: "ann" });
    const updated = await cards.apply(testCommands.Update({ body: "c" }), { id: "t-1", actor: "ann" });
    expect(updated.version).toBe(4n);
    expect(updated.events.map(({ version }) => version)).toEqual([3n]);
    expect((await store.load("example_app_test_v1#t-1")).records).toHaveLength(4);
    expect((await cards.history("t-1")).map(({ version }) => version)).toEqual([1n, 2n, 3n]);
  });
});

describe("several commands", () => {
  test("are decided one on the other, and saved at once", async () => {
    const { orders, store } = await draft();
    const saves = [vi.spyOn(store, "save"), vi.spyOn(store, "saveAll")];
    const applied = await orders.apply(
      [orderCommands.AddItem({ item: lamp }), orderCommands.RemoveItem({ itemId: "i-1" }), orderCommands.Place({})],
      { id: "o-1", actor: "ann" },
    );
    expect(applied.events.map(({ $typeName }) => $typeName.split(".").at(-1))).toEqual([
      "ItemAdded",
      "ItemRemoved",
      "Placed",
    ]);
    expect(applied).toMatchObject({ version: 4n, aggregate: { state: State.PLACED, itemCount: 0 } });
    expect(callsOf(saves)).toBe(1);
  });

  test("are all refused when one is", async () => {
    const { orders } = await draft();
    const commands = [orderCommands.AddItem({ item: lamp }), orderCommands.AddItem({ item: lamp })];
    await expect(orders.apply(commands, { id: "o-1", actor: "ann" })).rejects.toThrow(ItemAlreadyThere);
    expect((await orders.load("o-1")).version).toBe(1n);
  });

  test("create and change", async () => {
    const { orders } = scene({ newId: () => "o-2" });
    const applied = await orders.apply([create, orderCommands.AddItem({ item: lamp })], { actor: "ann" });
    expect(applied).toMatchObject({ id: "o-2", version: 2n });
  });

  test("some skipped: the others count", async () => {
    const { orders } = await draft();
    const remove = orderCommands.RemoveItem({ itemId: "i-9" });
    const applied = await orders.apply([remove, orderCommands.AddItem({ item: lamp })], { id: "o-1", actor: "ann" });
    expect(applied).toMatchObject({ version: 2n, skipped: false });
  });

  test("more than one transaction holds are refused, unless they may be split", async () => {
    const tags = Array.from({ length: 101 }, (_, i) => orderCommands.AddTag({ tag: { key: `k${i}`, value: "v" } }));
    const { orders } = await draft();
    expect(await failure(orders.apply(tags, { id: "o-1", actor: "ann" }))).toMatchObject({
      code: "too_large",
      details: { what: "command", size: 103, limit: 100 },
    });
    const { orders: splitting, store } = await draft({ splitSaves: true });
    const saveAll = vi.spyOn(store, "saveAll");
    expect((await splitting.apply(tags, { id: "o-1", actor: "ann" })).version).toBe(104n);
    expect(saveAll).not.toHaveBeenCalled();
  });
});

describe("bad input", () => {
  test.each([
    ["an empty actor", create, { actor: "" }, "actor"],
    ["an actor that is undefined", create, { actor: undefined }, "actor"],
    ["an empty id", create, { id: "", actor: "ann" }, "id"],
    ["another id", orderCommands.Place({ id: "o-2" }), { id: "o-1", actor: "ann" }, "id"],
    ["two ids", [orderCommands.Place({ id: "o-1" }), orderCommands.Place({ id: "o-2" })], { actor: "ann" }, "id"],
    ["a creation without an id", create, { actor: "ann" }, "id"],
    ["a change without an id", orderCommands.Place({}), { actor: "ann" }, "id"],
    ["no command", [], { id: "o-1", actor: "ann" }, "command"],
    ["null", null, { id: "o-1", actor: "ann" }, "command"],
    ["something else", { id: "o-1" }, { actor: "ann" }, "command"],
    ["half a retry", create, { id: "o-1", actor: "ann", retries: 0.5 }, "retries"],
    [
      "a fraction in an integer",
      Object.assign(orderCommands.Place({}), { placedAt: 5.5 }),
      { id: "o-1", actor: "ann" },
      "example.app.order.v1.Place",
    ],
  ])("%s is refused before anything is read", async (_, command, options, argument) => {
    const { orders, store } = scene();
    const load = vi.spyOn(store, "loadTail");
    const error = await failure(orders.apply(command as never, options as never));
    expect(error).toMatchObject({ code: "invalid_argument", details: { argument } });
    expect(load).not.toHaveBeenCalled();
  });

  test("an id without end from newId is refused", async () => {
    const { orders } = scene({ newId: () => "" });
    expect(await failure(orders.apply(create, { actor: "ann" }))).toMatchObject({ code: "invalid_argument" });
  });

  test.each([
    ["an event", { $typeName: "example.app.order.v1.Placed" }],
    ["a command of another aggregate", testCommands.Lock({})],
    ["a type that nobody has", { $typeName: "a.B" }],
  ])("%s is an unknown command", async (_, command) => {
    const { orders } = await draft();
    const error = await failure(orders.apply(command as never, { id: "o-1", actor: "ann" }));
    expect(error).toMatchObject({ code: "unhandled_command", details: { typeName: command.$typeName } });
  });

  test("a collection key that an object can't hold is refused", async () => {
    const { orders } = await draft();
    const command = orderCommands.AddItem({ item: { itemId: "__proto__" } });
    expect(await failure(orders.apply(command, { id: "o-1", actor: "ann" }))).toMatchObject({
      code: "validation_failed",
      details: { violations: [{ field: "item.item_id" }] },
    });
  });

  test("no aggregate, no store, and a store that can't do what is asked", () => {
    const store = new MemoryStore();
    expect(() => new Repository(undefined as never, store)).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
    expect(() => new Repository(order, undefined as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
    expect(() => new Repository(order, store, { retries: -1 })).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
    const plain = { save: store.save.bind(store), load: store.load.bind(store) };
    expect(() => new Repository(order, plain, { materialize: "transactional" })).toThrow(
      expect.objectContaining({ code: "not_configured", details: { option: "materialize" } }),
    );
  });
});

describe("lifecycle and state", () => {
  test("creating what exists, and changing what doesn't", async () => {
    const { orders } = await draft();
    expect(await failure(orders.apply(create, { id: "o-1", actor: "ann" }))).toMatchObject({
      code: "already_created",
      details: { aggregateId: "o-1", version: 1n },
    });
    expect(await failure(orders.apply(orderCommands.Place({}), { id: "o-2", actor: "ann" }))).toMatchObject({
      code: "not_created",
      details: { aggregateId: "o-2" },
    });
  });

  test("the state, and what would be allowed", async () => {
    const { orders } = await draft();
    await orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann" });
    expect(
      await failure(orders.apply(orderCommands.AddItem({ item: lamp }), { id: "o-1", actor: "ann" })),
    ).toMatchObject({
      code: "state_not_allowed",
      details: { aggregateId: "o-1", state: "STATE_PLACED", allowed: ["STATE_DRAFT"] },
      message: expect.stringContaining("STATE_DRAFT"),
    });
    await orders.apply(orderCommands.Cancel({}), { id: "o-1", actor: "ann" });
  });
});

describe("rules", () => {
  test("skip stores nothing, writes no row and says so", async () => {
    const { orders, store } = await draft();
    const calls = [vi.spyOn(store, "save"), vi.spyOn(store, "saveAll"), vi.spyOn(store, "saveAggregate")];
    const applied = await orders.apply(orderCommands.RemoveItem({ itemId: "i-7" }), { id: "o-1", actor: "ann" });
    expect(applied).toMatchObject({ id: "o-1", version: 1n, events: [], skipped: true });
    expect(applied.aggregate).toMatchObject({ customerId: "c-9", version: 1n });
    expect(callsOf(calls)).toBe(0);
  });

  test("an error of a rule reaches the caller as it is, from each rule", async () => {
    const thrown = [new ItemAlreadyThere("a"), { reason: "plain" }, new Error("guard")];
    const strict = defineOrder({
      guard(order) {
        if (order.customerName === "banned") throw thrown[2];
      },
      evaluate: {
        Place() {
          throw thrown[0];
        },
        Cancel: () => Promise.reject(thrown[1]),
      },
    });
    const { orders } = await draft({}, strict);
    expect(await failure(orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann" }))).toBe(thrown[0]);
    expect(await failure(orders.apply(orderCommands.Cancel({}), { id: "o-1", actor: "ann" }))).toBe(thrown[1]);
    await orders.apply(orderCommands.Create({ customerName: "banned" }), { id: "o-2", actor: "ann" });
    expect(await failure(orders.apply(orderCommands.SetBilling({}), { id: "o-2", actor: "ann" }))).toBe(thrown[2]);
  });

  test("fill in fields of the event, and nothing that is the framework's", async () => {
    const computed = defineOrder({
      evaluate: {
        async Place(_order, _command, { now, signal }) {
          await Promise.resolve(signal);
          return { proceed: { Placed: { placedAt: now, version: 99n, actor: "nobody" } as object } };
        },
        SetBilling: (_order, { billing }) => ({
          proceed: { BillingSet: billing?.method === "none" ? { billing: undefined } : (null as never) },
        }),
      },
    });
    const { orders, clock } = await draft({}, computed);
    const { events } = await orders.apply(orderCommands.Place({ placedAt: 1n }), { id: "o-1", actor: "ann" });
    expect(events).toMatchObject([{ placedAt: clock.now(), version: 2n, actor: "ann" }]);
    const set = await orders.apply(orderCommands.SetBilling({ billing: { method: "card" } }), {
      id: "o-1",
      actor: "ann",
    });
    expect(set.events[0]?.billing).toMatchObject({ method: "card" });
    const none = await orders.apply(orderCommands.SetBilling({ billing: { method: "none" } }), {
      id: "o-1",
      actor: "ann",
    });
    expect(none.events[0]?.billing).toBeUndefined();
    expect(none.aggregate.billing).toBeUndefined();
  });

  test.each([
    ["nothing", undefined, /answers undefined/],
    ["a word of its own", "yes", /answers yes/],
    ["no fields", { proceed: null }, /answers/],
    ["an event that isn't emitted", { proceed: { Created: {} } }, /fills in Created; the command emits Placed/],
  ])("%s is no decision", async (_, decision, reason) => {
    const { orders } = await draft({}, defineOrder({ evaluate: { Place: () => decision as never } }));
    const error = await failure(orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann" }));
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(reason) });
  });

  test("a value that a field can't hold is refused", async () => {
    const wrong = defineOrder({ evaluate: { Place: () => ({ proceed: { Placed: { placedAt: 5.5 as never } } }) } });
    const { orders } = await draft({}, wrong);
    expect(await failure(orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann" }))).toMatchObject({
      code: "invalid_argument",
    });
  });

  test("that change what they are given change nothing that is stored", async () => {
    const greedy = defineOrder({
      evaluate: {
        AddItem(order, command) {
          order.customerId = "thief";
          order.items["i-0"] = { ...lamp, $typeName: "example.app.order.v1.LineItem" };
          if (command.item) command.item.priceCents = 0n;
          command.actor = "nobody";
          return "proceed";
        },
      },
    });
    const { orders } = await draft({}, greedy);
    const { aggregate, events } = await orders.apply(orderCommands.AddItem({ item: lamp }), {
      id: "o-1",
      actor: "ann",
    });
    expect(events).toMatchObject([{ actor: "ann", item: { priceCents: 1250n } }]);
    expect(aggregate.customerId).toBe("c-9");
    expect(Object.keys((await orders.load("o-1")).items)).toEqual(["i-1"]);
  });

  test("that change a command aren't given what they made of it when they are asked again", async () => {
    const asked: (number | undefined)[] = [];
    const doubling = defineOrder({
      evaluate: {
        async AddItem(_order, { item }) {
          asked.push(item?.quantity);
          if (asked.length < 3) await orders.apply(orderCommands.SetShipping({ shippingAddress: "x" }), options);
          if (item) item.quantity *= 2;
          return "proceed";
        },
      },
    });
    const options = { id: "o-1", actor: "ann" };
    const { orders } = await draft({}, doubling);
    const { events } = await orders.apply(orderCommands.AddItem({ item: lamp }), options);
    expect(asked).toEqual([2, 2, 2]);
    expect(events).toMatchObject([{ item: { quantity: 2 } }]);
  });

  test("derived fields that change nested messages leave the events alone", async () => {
    const rounding = defineOrder({
      afterOn(order) {
        for (const item of Object.values(order.items)) item.description = item.description.toUpperCase();
      },
    });
    const { orders } = await draft({}, rounding);
    const { events, aggregate } = await orders.apply(orderCommands.AddItem({ item: lamp }), {
      id: "o-1",
      actor: "ann",
    });
    expect(events[0]?.item?.description).toBe("lamp");
    expect(aggregate.items["i-1"]?.description).toBe("LAMP");
    expect(await orders.history("o-1")).toMatchObject([{}, { item: { description: "lamp" } }]);
  });
});

describe("conflicts", () => {
  /** Lets somebody else add a tag before each of the first saves. */
  function interfere(store: MemoryStore, times: number): void {
    const others = new Repository(order, new MemoryStore({ streams: streamsOf(store) }), { materialize: "off" });
    const save = store.save.bind(store);
    let left = times;
    vi.spyOn(store, "save").mockImplementation(async (...args) => {
      left -= 1;
      if (left >= 0)
        await others.apply(orderCommands.AddTag({ tag: { key: `k${left}` } }), { id: "o-1", actor: "eve" });
      await save(...args);
    });
  }

  const streams = new WeakMap<MemoryStore, ConstructorParameters<typeof MemoryStore>[0]>();
  const streamsOf = (store: MemoryStore) => streams.get(store)?.streams;

  async function contended(options: RepositoryOptions = {}, definition = order, times = 2): Promise<Scene> {
    const shared = { streams: new Map() };
    const store = new MemoryStore(shared);
    streams.set(store, shared);
    const orders = new Repository(definition, store, options);
    await orders.apply(create, { id: "o-1", actor: "ann" });
    interfere(store, times);
    return { clock: new FakeClock(), store, orders };
  }

  test("are decided again on what is there then", async () => {
    const seen: bigint[] = [];
    const watching = defineOrder({
      evaluate: {
        Place: (order) => {
          seen.push(order.version);
          return "proceed";
        },
      },
    });
    const { orders } = await contended({}, watching);
    const { version, aggregate } = await orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann" });
    expect(seen).toEqual([1n, 2n, 3n]);
    expect(version).toBe(4n);
    expect(Object.keys(aggregate.tags)).toHaveLength(2);
  });

  test("are thrown after the last retry", async () => {
    const { orders, store } = await contended({ retries: 3 }, order, 100);
    const error = await failure(orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann" }));
    expect(error).toMatchObject({ code: "version_conflict", details: { version: 5n } });
    expect(store.save).toHaveBeenCalledTimes(4);
    expect(await failure(orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann", retries: 0 }))).toMatchObject(
      {
        code: "version_conflict",
      },
    );
    expect(store.save).toHaveBeenCalledTimes(5);
  });

  test("are not retried for a caller who decided on a version", async () => {
    const { orders, store } = await contended({}, order, 1);
    const place = orderCommands.Place({});
    const options = { id: "o-1", actor: "ann", expectedVersion: 1n, retries: 5 };
    expect(await failure(orders.apply(place, options))).toMatchObject({ code: "version_conflict" });
    expect(store.save).toHaveBeenCalledTimes(1);
    expect(await failure(orders.apply(place, options))).toMatchObject({
      code: "version_conflict",
      details: { aggregateId: "o-1", version: 2n },
    });
    expect(store.save).toHaveBeenCalledTimes(1);
    expect(await failure(orders.apply(place, { ...options, expectedVersion: "2" as never }))).toMatchObject({
      code: "invalid_argument",
      details: { argument: "expectedVersion" },
    });
    expect((await orders.apply(place, { ...options, expectedVersion: 2n })).version).toBe(3n);
  });

  test("a creation that comes second is told so", async () => {
    const { orders, store } = scene();
    const load = store.loadTail.bind(store);
    vi.spyOn(store, "loadTail").mockImplementationOnce(async (...args) => {
      const nothing = await load(...args);
      await orders.apply(create, { id: "o-1", actor: "eve" });
      return nothing;
    });
    const error = await failure(orders.apply(create, { id: "o-1", actor: "ann", expectedVersion: undefined }));
    expect(error).toMatchObject({ code: "already_created" });
  });

  test("end when the signal says so", async () => {
    const { orders } = await contended({ retries: 1000 }, order, 1000);
    const controller = new AbortController();
    const call = orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann", signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    expect(await failure(call)).toMatchObject({ code: "cancelled" });
  });

  test("two writers lose nothing and double nothing", async () => {
    const shared = { streams: new Map() };
    const writers = [1, 2].map(() => new Repository(order, new MemoryStore(shared), { retries: 1000 }));
    await writers[0]?.apply(create, { id: "o-1", actor: "ann" });
    await Promise.all(
      writers.map(async (orders, w) => {
        for (let i = 0; i < 20; i++) {
          await orders.apply(orderCommands.AddTag({ tag: { key: `${w}-${i}` } }), { id: "o-1", actor: "ann" });
        }
      }),
    );
    const aggregate = await writers[0]?.load("o-1");
    expect(Object.keys(aggregate?.tags ?? {})).toHaveLength(40);
    expect((await writers[1]?.history("o-1"))?.length).toBe(41);
  });
});

describe("failures of the store", () => {
  const unavailable = new ProtosourceError("unavailable", "throttled", {
    operation: "load",
    reasons: ["ThrottlingException"],
    outcome: "not_applied",
  });

  test.each([["loadTail" as const], ["load" as const]])("%s: a load that fails is never an absence", async (method) => {
    const { store } = await draft();
    vi.spyOn(store, method).mockRejectedValue(unavailable);
    const reader = method === "load" ? { save: store.save.bind(store), load: store.load.bind(store) } : store;
    if (method === "load") vi.spyOn(reader, "load").mockRejectedValue(unavailable);
    const orders = new Repository(order, reader);
    for (const command of [create, orderCommands.Place({})]) {
      expect(await failure(orders.apply(command, { id: "o-1", actor: "ann" }))).toBe(unavailable);
    }
    expect(await failure(orders.load("o-1"))).toBe(unavailable);
  });

  test.each([
    ["unavailable" as const, { operation: "save", reasons: [], outcome: "unknown" as const }],
    ["partial_save" as const, { aggregateId: "a", committed: 1n, commitId: new Uint8Array(8) }],
    ["denied" as const, { reason: "no" }],
  ])("%s of a save is thrown as it is, and nothing is decided again", async (code, details) => {
    let decisions = 0;
    const counting = defineOrder({
      evaluate: {
        Place: () => {
          decisions += 1;
          return "proceed";
        },
      },
    });
    const { orders, store } = await draft({}, counting);
    const error = new ProtosourceError(code, "failed", details as never);
    vi.spyOn(store, "save").mockRejectedValue(error);
    expect(await failure(orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann" }))).toBe(error);
    expect(decisions).toBe(1);
  });

  test("an aborted signal stops the call before it begins", async () => {
    const { orders, store } = await draft();
    const loads = vi.spyOn(store, "loadTail");
    const signal = AbortSignal.abort();
    for (const call of [
      orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann", signal }),
      orders.load("o-1", { signal }),
      orders.history("o-1", { signal }),
      orders.save("o-1", [], { signal }),
    ]) {
      expect(await failure(call)).toMatchObject({ code: "cancelled" });
    }
    expect(loads.mock.results.every(({ type }) => type === "return")).toBe(true);
  });
});

test("a rule may decide by what the signal says", async () => {
  const seen: unknown[] = [];
  const listening = defineOrder({
    guard: (_order, _command, { signal }) => {
      seen.push(signal);
    },
  });
  const { orders } = await draft({}, listening);
  const { signal } = new AbortController();
  await orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann", signal });
  expect(seen).toEqual([undefined, signal]);
});

test("without a logger, the console is told of a row that can't be written", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const { orders, store } = scene();
  vi.spyOn(store, "saveAggregate").mockRejectedValue(new Error("no table"));
  await orders.apply(create, { id: "o-1", actor: "ann" });
  expect(warn).toHaveBeenCalledTimes(2);
  warn.mockRestore();
});

test("an error of the store that isn't of this package passes too", async () => {
  const { orders, store } = await draft();
  vi.spyOn(store, "save").mockRejectedValue(new TypeError("broken"));
  const error = await failure(orders.apply(orderCommands.Place({}), { id: "o-1", actor: "ann" }));
  expect([error instanceof TypeError, isProtosourceError(error)]).toEqual([true, false]);
});

test("commands that share a signal leave one listener while they wait for another try, and then none", async () => {
  const { orders, store } = scene({ retries: 3 });
  vi.spyOn(store, "save").mockImplementation((aggregateId) =>
    Promise.reject(new ProtosourceError("version_conflict", "somebody was first", { aggregateId, version: 1n })),
  );
  const { signal } = new AbortController();
  let most = 0;
  const add = signal.addEventListener.bind(signal);
  vi.spyOn(signal, "addEventListener").mockImplementation((...args: Parameters<typeof add>) => {
    add(...args);
    most = Math.max(most, getEventListeners(signal, "abort").length);
  });
  const commands = Array.from({ length: 40 }, (_, i) => orders.apply(create, { id: `o-${i}`, actor: "ann", signal }));
  for (const outcome of await Promise.allSettled(commands)) expect(outcome.status).toBe("rejected");
  expect([most, getEventListeners(signal, "abort").length]).toEqual([1, 0]);
});
