/** What a repository reads of a stream, and what it appends to one. */
import { create } from "@bufbuild/protobuf";
import { Repository } from "protosource-es";
import { MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer, jsonSerializer } from "protosource-es/serializer";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import { CreatedSchema, TagAddedSchema, TagSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { orderCommands, orderEvents } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { CreatedSchema as CardCreatedSchema } from "../../gen/example/app/test/v1/test_v1_pb.js";
import { defineTest, testCommands, testEvents } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";

const STREAM = "example_app_order_v1#o-1";
const options = { id: "o-1", actor: "ann" };

function scene() {
  const clock = new FakeClock();
  const streams: MemoryStreams = new Map();
  const store = new MemoryStore({ clock, streams });
  return { clock, store, streams, orders: new Repository(order, store, { clock }) };
}

describe("loading", () => {
  test("what isn't there", async () => {
    const { orders } = scene();
    expect(await failure(orders.load("o-1"))).toMatchObject({
      code: "not_found",
      details: { aggregateId: "o-1", reason: "unknown" },
    });
    expect(await orders.history("o-1")).toEqual([]);
  });

  test("an empty id", async () => {
    const { orders } = scene();
    for (const call of [orders.load(""), orders.history(""), orders.save("", [])]) {
      expect(await failure(call)).toMatchObject({ code: "invalid_argument", details: { argument: "id" } });
    }
  });

  test.each([
    [
      "of another aggregate",
      binarySerializer.serialize(CardCreatedSchema, create(CardCreatedSchema)),
      "example.app.test.v1.Created",
    ],
    ["that is no event", binarySerializer.serialize(TagSchema, create(TagSchema)), "example.app.order.v1.Tag"],
  ])("a record %s is an unknown event, never skipped", async (_, data, typeName) => {
    const { orders, store } = scene();
    await orders.apply(orderCommands.Create({}), options);
    await store.save(STREAM, [create(StoredRecordSchema, { version: 2n, data })]);
    const expected = { code: "unhandled_event", details: { typeName, aggregateId: STREAM, version: 2n } };
    expect(await failure(orders.load("o-1"))).toMatchObject(expected);
    expect(await failure(orders.history("o-1"))).toMatchObject(expected);
    expect(await failure(orders.apply(orderCommands.Place({}), options))).toMatchObject(expected);
    expect(await failure(orders.apply(orderCommands.Create({}), options))).toMatchObject(expected);
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["truncated gzip", Uint8Array.of(0x1f, 0x8b, 8, 0, 0)],
    ["JSON", jsonSerializer.serialize(CreatedSchema, create(CreatedSchema))],
    [
      "a collection key that can't be held",
      binarySerializer.serialize(TagAddedSchema, create(TagAddedSchema, { tag: { key: "__proto__" } })),
    ],
  ])("a record with %s is corrupt", async (_, data) => {
    const { orders, store } = scene();
    await orders.apply(orderCommands.Create({}), options);
    await store.save(STREAM, [create(StoredRecordSchema, { version: 2n, data })]);
    expect(await failure(orders.apply(orderCommands.Place({}), options))).toMatchObject({
      code: "corrupt_record",
      details: { version: 2n },
      message: expect.stringContaining(STREAM),
    });
  });

  test("an event takes the version of its record", async () => {
    const { orders, store } = scene();
    const data = binarySerializer.serialize(CreatedSchema, create(CreatedSchema, { id: "o-1" }));
    await store.save(STREAM, [create(StoredRecordSchema, { version: 1n, data })]);
    expect((await orders.load("o-1")).version).toBe(1n);
    expect((await orders.apply(orderCommands.Place({}), options)).version).toBe(2n);
  });

  test("what the JSON serializer wrote, compressed and not", async () => {
    const { store, clock } = scene();
    const orders = new Repository(order, store, { serializer: jsonSerializer, clock, compressThreshold: 200 });
    const item = { itemId: "i", description: "x".repeat(500) };
    await orders.apply([orderCommands.Create({}), orderCommands.AddItem({ item })], options);
    expect((await orders.load("o-1")).items["i"]).toMatchObject(item);
    const { records } = await store.load(STREAM);
    expect(records.map(({ data }) => data[0])).toEqual(["{".charCodeAt(0), 0x1f]);
    const plain = new Repository(order, store, { serializer: jsonSerializer, clock, compressThreshold: 0 });
    await plain.apply(orderCommands.AddItem({ item: { ...item, itemId: "j" } }), options);
    expect((await store.load(STREAM)).records[2]?.data[0]).toBe("{".charCodeAt(0));
  });
});

test("a store that packs gets its records plain, and as many as there are", async () => {
  const store = Object.assign(new MemoryStore(), { packs: true });
  const saveAll = vi.spyOn(store, "saveAll");
  const orders = new Repository(order, store, { materialize: "off" });
  const value = "x".repeat(500);
  const tags = Array.from({ length: 150 }, (_, i) => orderCommands.AddTag({ tag: { key: `k${i}`, value } }));
  await orders.apply([orderCommands.Create({}), ...tags], options);
  expect(saveAll).toHaveBeenCalledTimes(1);
  const [writes] = saveAll.mock.calls[0] ?? [];
  expect(writes?.[0]?.records).toHaveLength(154);
  expect(writes?.[0]?.records.every(({ data }) => data[0] === 0x0a)).toBe(true);
});

describe("saving events that were made elsewhere", () => {
  const created = orderEvents.Created({ customerId: "c-9", at: 5n, actor: "eve" });
  const tag = (key: string) => orderEvents.TagAdded({ tag: { key } });

  test("fills in ids, versions and times, and writes the rows", async () => {
    const { orders, clock, store } = scene();
    expect(await orders.save("o-1", [created, tag("a")])).toEqual({ version: 2n });
    expect(await orders.save("o-1", [tag("b")])).toEqual({ version: 3n });
    expect(await orders.history("o-1")).toMatchObject([
      { id: "o-1", version: 1n, at: 5n, actor: "eve" },
      { id: "o-1", version: 2n, at: clock.now() },
      { version: 3n },
    ]);
    expect(await orders.load("o-1")).toMatchObject({ createAt: 5n, createBy: "eve", customerId: "c-9" });
    const row = await store.opaqueStore.get({ pk: "example_app_order_v1#order#id#o-1", sk: "AGG" });
    expect(row?.version).toBe(3n);
    expect([created.id, created.version]).toEqual(["", 0n]);
  });

  test("puts snapshots where they are due, and takes a history as it is", async () => {
    const clock = new FakeClock();
    const from = new Repository(defineTest(), new MemoryStore({ clock }), { clock });
    const card = { id: "t-1", actor: "ann" };
    await from.apply(testCommands.Create({ body: "b" }), card);
    for (const body of ["c", "d", "e"]) await from.apply(testCommands.Update({ body }), card);
    const history = await from.history("t-1");
    expect(history.map(({ version }) => Number(version))).toEqual([1, 2, 3, 5, 6]);

    const store = new MemoryStore({ clock });
    const to = new Repository(defineTest(), store, { clock });
    expect(await to.save("t-1", history)).toEqual({ version: 7n });
    expect(await to.load("t-1")).toEqual(await from.load("t-1"));
    expect((await store.load("example_app_test_v1#t-1")).records).toHaveLength(7);
  });

  test("in more than one transaction", async () => {
    const { orders } = scene();
    const tags = Array.from({ length: 250 }, (_, i) => tag(`k${i}`));
    // Snapshots follow versions 50, 100, … 250.
    expect(await orders.save("o-1", [created, ...tags])).toEqual({ version: 256n });
    expect(Object.keys((await orders.load("o-1")).tags)).toHaveLength(250);
  });

  test("nothing", async () => {
    const { orders } = scene();
    expect(await orders.save("o-1", [])).toEqual({ version: 0n });
    await orders.save("o-1", [created]);
    expect(await orders.save("o-1", [])).toEqual({ version: 1n });
  });

  test("refuses what doesn't belong there", async () => {
    const { orders } = scene();
    await orders.save("o-1", [created]);
    const refused = (events: unknown, expectedVersion?: bigint) =>
      failure(orders.save("o-1", events as never, { expectedVersion }));
    expect(await refused([orderEvents.TagAdded({ id: "o-2" })])).toMatchObject({ code: "invalid_argument" });
    expect(await refused([testEvents.Locked({})])).toMatchObject({ code: "unhandled_event" });
    expect(await refused([orderEvents.TagAdded({ version: 1n })])).toMatchObject({ code: "version_conflict" });
    expect(await refused([orderEvents.TagAdded({ version: 3n })])).toMatchObject({ code: "version_conflict" });
    expect(await refused([tag("a")], 0n)).toMatchObject({ code: "version_conflict", details: { version: 1n } });
    expect(await refused([tag("__proto__")])).toMatchObject({ code: "validation_failed" });
    expect(await orders.save("o-1", [orderEvents.TagAdded({ version: 2n })], { expectedVersion: 1n })).toEqual({
      version: 2n,
    });
  });
});
