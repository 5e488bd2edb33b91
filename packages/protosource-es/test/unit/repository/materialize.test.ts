import { type Logger, ProtosourceError, Repository, type RepositoryOptions } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { rehydrate } from "protosource-es/opaquedata";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import { OrderSchema, OrderSummarySchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { OrderSummaryQueries, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../order.js";

const PK = "example_app_order_v1#order#id#o-1";
const options = { id: "o-1", actor: "ann" };
const create = orderCommands.Create({ customerId: "c-9", customerName: "Zoë" });
const add = orderCommands.AddItem({ item: { itemId: "i", priceCents: 5n, quantity: 3 } });

function scene(repositoryOptions: RepositoryOptions = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const logger = { warn: vi.fn<Logger["warn"]>() };
  const orders = new Repository(order, store, { clock, logger, ...repositoryOptions });
  const row = (sk: string) => store.opaqueStore.get({ pk: PK, sk });
  return { clock, store, orders, logger, row };
}

describe.each(["best-effort", "transactional"] as const)("%s", (materialize) => {
  test("writes the rows of the aggregate and its projections, with the version of the state", async () => {
    const { orders, row } = scene({ materialize });
    const { aggregate, version } = await orders.apply([create, add], options);
    const [own, summary] = [await row("AGG"), await row("PROJ#OrderSummary")];
    expect(own && rehydrate(OrderSchema, own)).toEqual(aggregate);
    expect(summary && rehydrate(OrderSummarySchema, summary)).toMatchObject({
      id: "o-1",
      customerId: "c-9",
      customerName: "Zoë",
      totalCents: 15n,
      itemCount: 1,
      createAt: aggregate.createAt,
    });
    expect([own?.version, summary?.version]).toEqual([version, version]);
  });

  test("the generated queries find them", async () => {
    const { orders, store } = scene({ materialize });
    await orders.apply([create, add], options);
    const summaries = new OrderSummaryQueries(store.opaqueStore);
    expect((await summaries.selectByCustomerId("c-9")).items).toMatchObject([{ id: "o-1", itemCount: 1 }]);
  });

  test("writes nothing when the command is refused", async () => {
    const { orders, row } = scene({ materialize });
    await failure(orders.apply([create, add, add], options));
    expect(await row("AGG")).toBeUndefined();
  });
});

describe("best-effort", () => {
  test("logs a failure, keeps the events, and heals with the next command", async () => {
    const { orders, store, logger, row } = scene();
    const broken = new Error("throttled");
    vi.spyOn(store, "saveAggregate").mockRejectedValueOnce(broken);
    await orders.apply(create, options);
    expect(logger.warn).toHaveBeenCalledTimes(1);
    expect(logger.warn).toHaveBeenCalledWith(expect.stringContaining("o-1"), { error: broken });
    expect(await row("AGG")).toBeUndefined();
    expect(await row("PROJ#OrderSummary")).toBeDefined();
    await orders.apply(add, options);
    expect((await row("AGG"))?.version).toBe(2n);
  });

  test("goes on when the signal is aborted after the events are stored", async () => {
    const { orders, store, row } = scene();
    const controller = new AbortController();
    const save = store.save.bind(store);
    vi.spyOn(store, "save").mockImplementation(async (...args) => {
      await save(...args);
      controller.abort();
    });
    await orders.apply(create, { ...options, signal: controller.signal });
    expect(await row("AGG")).toBeDefined();
  });

  test("an older row never replaces a newer one", async () => {
    const { orders, store, row, logger } = scene();
    await orders.apply(create, options);
    const saveAggregate = store.saveAggregate.bind(store);
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const spy = vi.spyOn(store, "saveAggregate").mockImplementation(async (...args) => {
      await held;
      return saveAggregate(...args);
    });
    const slow = orders.apply(add, options);
    await vi.waitUntil(() => spy.mock.calls.length === 2);
    spy.mockRestore();
    await orders.apply(orderCommands.Place({}), options);
    release();
    await slow;
    expect((await row("AGG"))?.version).toBe(3n);
    expect(logger.warn).not.toHaveBeenCalled();
  });

  test("a store that keeps no rows is said once", async () => {
    const { orders, store, logger } = scene();
    const refusal = new ProtosourceError("not_configured", "no OpaqueStore", { option: "opaqueStore" });
    vi.spyOn(store, "saveAggregate").mockRejectedValue(refusal);
    await orders.apply(create, options);
    await orders.apply(add, options);
    expect(logger.warn).toHaveBeenCalledTimes(1);
  });

  test("a store without saveAggregate is taken as it is", async () => {
    const { store, logger } = scene();
    const plain = { save: store.save.bind(store), load: store.load.bind(store) };
    await new Repository(order, plain, { logger }).apply(create, options);
    expect(logger.warn).not.toHaveBeenCalled();
  });
});

test("transactional rows are written with the events or not at all", async () => {
  const { orders, store, row } = scene({ materialize: "transactional" });
  await orders.apply(create, options);
  const saveAll = vi.spyOn(store, "saveAll").mockRejectedValueOnce(new Error("broken"));
  await failure(orders.apply(add, options));
  expect((await row("AGG"))?.version).toBe(1n);
  expect((await orders.load("o-1")).version).toBe(1n);
  await orders.apply(add, options);
  const [writes, given] = saveAll.mock.calls[1] ?? [];
  expect(writes).toMatchObject([{ aggregateId: "example_app_order_v1#o-1", records: [{ version: 2n }] }]);
  expect(given?.rows).toHaveLength(2);
  expect((await row("AGG"))?.version).toBe(2n);
});

test("off writes no rows", async () => {
  const { orders, row } = scene({ materialize: "off" });
  await orders.apply(create, options);
  expect(await row("AGG")).toBeUndefined();
});
