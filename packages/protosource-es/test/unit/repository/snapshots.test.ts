/** Snapshots that can't lie: whatever happened to the interval, a load gives what all events together give. */
import { gunzipSync } from "node:zlib";
import { create, createRegistry, equals, type Message } from "@bufbuild/protobuf";
import { fold, ProtosourceError, Repository, type StoredRecord } from "protosource-es";
import { MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer } from "protosource-es/serializer";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import {
  file_example_app_order_v1_order_v1,
  OrderSchema,
  SnapshotSchema,
  TagAddedSchema,
} from "../../gen/example/app/order/v1/order_v1_pb.js";
import { type OrderAggregate, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../order.js";
import { redefined, setRole } from "../../redefine.js";

const STREAM = "example_app_order_v1#o-1";

/** The order with another interval. */
const every = (everyNEvents: number): OrderAggregate =>
  redefined(order, (proto) => setRole(proto, "Snapshot", "snapshot", { everyNEvents }));

/** The order before there was a snapshot message. */
const withoutSnapshot = redefined(order, (proto) => {
  proto.messageType = proto.messageType.filter(({ name }) => name !== "Snapshot");
});

const clock = new FakeClock();
const registry = createRegistry(file_example_app_order_v1_order_v1);
const decompress = (data: Uint8Array): Uint8Array => (data[0] === 0x1f ? new Uint8Array(gunzipSync(data)) : data);

class Stream {
  readonly streams: MemoryStreams = new Map();
  readonly store = new MemoryStore({ clock, streams: this.streams });
  #tags = 0;

  repository(definition = order) {
    return new Repository(definition, this.store, { clock, materialize: "off" });
  }

  /** Creates the order, or adds tags to it until it has the version. */
  async growTo(version: bigint, definition: OrderAggregate): Promise<void> {
    const orders = this.repository(definition);
    const options = { id: "o-1", actor: "ann" };
    if (!this.streams.has(STREAM)) await orders.apply(orderCommands.Create({ customerId: "c-9" }), options);
    while ((await orders.load("o-1")).version < version) {
      this.#tags += 1;
      await orders.apply(orderCommands.AddTag({ tag: { key: `k${this.#tags}` } }), options);
    }
  }

  async records(): Promise<readonly StoredRecord[]> {
    return (await this.store.load(STREAM)).records;
  }

  async eventAt(version: number): Promise<Message> {
    const data = (await this.records())[version - 1]?.data ?? new Uint8Array();
    return binarySerializer.deserialize(decompress(data), registry, STREAM);
  }

  /** The versions of the snapshots. */
  async snapshots(): Promise<number[]> {
    const events = await new Repository(order, this.store, { clock }).history("o-1");
    const all = (await this.records()).map(({ version }) => Number(version));
    return all.filter((version) => !events.some((event) => Number(event.version) === version));
  }

  /** Checks that a load gives what all events give. */
  async expectTruth(definition: OrderAggregate): Promise<void> {
    const orders = this.repository(definition);
    const loaded = await orders.load("o-1");
    const folded = fold(definition, await orders.history("o-1"));
    folded.version = loaded.version;
    expect(equals(OrderSchema, loaded, folded)).toBe(true);
    expect(Object.keys(loaded.tags)).toHaveLength(this.#tags);
  }
}

describe("writing", () => {
  test("each follows a multiple of the interval, and holds the state before it", async () => {
    const stream = new Stream();
    await stream.growTo(10n, every(4));
    expect(await stream.snapshots()).toEqual([5, 9]);
    const snapshot = await stream.eventAt(5);
    expect(snapshot).toMatchObject({ id: "o-1", version: 5n, actor: "snapshot@system" });
    expect(snapshot).toMatchObject({ snapshot: { id: "o-1", version: 4n, customerId: "c-9", modifyBy: "ann" } });
  });

  test("with an interval of 1, one follows each event", async () => {
    const stream = new Stream();
    await stream.growTo(6n, every(1));
    expect(await stream.snapshots()).toEqual([2, 4, 6]);
    await stream.expectTruth(every(1));
  });

  test("0 and disabled write none, and read those that are stored", async () => {
    for (const off of [
      every(0),
      redefined(order, (proto) => setRole(proto, "Snapshot", "snapshot", { disabled: true })),
    ]) {
      const stream = new Stream();
      await stream.growTo(7n, every(3));
      await stream.growTo(12n, off);
      expect(await stream.snapshots()).toEqual([4, 7]);
      await stream.expectTruth(off);
    }
  });

  test("hold derived fields", async () => {
    const stream = new Stream();
    const orders = stream.repository(every(2));
    const add = orderCommands.AddItem({ item: { itemId: "i", priceCents: 5n, quantity: 3 } });
    await orders.apply([orderCommands.Create({}), add], { id: "o-1", actor: "ann" });
    const snapshot = await stream.eventAt(3);
    expect(snapshot).toMatchObject({
      version: 3n,
      actor: "snapshot@system",
      snapshot: { version: 2n, totalCents: 15n },
    });
  });
});

describe("reading", () => {
  test("takes one tail of the interval's length", async () => {
    const stream = new Stream();
    await stream.growTo(60n, every(10));
    const tails = vi.spyOn(stream.store, "loadTail");
    const whole = vi.spyOn(stream.store, "load");
    await stream.repository(every(10)).load("o-1");
    expect(tails.mock.calls.map(([, n]) => n)).toEqual([10]);
    expect(whole).not.toHaveBeenCalled();
  });

  test.each([
    ["added", 0, 50, 120n],
    ["made shorter", 50, 10, 75n],
    ["made longer, and no multiple", 7, 10, 60n],
    ["made longer, and a multiple", 5, 50, 40n],
    ["taken away", 5, 0, 40n],
  ])("an interval that is %s gives the same state", async (_, before, after, version) => {
    const stream = new Stream();
    await stream.growTo(version, every(before));
    await stream.expectTruth(every(after));
    // Past the next boundary, the wrong state would be frozen in a snapshot.
    await stream.growTo(version + BigInt(after) + 2n, every(after));
    await stream.expectTruth(every(after));
    await stream.expectTruth(every(before));
  });

  test("a snapshot message that is new to a stream gives the same state", async () => {
    const stream = new Stream();
    await stream.growTo(30n, withoutSnapshot);
    await stream.expectTruth(every(10));
    await stream.growTo(35n, every(10));
    await stream.expectTruth(every(10));
  });

  test("a snapshot message that is gone from the schema is an unknown event, not a gap in the state", async () => {
    const stream = new Stream();
    await stream.growTo(12n, every(10));
    expect(await failure(stream.repository(withoutSnapshot).load("o-1"))).toMatchObject({
      code: "unhandled_event",
      details: { typeName: "example.app.order.v1.Snapshot", aggregateId: STREAM, version: 11n },
    });
  });

  test("events that were saved without snapshots give the same state", async () => {
    const stream = new Stream();
    await stream.growTo(3n, every(10));
    const imported = Array.from({ length: 40 }, (_, i) => {
      const version = BigInt(i) + 4n;
      const event = create(TagAddedSchema, { id: "o-1", version, tag: { key: `i${i}` } });
      return create(StoredRecordSchema, { version, data: binarySerializer.serialize(TagAddedSchema, event) });
    });
    await stream.store.save(STREAM, imported);
    const loaded = await stream.repository(every(10)).load("o-1");
    expect(loaded).toMatchObject({ customerId: "c-9", version: 43n });
    expect(Object.keys(loaded.tags)).toHaveLength(42);
  });

  test("a snapshot without a state is no base", async () => {
    const stream = new Stream();
    await stream.growTo(9n, every(50));
    const empty = create(SnapshotSchema, { id: "o-1", version: 10n, actor: "snapshot@system" });
    const data = binarySerializer.serialize(SnapshotSchema, empty);
    await stream.store.save(STREAM, [create(StoredRecordSchema, { version: 10n, data })]);
    expect(await stream.repository(every(3)).load("o-1")).toMatchObject({ customerId: "c-9", version: 10n });
  });

  test("a store without tails is read whole", async () => {
    const stream = new Stream();
    await stream.growTo(12n, every(5));
    const { store } = stream;
    const plain = { save: store.save.bind(store), load: store.load.bind(store) };
    expect(await new Repository(every(5), plain, { clock }).load("o-1")).toEqual(
      await stream.repository(every(5)).load("o-1"),
    );
  });
});

describe("a snapshot that is too large for an item", () => {
  const LIMIT = 400 * 1024;
  /** Text that gzip can't shrink much. */
  const noise = (): string => Array.from({ length: 180_000 }, () => Math.random().toString(36).slice(2, 4)).join("");

  async function large(sharedWithGo?: boolean) {
    const stream = new Stream();
    const refuse = (records: readonly StoredRecord[]): void => {
      const size = Math.max(...records.map(({ data }) => data.length));
      if (size > LIMIT) throw tooLarge(size);
    };
    const { store } = stream;
    const save = store.save.bind(store);
    const saveAll = store.saveAll.bind(store);
    vi.spyOn(store, "save").mockImplementation(async (id, records, options) => {
      refuse(records);
      await save(id, records, options);
    });
    vi.spyOn(store, "saveAll").mockImplementation(async (writes, options) => {
      for (const { records } of writes) refuse(records);
      await saveAll(writes, options);
    });
    const warn = vi.fn();
    const orders = new Repository(every(3), store, { clock, materialize: "off", sharedWithGo, logger: { warn } });
    const options = { id: "o-1", actor: "ann" };
    await orders.apply(orderCommands.Create({ customerId: "c-9" }), options);
    await orders.apply(orderCommands.AddTag({ tag: { key: "a", value: noise() } }), options);
    const crossing = orders.apply(orderCommands.AddTag({ tag: { key: "b", value: noise() } }), options);
    return { stream, orders, options, crossing, warn };
  }

  const tooLarge = (size: number): Error =>
    new ProtosourceError("too_large", "too large", { what: "record", size, limit: LIMIT });

  test("fails its command, and says why and what to do", async () => {
    const { crossing } = await large();
    expect(await failure(crossing)).toMatchObject({
      code: "too_large",
      details: { what: "snapshot", limit: LIMIT },
      message: expect.stringContaining("sharedWithGo"),
    });
  });

  test("is left out with a warning where no Go service needs it", async () => {
    const { crossing, stream, orders, options, warn } = await large(false);
    expect((await crossing).version).toBe(3n);
    expect(await stream.snapshots()).toEqual([]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toContain(STREAM);
    // The aggregate goes on, and is whole.
    for (const key of ["c", "d", "e"]) await orders.apply(orderCommands.AddTag({ tag: { key } }), options);
    const loaded = await orders.load("o-1");
    expect(Object.keys(loaded.tags)).toEqual(["a", "b", "c", "d", "e"]);
    expect(loaded).toMatchObject({ customerId: "c-9", version: 6n });
  });

  test("an event that is too large is what the store says", async () => {
    const { orders, options, crossing } = await large(false);
    await crossing;
    const value = noise() + noise();
    const error = await failure(orders.apply(orderCommands.AddTag({ tag: { key: "z", value } }), options));
    expect(error).toMatchObject({ code: "too_large", message: expect.stringContaining("too large") });
  });
});
