/** States of the past, and many at once, on every store. */
import { equals } from "@bufbuild/protobuf";
import { fold, Repository, systemClock } from "protosource-es";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ExpiringStores, kinds } from "../expiring-stores.js";
import { failure } from "../failure.js";
import { OrderSchema } from "../gen/example/app/order/v1/order_v1_pb.js";
import { orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { defineTest, type TestAggregate, testCommands } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../order.js";
import { redefined, setRole } from "../redefine.js";

const DAY = 86_400;

const every = (everyNEvents: number) =>
  redefined(order, (proto) => setRole(proto, "Snapshot", "snapshot", { everyNEvents }));

/** The card, without a time to live of its own: a test gives each repository one. */
const living = (eventTtlSeconds: bigint): TestAggregate =>
  redefined(defineTest(), (proto) => setRole(proto, "Test", "aggregate", { eventTtlSeconds }));

describe.each(kinds)("on $name", ({ make }) => {
  let stores: ExpiringStores;
  // A day ahead, so that a database that deletes by its own clock deletes nothing.
  const clock = new FakeClock(systemClock.now() + BigInt(DAY) * 1_000_000n);
  let ids = 0;

  beforeAll(async () => {
    stores = await make();
  });
  afterAll(() => stores.close());

  test("an order as of each version and each time is what the events up to there make", async () => {
    for (const interval of [0, 1, 3]) {
      const orders = new Repository(every(interval), stores.open({ clock }).store, { clock, materialize: "off" });
      const id = `o-${ids++}`;
      for (let i = 0; i < 7; i++) {
        clock.advanceSeconds(1);
        const command = i === 0 ? orderCommands.Create({}) : orderCommands.AddTag({ tag: { key: `k${i}` } });
        await orders.apply(command, { id, actor: "ann" });
      }
      const events = await orders.history(id);
      const { version: end } = await orders.load(id);
      for (let version = 1n; version <= end + 2n; version++) {
        const past = await orders.load(id, { at: version });
        const folded = fold(
          order,
          events.filter((event) => event.version <= version),
        );
        folded.version = version < end ? version : end;
        expect(equals(OrderSchema, past, folded)).toBe(true);
      }
      for (const { at } of events) {
        const folded = fold(
          order,
          events.filter((event) => event.at <= at),
        );
        for (const moment of [{ micros: at }, { micros: at + 999_999n }, new Date(Number(at / 1_000n) + 1)]) {
          const past = await orders.load(id, { at: moment });
          // A snapshot of that moment takes a version.
          folded.version = past.version;
          expect(equals(OrderSchema, past, folded)).toBe(true);
        }
      }
      const before = { micros: (events[0]?.at ?? 0n) - 1n };
      expect(await failure(orders.load(id, { at: before }))).toMatchObject({
        code: "not_found",
        details: { aggregateId: id, reason: "unknown" },
      });
      expect(await orders.history(id, { limit: 3 })).toEqual(events.slice(0, 3));
      expect(await orders.history(id, { limit: 4, reverse: true })).toEqual(events.toReversed().slice(0, 4));
      expect(await orders.history(id, { from: 3n, limit: 2 })).toEqual(
        events.filter((e) => e.version >= 3n).slice(0, 2),
      );
    }
  });

  test("an earlier life is seen while none of it has expired, and never mixed with a later one", async () => {
    const { store } = stores.open({ clock });
    const [short, long] = [living(60n), living(600n)].map((card) => new Repository(card, store, { clock }));
    if (!short || !long) throw new Error("there are two");
    const id = `c-${ids++}`;
    const options = { id, actor: "ann" };
    await short.apply(testCommands.Create({ body: "first" }), options);
    clock.advanceSeconds(59);
    const first = { micros: clock.now() };
    expect(await short.load(id, { at: first })).toMatchObject({ body: "first", version: 2n });
    clock.advanceSeconds(1);
    const { version } = await long.apply(testCommands.Create({ body: "second" }), options);
    await long.apply(testCommands.Update({ body: "changed" }), options);
    for (const at of [1n, first]) {
      expect(await failure(long.load(id, { at }))).toMatchObject({ code: "not_found", details: { reason: "expired" } });
    }
    expect(await long.load(id, { at: version })).toMatchObject({ body: "second", version });
    expect(await long.load(id, { at: version + 1n })).toMatchObject({ body: "changed" });
  });

  test("many at once: each is there, absent, expired or can't be read", async () => {
    const { store } = stores.open({ clock });
    const cards = new Repository(living(60n), store, { clock });
    const [gone, here, never, broken] = ["gone", "here", "never", "broken"].map((name) => `${name}-${ids}`) as [
      string,
      string,
      string,
      string,
    ];
    await cards.apply(testCommands.Create({ body: "b" }), { id: gone, actor: "ann" });
    clock.advanceSeconds(60);
    await cards.apply(testCommands.Create({ body: "b" }), { id: here, actor: "ann" });
    const { records } = await store.load(`example_app_test_v1#${here}`);
    const [record] = records;
    if (!record) throw new Error("it has a record");
    await store.save(`example_app_test_v1#${broken}`, [{ ...record, data: Uint8Array.of(7) }]);
    const loaded = await cards.loadMany([here, never, gone, broken, here], { concurrency: 2 });
    expect(loaded).toMatchObject([
      { id: here, status: "loaded", aggregate: { id: here, body: "b" } },
      { id: never, status: "absent", reason: "unknown" },
      { id: gone, status: "absent", reason: "expired" },
      { id: broken, status: "failed", error: { code: "corrupt_record" } },
      { id: here, status: "loaded" },
    ]);
    expect(await Promise.all([here, never, gone].map((id) => cards.exists(id)))).toEqual([true, false, false]);
  });
});
