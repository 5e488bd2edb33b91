/** Parts of a history, and what lies below a repository. */
import { equals } from "@bufbuild/protobuf";
import fc from "fast-check";
import { fromRecord, project, Repository, streamId, streamPrefix, toRecord } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { jsonSerializer } from "protosource-es/serializer";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import { CreatedSchema, OrderSchema, OrderSummarySchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { type OrderTypes, orderCommands, orderEvents } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { TestSchema } from "../../gen/example/app/test/v1/test_v1_pb.js";
import {
  defineTest,
  type TestTypes,
  testCommands,
  testEvents,
} from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";
import { redefined } from "../../redefine.js";

const by = { actor: "ann" };
const withoutSnapshots = redefined(order, (proto) => {
  proto.messageType = proto.messageType.filter(({ name }) => name !== "Snapshot");
});

describe("a part of a history", () => {
  const range = fc.record(
    {
      from: fc.bigInt({ min: 1n, max: 12n }),
      length: fc.bigInt({ min: 0n, max: 12n }),
      limit: fc.integer({ min: 1, max: 12 }),
      reverse: fc.boolean(),
    },
    { requiredKeys: [] },
  );

  test.each([
    ["of a stream that never expires", (store: MemoryStore) => new Repository<OrderTypes>(order, store), false],
    ["of one that does", (store: MemoryStore) => new Repository<OrderTypes>(order, store), true],
  ])("%s is that part of the whole", async (_, open, expires) => {
    const store = new MemoryStore(expires ? { ttlSeconds: 1000 } : {});
    const orders = open(store);
    await orders.apply([orderCommands.Create({}), ...Array.from({ length: 9 }, (_, i) => tag(i))], {
      id: "o-1",
      ...by,
    });
    const whole = await orders.history("o-1");
    const law = fc.asyncProperty(range, async ({ from, length, limit, reverse }) => {
      const to = length === undefined ? undefined : (from ?? 1n) + length;
      const part = await orders.history("o-1", { from, to, limit, reverse });
      const found = whole.filter(({ version }) => version >= (from ?? 1n) && version <= (to ?? 99n));
      expect(part).toEqual((reverse ? found.toReversed() : found).slice(0, limit));
    });
    await fc.assert(law);
  });

  test("reads no more than it, and the beginning of the stream", async () => {
    const store = new MemoryStore();
    const orders = new Repository(order, store);
    await orders.apply([orderCommands.Create({}), ...Array.from({ length: 60 }, (_, i) => tag(i))], {
      id: "o-1",
      ...by,
    });
    const load = vi.spyOn(store, "load");
    expect((await orders.history("o-1", { reverse: true, limit: 2 })).map(({ version }) => version)).toEqual([
      62n,
      61n,
    ]);
    expect(load).not.toHaveBeenCalled();
  });

  test("is of the life that the aggregate is in", async () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const tests: Repository<TestTypes> = new Repository(defineTest(), store, { clock });
    await tests.apply(testCommands.Create({ body: "first" }), { id: "t-1", ...by });
    clock.advanceSeconds(86_401);
    await tests.apply(testCommands.Create({ body: "second" }), { id: "t-1", ...by });
    const part = await tests.history("t-1", { from: 1n, limit: 10 });
    expect(part.flatMap((event) => ("body" in event ? [event.body] : []))).toEqual(["second"]);
  });

  test("is of the life that the aggregate is in, also where events got their time to live after the first", async () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const definition = defineTest();
    const ttl = clock.now() / 1_000_000n + 1000n;
    await store.save(streamId(definition, "t-1"), [
      toRecord(definition, testEvents.Created({ version: 1n, body: "first" })),
      toRecord(definition, testEvents.Locked({ version: 2n }), { ttl }),
      toRecord(definition, testEvents.Created({ version: 3n, body: "second" })),
    ]);
    const tests: Repository<TestTypes> = new Repository(definition, store, { clock });
    const whole = await tests.history("t-1");
    expect(whole.map(({ version }) => version)).toEqual([3n]);
    expect(await tests.history("t-1", { from: 1n })).toEqual(whole);
  });

  test("is of the life that the aggregate is in, also where events have no time to live any more", async () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const ttl = clock.now() / 1_000_000n + 1000n;
    await store.save(streamId(order, "o-1"), [
      toRecord(order, orderEvents.Created({ version: 1n }), { ttl }),
      toRecord(order, orderEvents.Created({ version: 2n })),
    ]);
    const orders = new Repository(order, store, { clock });
    expect((await orders.history("o-1", { from: 1n })).map(({ version }) => version)).toEqual([2n]);
  });

  test.each([{ from: 0n }, { from: 3n, to: 2n }, { limit: 0 }, { limit: 1.5 }])("can't be %o", async (options) => {
    const error = await failure(new Repository(order, new MemoryStore()).history("o-1", options));
    expect(error).toMatchObject({ code: "invalid_argument" });
  });
});

