/** Records that expire: an aggregate is whole or gone, whether the store has deleted them yet or not. */
import { Repository, type StoredRecord } from "protosource-es";
import { MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import { orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { State } from "../../gen/example/app/test/v1/test_v1_pb.js";
import { defineTest, type TestAggregate, testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";
import { redefined, setRole } from "../../redefine.js";

const DAY = 86_400;
const STREAM = "example_app_test_v1#t-1";
const options = { id: "t-1", actor: "ann" };

/** The card with a snapshot every so many events; the schema's own is 3, and 0 is none. */
const every = (everyNEvents: number): TestAggregate =>
  redefined(defineTest(), (proto) => setRole(proto, "Snapshot", "snapshot", { everyNEvents }));

function scene(definition: TestAggregate) {
  const clock = new FakeClock();
  const streams: MemoryStreams = new Map();
  const store = new MemoryStore({ clock, streams });
  const cards = new Repository(definition, store, { clock });
  return {
    clock,
    store,
    streams,
    cards,
    create: (body = "new") => cards.apply(testCommands.Create({ body }), options),
    update: (body = "changed") => cards.apply(testCommands.Update({ body }), options),
    versions: async () =>
      (await store.load(STREAM, { includeExpired: true })).records.map(({ version }) => Number(version)),
    /** Deletes what has expired, as DynamoDB does some days later. */
    sweep() {
      const now = clock.now() / 1_000_000n;
      for (const [version, { record }] of streams.get(STREAM) ?? []) {
        if (record.ttl > 0n && record.ttl <= now) streams.get(STREAM)?.delete(version);
      }
    },
  };
}

const absent = { code: "not_found", details: { aggregateId: "t-1", reason: "expired" } };

describe.each([
  ["before the store deletes what has expired", false],
  ["after the store deleted what has expired", true],
])("%s", (_, isSwept) => {
  describe.each([
    ["without snapshots", 0],
    ["with snapshots", 3],
    ["with a snapshot after each event", 1],
  ])("%s", (_, n) => {
    test("an aggregate of which all has expired is gone, and can be created again", async () => {
      const { clock, cards, create, update, sweep } = scene(every(n));
      const { version } = await create();
      clock.advanceSeconds(DAY - 1);
      expect(await cards.load("t-1")).toMatchObject({ body: "new" });
      clock.advanceSeconds(1);
      if (isSwept) sweep();
      const reason = isSwept ? "unknown" : "expired";
      expect(await failure(cards.load("t-1"))).toMatchObject({ code: "not_found", details: { reason } });
      expect(await failure(update())).toMatchObject({ code: "not_created" });
      expect(await cards.history("t-1")).toEqual([]);
      const again = await create("again");
      // Never on a version that an expired record still has.
      expect(again.version).toBeGreaterThan(isSwept ? 0n : version);
      expect(await cards.load("t-1")).toMatchObject({ body: "again", version: again.version, createBy: "ann" });
      clock.advanceSeconds(10);
      await update("and again");
      expect(await cards.load("t-1")).toMatchObject({ body: "and again" });
    });
  });

  test("an aggregate that lost its base is gone, and not half an aggregate", async () => {
    const { clock, cards, create, update, sweep, versions } = scene(every(0));
    await create();
    clock.advanceSeconds(DAY - 10);
    await update();
    clock.advanceSeconds(10);
    if (isSwept) sweep();
    expect(await failure(cards.load("t-1"))).toMatchObject(absent);
    expect(await failure(update())).toMatchObject({ code: "not_created" });
    // The update, version 3, hasn't expired. The new life begins after it, and isn't mixed with it.
    const { version } = await create("again");
    expect(version).toBe(5n);
    expect(await cards.load("t-1")).toMatchObject({ body: "again", version: 5n });
    await update("later");
    expect(await cards.load("t-1")).toMatchObject({ body: "later", version: 6n });
    expect(await versions()).toEqual(isSwept ? [3, 4, 5, 6] : [1, 2, 3, 4, 5, 6]);
  });

  test("a snapshot that lives is a base", async () => {
    const { clock, cards, create, update, sweep } = scene(every(3));
    await create();
    clock.advanceSeconds(DAY - 10);
    await update("kept"); // version 3, and the snapshot 4
    clock.advanceSeconds(10);
    if (isSwept) sweep();
    expect(await cards.load("t-1")).toMatchObject({ body: "kept", version: 4n, createBy: "ann" });
    expect((await update("on")).version).toBe(5n);
  });

  test("a snapshot may come between the two events of one command", async () => {
    const { clock, create, cards, versions, sweep } = scene(every(3));
    await create();
    clock.advanceSeconds(DAY);
    if (isSwept) sweep();
    const { version, events } = await create("again");
    expect(events.map((event) => Number(event.version))).toEqual(isSwept ? [1, 2] : [3, 5]);
    expect(await versions()).toEqual(isSwept ? [1, 2] : [1, 2, 3, 4, 5]);
    expect(await cards.load("t-1")).toMatchObject({ body: "again", version, state: State.UNLOCKED });
  });

  test("a second life is found by a tail that holds both lives", async () => {
    const { clock, cards, create, update, sweep } = scene(every(20));
    await create();
    for (let i = 0; i < 5; i++) await update();
    clock.advanceSeconds(DAY - 10);
    await update();
    clock.advanceSeconds(10);
    if (isSwept) sweep();
    await create("second");
    for (let i = 0; i < 7; i++) await update(`second ${i}`);
    expect(await cards.load("t-1")).toMatchObject({ body: "second 6", version: 17n });
  });
});

describe("a beginning that isn't seen at once, as of a transaction that becomes visible in parts,", () => {
  /** Hides a record from the next reads. */
  const hide = (store: MemoryStore, version: bigint, reads: number) => {
    const load = store.load.bind(store);
    const spy = vi.spyOn(store, "load");
    for (let i = 0; i < reads; i++) {
      spy.mockImplementationOnce(async (...args) => {
        const history = await load(...args);
        return { ...history, records: history.records.filter((record) => record.version !== version) };
      });
    }
    return spy;
  };

  test.each([1, 2])("is waited for: it isn't seen by %s reads", async (reads) => {
    const { cards, store, create, update } = scene(every(0));
    const { events } = await create();
    expect(events).toHaveLength(2);
    hide(store, 1n, reads);
    expect(await cards.load("t-1")).toMatchObject({ body: "new", version: 2n });
    hide(store, 1n, reads);
    expect(await update()).toMatchObject({ version: 3n });
  });

  test("is waited for behind an earlier life, too", async () => {
    const { cards, store, clock, create } = scene(every(0));
    await create();
    clock.advanceSeconds(DAY);
    await create("again");
    hide(store, 3n, 1);
    expect(await cards.load("t-1")).toMatchObject({ body: "again", version: 4n });
  });

  test("counts as deleted when it isn't seen soon", async () => {
    const { cards, store, create } = scene(every(0));
    await create();
    const reads = hide(store, 1n, 3);
    expect(await failure(cards.load("t-1"))).toMatchObject(absent);
    expect(reads).toHaveBeenCalledTimes(3);
  });

  test("isn't waited for where the record before has expired", async () => {
    const { cards, store, clock, create, update } = scene(every(0));
    await create();
    clock.advanceSeconds(DAY - 10);
    await update();
    clock.advanceSeconds(10);
    const reads = hide(store, 0n, 0);
    expect(await failure(cards.load("t-1"))).toMatchObject(absent);
    expect(reads).toHaveBeenCalledTimes(1);
  });
});

test("a record that expires before those around it leaves no half aggregate", async () => {
  const { clock, cards, create, update, store, streams } = scene(every(0));
  await create();
  await update("brief");
  // As a program writes it that doesn't know how long the records before it live.
  const third = (await store.load(STREAM)).records[2];
  const ttl = clock.now() / 1_000_000n + 60n;
  streams.get(STREAM)?.set(3n, { record: { ...(third as StoredRecord), ttl }, commitId: "" });
  clock.advanceSeconds(60);
  expect(await failure(cards.load("t-1"))).toMatchObject(absent);
});

test("each record, snapshots too, expires by the time of its own write, and so does the row", async () => {
  const { clock, create, update, store } = scene(every(3));
  const start = clock.now() / 1_000_000n;
  await create();
  clock.advanceSeconds(5);
  await update();
  const { records } = await store.load(STREAM);
  const ttls = (list: readonly StoredRecord[]) => list.map(({ ttl }) => Number(ttl - start) - DAY);
  expect(ttls(records)).toEqual([0, 0, 5, 5]);
  const row = await store.opaqueStore.get({ pk: "example_app_test_v1#test#id#t-1", sk: "AGG" });
  expect(Number((row?.t ?? 0n) - start) - DAY).toBe(5);
});

test("a projection's row expires with the aggregate's", async () => {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const brief = redefined(order, (proto) => setRole(proto, "Order", "aggregate", { eventTtlSeconds: 60n }));
  await new Repository(brief, store, { clock }).apply(orderCommands.Create({}), { id: "o-1", actor: "ann" });
  const row = (sk: string) => store.opaqueStore.get({ pk: "example_app_order_v1#order#id#o-1", sk });
  const rows = [await row("AGG"), await row("PROJ#OrderSummary")];
  expect(rows.map((each) => each?.t)).toEqual(rows.map(() => clock.now() / 1_000_000n + 60n));
});

test("a stream that never expires and has lost its beginning is corrupt, and not expired", async () => {
  const clock = new FakeClock();
  const streams: MemoryStreams = new Map();
  const orders = new Repository(order, new MemoryStore({ clock, streams }), { clock });
  const stream = "example_app_order_v1#o-1";
  await orders.apply([orderCommands.Create({}), orderCommands.AddTag({})], { id: "o-1", actor: "ann" });
  streams.get(stream)?.delete(1n);
  expect(await failure(orders.load("o-1"))).toMatchObject({
    code: "corrupt_stream",
    details: { aggregateId: stream, problem: "gap", version: 1n },
  });
});

test("a tail with an expired record tells enough", async () => {
  const { clock, cards, create, update, store } = scene(every(3));
  await create();
  await update();
  clock.advanceSeconds(DAY);
  const tails = vi.spyOn(store, "loadTail");
  expect(await failure(cards.load("t-1"))).toMatchObject(absent);
  expect(tails).toHaveBeenCalledTimes(1);
});

test("a version that a caller expects is that of the aggregate: none when it has expired", async () => {
  const { clock, cards, create } = scene(every(0));
  await create();
  clock.advanceSeconds(DAY);
  const again = testCommands.Create({ body: "again" });
  expect(await failure(cards.apply(again, { ...options, expectedVersion: 2n }))).toMatchObject({
    code: "version_conflict",
    details: { aggregateId: "t-1", version: 0n },
  });
  expect((await cards.apply(again, { ...options, expectedVersion: 0n })).version).toBe(4n);
});
