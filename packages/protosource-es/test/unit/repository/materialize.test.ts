import { type Logger, ProtosourceError, Repository, type RepositoryOptions, rebuild } from "protosource-es";
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

  test("refuses, before anything is stored, a row with a key that no index takes", async () => {
    const { orders, store, logger, row } = scene({ materialize });
    const long = orderCommands.Create({ customerId: "ü".repeat(1100) });
    expect(await failure(orders.apply(long, options))).toMatchObject({
      code: "too_large",
      details: { what: "gsi1pk", limit: 2048 },
    });
    expect((await store.load("example_app_order_v1#o-1")).records).toEqual([]);
    expect(await row("AGG")).toBeUndefined();
    expect(logger.warn).not.toHaveBeenCalled();
  });

  test("leaves such a row out of the index alone, where the repository says so", async () => {
    const { orders, store, row, clock } = scene({ materialize, longIndexKeys: "omit" });
    const customerId = "ü".repeat(1100);
    await orders.apply(orderCommands.Create({ customerId }), options);
    const stored = await row("AGG");
    expect(stored).toMatchObject({ version: 1n, gsi1pk: "", gsi1sk: "" });
    expect(stored && rehydrate(OrderSchema, stored)).toMatchObject({ customerId });
    const rebuilt = await rebuild([order], store, store.opaqueStore, { clock, longIndexKeys: "omit" });
    expect(rebuilt).toMatchObject({ written: 0, unchanged: 2, failed: 0 });
  });

  test("writes nothing when the command is refused", async () => {
    const { orders, row } = scene({ materialize });
    await failure(orders.apply([create, add, add], options));
    expect(await row("AGG")).toBeUndefined();
  });
});

describe("best-effort", () => {
  test("refuses a row that is larger than the store takes, and takes one that gzip makes small enough", async () => {
    const { orders, store } = scene();
    Object.assign(store, { maxRowBytes: 4000 });
    await orders.apply(create, options);
    const described = (description: string) => orderCommands.AddItem({ item: { itemId: "i", description } });
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(4000))).toString("base64");
    expect(await failure(orders.apply(described(noise), options))).toMatchObject({
      code: "too_large",
      details: { what: "the row of example.app.order.v1.Order", limit: 4000 },
    });
    expect(await orders.apply(described("x".repeat(100_000)), options)).toMatchObject({ version: 2n });
  });

  test("counts the rows that failed, and a logger that throws fails nothing", async () => {
    const told: number[] = [];
    const logger = {
      warn() {
        throw new Error("log pipe closed");
      },
    };
    const { orders, store } = scene({
      logger,
      observe: async (operation, run) => {
        const outcome = await run();
        told.push(operation.rowsFailed);
        return outcome;
      },
    });
    vi.spyOn(store, "saveAggregate").mockRejectedValueOnce(new Error("throttled"));
    expect(await orders.apply(create, options)).toMatchObject({ version: 1n });
    expect(await orders.apply(add, options)).toMatchObject({ version: 2n });
    expect(told).toEqual([1, 0]);
  });

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
    await expect.poll(() => spy.mock.calls.length).toBe(2);
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
