/** Commands to several aggregates, of several kinds, in one transaction. */
import { commandFor, isProtosourceError, Repository, type RepositoryOptions } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { defineOrder, type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { defineTest, type TestTypes, testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { ItemAlreadyThere, order } from "../../order.js";

const create = orderCommands.Create({ customerId: "c-9" });
const addLamp = orderCommands.AddItem({ item: { itemId: "lamp", quantity: 1 } });
const removeLamp = orderCommands.RemoveItem({ itemId: "lamp" });
const open = testCommands.Create({ body: "hello" });
const by = { actor: "ann" };

/** A store that lets somebody else act right before its next transaction. */
class BusyStore extends MemoryStore {
  meanwhile: (() => Promise<unknown>) | undefined;

  override async saveAll(...args: Parameters<MemoryStore["saveAll"]>): Promise<void> {
    const act = this.meanwhile;
    this.meanwhile = undefined;
    await act?.();
    return super.saveAll(...args);
  }
}

function scene(options: RepositoryOptions = {}) {
  const clock = new FakeClock();
  const store = new BusyStore({ clock });
  const orders: Repository<OrderTypes> = new Repository(order, store, { clock, ...options });
  const tests: Repository<TestTypes> = new Repository(defineTest(), store, { clock, ...options });
  return { clock, store, orders, tests };
}

async function draft(options: RepositoryOptions = {}) {
  const made = scene(options);
  await made.orders.apply(create, { id: "o-1", ...by });
  await made.tests.apply(open, { id: "t-1", ...by });
  return made;
}

describe("commands to several aggregates", () => {
  test("are stored together, and answered each with its own state", async () => {
    const { orders, tests } = scene({ newId: () => "made" });
    const [placed, opened] = await orders.applyAll(
      [commandFor(orders, [create, addLamp], { id: "o-1" }), commandFor(tests, open)],
      by,
    );
    expect(placed).toMatchObject({ id: "o-1", version: 2n, skipped: false, aggregate: { itemCount: 1 } });
    expect(opened).toMatchObject({ id: "made", version: 2n, events: [{ body: "hello", actor: "ann" }, {}] });
    expect(await orders.load("o-1")).toEqual(placed.aggregate);
    expect(await tests.load("made")).toEqual(opened.aggregate);
  });

  test("are all refused by the rule of one", async () => {
    const { orders, tests } = await draft();
    await orders.apply(addLamp, { id: "o-1", ...by });
    const lists = [
      [commandFor(tests, testCommands.Lock({}), { id: "t-1" }), commandFor(orders, addLamp, { id: "o-1" })],
      [commandFor(orders, addLamp, { id: "o-1" }), commandFor(tests, testCommands.Lock({}), { id: "t-1" })],
    ] as const;
    for (const list of lists) expect(await failure(orders.applyAll(list, by))).toBeInstanceOf(ItemAlreadyThere);
    expect((await tests.load("t-1")).version).toBe(2n);
  });

  test("take their unique values, or nothing is stored", async () => {
    const { store, orders, clock } = scene();
    const unique = defineOrder({ unique: { customer: ({ customerId }) => customerId } });
    const customers = new Repository(unique, store, { clock });
    await customers.applyAll([commandFor(customers, create, { id: "o-1" })], by);
    const second = [commandFor(orders, create, { id: "o-2" }), commandFor(customers, create, { id: "o-3" })] as const;
    expect(await failure(orders.applyAll(second, by))).toMatchObject({ code: "claim_taken" });
    expect(await failure(orders.load("o-2"))).toMatchObject({ code: "not_found" });
  });

  test("are all decided again when one aggregate changed meanwhile", async () => {
    const { store, orders, tests } = await draft();
    store.meanwhile = () => orders.apply(addLamp, { id: "o-1", ...by });
    const list = [
      commandFor(tests, testCommands.Lock({}), { id: "t-1" }),
      commandFor(orders, addLamp, { id: "o-1" }),
    ] as const;
    expect(await failure(tests.applyAll(list, by))).toBeInstanceOf(ItemAlreadyThere);
    store.meanwhile = () => orders.apply(orderCommands.AddTag({ tag: { key: "a" } }), { id: "o-1", ...by });
    const [locked, removed] = await tests.applyAll([list[0], commandFor(orders, removeLamp, { id: "o-1" })], by);
    expect([locked.version, removed.version]).toEqual([4n, 4n]);
  });

  test("hold an aggregate that has nothing to do at the version of that decision", async () => {
    const { store, orders, tests } = await draft();
    const list = [
      commandFor(tests, testCommands.Lock({}), { id: "t-1" }),
      commandFor(orders, removeLamp, { id: "o-1" }),
    ] as const;
    store.meanwhile = () => orders.apply(addLamp, { id: "o-1", ...by });
    const [locked, removed] = await tests.applyAll(list, by);
    expect([locked.skipped, removed.skipped]).toEqual([false, false]);
    expect(removed.aggregate.itemCount).toBe(0);
  });

  test("that all have nothing to do store nothing", async () => {
    const { store, orders } = await draft();
    store.meanwhile = () => Promise.reject(new Error("nothing is to be saved"));
    const [removed] = await orders.applyAll([commandFor(orders, removeLamp, { id: "o-1" })], by);
    expect(removed).toMatchObject({ skipped: true, version: 1n, events: [] });
  });

  test("are known again by their commandId, as one", async () => {
    const { orders, tests } = await draft();
    const list = [
      commandFor(orders, addLamp, { id: "o-1" }),
      commandFor(tests, testCommands.Lock({}), { id: "t-1" }),
    ] as const;
    await orders.applyAll(list, { ...by, commandId: "m-1" });
    await tests.apply(testCommands.Unlock({}), { id: "t-1", ...by });
    const again = await orders.applyAll(list, { ...by, commandId: "m-1" });
    expect(again).toMatchObject([
      { id: "o-1", version: 2n, repeated: true, events: [] },
      { id: "t-1", version: 5n, repeated: true, events: [] },
    ]);
  });

  test("meet the version that the caller decided on, or nothing is stored", async () => {
    const { orders, tests } = await draft();
    const lock = (expectedVersion: bigint) => commandFor(tests, testCommands.Lock({}), { id: "t-1", expectedVersion });
    const add = commandFor(orders, addLamp, { id: "o-1" });
    const error = await failure(orders.applyAll([add, lock(7n)], by));
    expect(isProtosourceError(error, "version_conflict") && error.details).toEqual({ aggregateId: "t-1", version: 2n });
    expect((await orders.load("o-1")).version).toBe(1n);
    const [added] = await orders.applyAll([add, lock(2n)], by);
    expect(added.version).toBe(2n);
  });

  test("write their rows with the events where those are transactional", async () => {
    const { store, orders, tests } = scene({ materialize: "transactional" });
    await orders.applyAll([commandFor(orders, create, { id: "o-1" }), commandFor(tests, open, { id: "t-1" })], by);
    const pks = ["example_app_order_v1#order#id#o-1", "example_app_test_v1#test#id#t-1"];
    const rows = await Promise.all(pks.map((pk) => store.opaqueStore.get({ pk, sk: "AGG" })));
    expect(rows.map((row) => row?.version)).toEqual([1n, 2n]);
  });
});

describe("what can't be one transaction is refused", () => {
  test.each([
    ["no commands", () => []],
    [
      "one aggregate twice",
      ({ orders }) => [commandFor(orders, addLamp, { id: "o-1" }), commandFor(orders, removeLamp, { id: "o-1" })],
    ],
    [
      "stores of which one knows nothing of the other",
      ({ orders }) => [commandFor(orders, addLamp, { id: "o-1" }), commandFor(scene().tests, open, { id: "t-2" })],
    ],
    ["what no repository made", () => [{ repository: {}, command: addLamp, id: "o-1" }]],
    ["a missing id", ({ orders }) => [commandFor(orders, addLamp)]],
  ] satisfies readonly (readonly [string, (made: ReturnType<typeof scene>) => readonly object[]])[])(
    "%s",
    async (_, listOf) => {
      const made = await draft();
      const list = listOf(made) as Parameters<typeof made.orders.applyAll>[0];
      expect(await failure(made.orders.applyAll(list, by))).toMatchObject({ code: "invalid_argument" });
      expect((await made.orders.load("o-1")).version).toBe(1n);
    },
  );

  test("an id that would be made anew at each call, with a commandId", async () => {
    const { orders, tests } = await draft({ newId: () => "made" });
    const list = [commandFor(orders, addLamp, { id: "o-1" }), commandFor(tests, open)] as const;
    expect(await failure(orders.applyAll(list, { ...by, commandId: "m-1" }))).toMatchObject({
      code: "invalid_argument",
    });
  });

  test("a store without transactions", async () => {
    const { store } = scene();
    const plain = { save: store.save.bind(store), load: store.load.bind(store) };
    const orders = new Repository(order, plain);
    const error = await failure(orders.applyAll([commandFor(orders, create, { id: "o-1" })], by));
    expect(error).toMatchObject({ code: "not_configured" });
  });

  test("more than a transaction holds", async () => {
    const { orders, tests } = await draft();
    const many = Array.from({ length: 99 }, (_, i) => orderCommands.AddTag({ tag: { key: `k-${i}` } }));
    const list = [
      commandFor(orders, many, { id: "o-1" }),
      commandFor(tests, testCommands.Lock({}), { id: "t-1" }),
    ] as const;
    const error = await failure(orders.applyAll(list, by));
    expect(isProtosourceError(error, "too_large") && error.details).toMatchObject({ what: "command", limit: 100 });
    expect((await tests.load("t-1")).version).toBe(2n);
  });
});
