/** What a load of the past and a load of many may be asked for, and what they read. */
import { Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import { orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../order.js";
import { redefined, setRole } from "../../redefine.js";

const options = { id: "o-1", actor: "ann" };

/** An order with many events and a snapshot after every tenth version. */
async function scene() {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const definition = redefined(order, (proto) => setRole(proto, "Snapshot", "snapshot", { everyNEvents: 10 }));
  const cache = new Map();
  const orders = new Repository(definition, store, { clock, cache });
  await orders.apply(orderCommands.Create({}), options);
  for (let i = 0; i < 60; i++) await orders.apply(orderCommands.AddTag({ tag: { key: `k${i}` } }), options);
  let given = 0;
  const events = store.events.bind(store);
  vi.spyOn(store, "events").mockImplementation(async function* (...args) {
    for await (const record of events(...args)) {
      given++;
      yield record;
    }
  });
  return { clock, store, orders, cache, given: () => given };
}

describe("a moment that can't be", () => {
  test.each([
    ["version 0", 0n],
    ["a version over 64 bits", 2n ** 63n],
    ["no date", new Date(Number.NaN)],
    ["a number", 3 as unknown as bigint],
    ["microseconds as a number", { micros: 3 } as unknown as bigint],
    ["null", null as unknown as bigint],
  ])("%s", async (_, at) => {
    const { orders } = await scene();
    const expected = { code: "invalid_argument", details: { argument: "at" } };
    expect(await failure(orders.load("o-1", { at }))).toMatchObject(expected);
    expect(await failure(orders.loadMany(["o-1"], { at }))).toMatchObject(expected);
  });
});

test("a load of a version reads back to the snapshot before it", async () => {
  const { orders, given } = await scene();
  expect(await orders.load("o-1", { at: 25n })).toMatchObject({ version: 25n });
  expect(given()).toBe(10);
});

test("a part of a history is read with the snapshots within it, and no more", async () => {
  const { orders, given } = await scene();
  const before = given();
  expect(await orders.history("o-1", { limit: 18, reverse: true })).toHaveLength(18);
  // The first record of the stream tells that there is one life.
  expect(given() - before).toBeLessThanOrEqual(1 + 20);
});

test("what a load of the past gives isn't kept for the next command", async () => {
  const { orders, cache } = await scene();
  const kept = cache.get("example_app_order_v1#o-1");
  await orders.load("o-1", { at: 5n });
  expect(cache.get("example_app_order_v1#o-1")).toBe(kept);
  cache.clear();
  await orders.load("o-1", { at: 5n });
  expect(cache.size).toBe(0);
});

test("a store that can't read a part gives the past of all", async () => {
  const { clock, store } = await scene();
  const plain = { save: store.save.bind(store), load: store.load.bind(store) };
  const orders = new Repository(order, plain, { clock, materialize: "off" });
  expect(await orders.load("o-1", { at: 25n })).toMatchObject({ version: 25n });
  expect(await orders.exists("o-1")).toBe(true);
});

describe("many at once", () => {
  test("an empty id and a concurrency that can't be are refused before anything is read", async () => {
    const { orders, store } = await scene();
    const loadTail = vi.spyOn(store, "loadTail");
    expect(await failure(orders.loadMany(["o-1", ""]))).toMatchObject({ details: { argument: "id" } });
    expect(await failure(orders.loadMany(["o-1"], { concurrency: 0 }))).toMatchObject({
      details: { argument: "concurrency" },
    });
    expect(await orders.loadMany([])).toEqual([]);
    expect(loadTail).not.toHaveBeenCalled();
  });

  test("no more than so many are read at a time, and an abort ends them", async () => {
    const { orders, store } = await scene();
    const controller = new AbortController();
    let [running, most, calls] = [0, 0, 0];
    const loadTail = store.loadTail.bind(store);
    vi.spyOn(store, "loadTail").mockImplementation(async (...args) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 0));
      running--;
      if (++calls === 4) controller.abort();
      return loadTail(...args);
    });
    const ids = Array.from({ length: 20 }, (_, i) => `o-${i}`);
    const { signal } = controller;
    expect(await failure(orders.loadMany(ids, { concurrency: 3, signal }))).toMatchObject({ code: "cancelled" });
    expect(most).toBe(3);
    expect(calls).toBeLessThan(10);
  });
});