describe("events that are appended behind a known version", () => {
  test("need the last record alone where nothing is made of the state", async () => {
    const store = new MemoryStore();
    const orders = new Repository(order, store, { materialize: "off" });
    const plain = { save: store.save.bind(store), load: store.load.bind(store), loadTail: store.loadTail.bind(store) };
    const appending = new Repository(withoutSnapshots, plain);
    const reads = [vi.spyOn(plain, "load"), vi.spyOn(plain, "loadTail")];
    await orders.apply(orderCommands.Create({}), { id: "o-1", ...by });
    const added = orderEvents.TagAdded({ tag: { key: "a" }, actor: "ann" });
    for (const expectedVersion of [0n, 2n]) {
      expect(await failure(appending.save("o-1", [added], { expectedVersion }))).toMatchObject({
        code: "version_conflict",
      });
    }
    expect(await appending.save("o-1", [added], { expectedVersion: 1n })).toEqual({ version: 2n });
    expect(reads.map(({ mock }) => mock.calls.map(([, length]) => length))).toEqual([[], [1, 1, 1]]);
    expect((await orders.load("o-1")).tags).toMatchObject({ a: {} });
  });
});

describe("events that are appended behind what expires", () => {
  const added = orderEvents.TagAdded({ tag: { key: "a" }, actor: "ann" });

  async function scene() {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const ttl = clock.now() / 1_000_000n + 1000n;
    const created = orderEvents.Created({ id: "o-1", version: 1n });
    await store.save(streamId(order, "o-1"), [toRecord(order, created, { ttl })]);
    return { clock, store, ttl, orders: new Repository(withoutSnapshots, store, { clock, materialize: "off" }) };
  }

  test("expire with it, so that no part of a life is left", async () => {
    const { store, ttl, orders } = await scene();
    expect(await orders.save("o-1", [added], { expectedVersion: 1n })).toEqual({ version: 2n });
    const { records } = await store.load(streamId(order, "o-1"));
    expect(records.map((record) => record.ttl)).toEqual([ttl, ttl]);
  });

  test("are refused once it has expired", async () => {
    const { clock, orders } = await scene();
    clock.advanceSeconds(1001);
    expect(await failure(orders.save("o-1", [added], { expectedVersion: 1n }))).toMatchObject({ code: "not_created" });
  });
});

describe("below the repository", () => {
  test("a stream has its prefix and its id", () => {
    expect([streamPrefix(order), streamId(order, "o#1")]).toEqual([
      "example_app_order_v1#",
      "example_app_order_v1#o#1",
    ]);
  });

  test.each([undefined, jsonSerializer])("an event becomes a record and comes back", (serializer) => {
    const text = fc.string({ unit: "grapheme", maxLength: 400 });
    const law = fc.property(text, fc.nat(500), (customerName, compressThreshold) => {
      const event = orderEvents.Created({ id: "o-1", version: 1n, at: 5n, actor: "ann", customerName });
      const record = toRecord(order, event, { serializer, compressThreshold, ttl: 9n });
      expect([record.version, record.ttl]).toEqual([1n, 9n]);
      expect(equals(CreatedSchema, fromRecord(order, record, { serializer }) as typeof event, event)).toBe(true);
    });
    fc.assert(law);
  });

  test("a repository reads what was written so", async () => {
    const store = new MemoryStore();
    const created = orderEvents.Created({ id: "o-1", version: 1n, customerId: "c-9" });
    await store.save(streamId(order, "o-1"), [toRecord(order, created)]);
    const aggregate = await new Repository(order, store).load("o-1");
    expect(project(order, OrderSummarySchema, aggregate)).toMatchObject({ id: "o-1", customerId: "c-9" });
  });

  test("what isn't the aggregate's is refused", () => {
    const foreign = testCommands.Lock({});
    expect(() => toRecord(order, Object.assign(foreign, { version: 1n }))).toThrow(
      expect.objectContaining({ code: "unhandled_event" }),
    );
    expect(() => toRecord(order, orderEvents.Created({}))).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
    expect(() => project(order, TestSchema, {} as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
    expect(OrderSchema.typeName).toBe("example.app.order.v1.Order");
  });
});

function tag(i: number) {
  return orderCommands.AddTag({ tag: { key: `k-${i}` } });
}
