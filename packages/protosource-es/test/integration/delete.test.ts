/** The deletion of aggregates on every store: seen at once, complete after any interruption, and of nothing else. */
import type { EventStore, StoredRecord, TrimmableStore } from "protosource-es";
import { ProtosourceError, Repository, rebuild, systemClock } from "protosource-es";
import { type OpaqueStore, rowKey } from "protosource-es/opaquedata";
import { defineHandler, on, Subscriptions } from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ExpiringStores, kinds } from "../expiring-stores.js";
import { failure } from "../failure.js";
import { OrderSchema, OrderSummarySchema } from "../gen/example/app/order/v1/order_v1_pb.js";
import { defineOrder, orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { makeDeletable, redefined, setRole } from "../redefine.js";

type Deleting = EventStore & TrimmableStore & { readonly opaqueStore?: OpaqueStore | undefined };

/** Orders that may be deleted, of customers who have one each. */
const order = redefined(defineOrder({ unique: { customer: ({ customerId }) => customerId } }), (proto) => {
  makeDeletable(proto, "Order");
  setRole(proto, "Snapshot", "snapshot", { everyNEvents: 3 });
});

const WRITES: ReadonlySet<string | symbol> = new Set(["save", "saveAll", "cutBeginning", "delete", "put"]);

/** Lets the n-th write of a store and of its rows fail: without an effect, or after it. */
function failing(store: Deleting, n: number, when: "before" | "after"): { readonly store: Deleting; isDue(): boolean } {
  let writes = 0;
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (name === "opaqueStore" && typeof member === "object" && member !== null) return wrap(member);
        if (typeof member !== "function") return member;
        const call = member.bind(target) as (...args: unknown[]) => unknown;
        if (!WRITES.has(name)) return call;
        return async (...args: unknown[]) => {
          const fails = ++writes === n;
          if (fails && when === "before") throw interrupted();
          await call(...args);
          if (fails) throw interrupted();
        };
      },
    });
  return { store: wrap(store), isDue: () => writes >= n };
}

const interrupted = (): Error => new ProtosourceError("cancelled", "interrupted", { operation: "a write" });

describe.each(kinds)("on $name", ({ make }) => {
  let stores: ExpiringStores;
  const clock = new FakeClock(systemClock.now() + 86_400_000_000n);
  let ids = 0;

  beforeAll(async () => {
    stores = await make();
  });
  afterAll(() => stores.close());

  function scene() {
    const { store, rows } = stores.open({ clock });
    const orders = new Repository(order, store, { clock });
    const grow = async (customerId: string): Promise<string> => {
      const id = `o-${ids++}`;
      const tags = ["a", "b", "c"].map((key) => orderCommands.AddTag({ tag: { key } }));
      await orders.apply([orderCommands.Create({ customerId }), ...tags], { id, actor: "ann" });
      await orders.apply(orderCommands.AddTag({ tag: { key: "d" } }), { id, actor: "ann" });
      return id;
    };
    return { store: store as Deleting, rows, orders, grow, stream: (id: string) => `example_app_order_v1#${id}` };
  }

  const stored = async (store: EventStore, streamId: string): Promise<readonly StoredRecord[]> =>
    (await store.scan({ aggregateId: streamId })).records.map(({ record }) => record);

  test("nobody loads, changes or creates it again, and its values are free", async () => {
    const { store, rows, orders, grow, stream } = scene();
    const customerId = `c-${ids}`;
    const id = await grow(customerId);
    const cached = new Repository(order, store, { clock, cache: new Map() });
    await cached.load(id);
    expect(await failure(orders.delete(id, { expectedVersion: 1n }))).toMatchObject({ code: "version_conflict" });
    expect(await orders.delete(id, { actor: "ann" })).toBe(true);
    expect(await orders.delete(id)).toBe(false);
    expect(await stored(store, stream(id))).toHaveLength(1);
    const gone = { code: "not_found", details: { aggregateId: id, reason: "deleted" } };
    for (const one of [orders, cached]) {
      expect(await failure(one.load(id))).toMatchObject(gone);
      expect(await one.exists(id)).toBe(false);
      expect(await one.history(id)).toEqual([]);
      const tag = orderCommands.AddTag({ tag: { key: "e" } });
      expect(await failure(one.apply(tag, { id, actor: "ann" }))).toMatchObject({ code: "not_created" });
      const create = orderCommands.Create({ customerId: `${customerId} again` });
      const refused = { code: "already_created", details: { deleted: true } };
      expect(await failure(one.apply(create, { id, actor: "ann" }))).toMatchObject(refused);
      expect(await failure(one.save(id, []))).toMatchObject(refused);
    }
    expect(await orders.load(id, { at: new Date() }).catch((error: unknown) => error)).toMatchObject(gone);
    for (const schema of [OrderSchema, OrderSummarySchema]) {
      expect(await rows.get(rowKey(schema, id), { consistent: true })).toBeUndefined();
    }
    await grow(customerId);
    expect(await orders.delete(`never-${id}`)).toBe(false);
  });

  test("interrupted at any write, the same call completes it, and touches nothing else", async () => {
    for (const when of ["before", "after"] as const) {
      for (let n = 1; ; n++) {
        const { store, rows, orders, grow, stream } = scene();
        const [customerId, neighbour] = [`c-${ids}`, await grow(`n-${ids}`)];
        const id = await grow(customerId);
        const before = [await stored(store, stream(neighbour)), await rows.get(rowKey(OrderSchema, neighbour))];
        const fault = failing(store, n, when);
        const outcome = await new Repository(order, fault.store, { clock }).delete(id).catch((error: unknown) => error);
        if (!fault.isDue()) break;
        expect(outcome).toMatchObject({ code: "cancelled" });
        // Of what is left nobody sees a part.
        const seen = await orders.load(id).catch((error: unknown) => error);
        expect(seen).toMatchObject(n === 1 && when === "before" ? { version: 7n } : { code: "not_found" });
        await orders.delete(id);
        expect(await stored(store, stream(id))).toHaveLength(1);
        expect(await rows.get(rowKey(OrderSchema, id), { consistent: true })).toBeUndefined();
        expect(await store.findClaim("example.app.order.v1.Order.customer", customerId)).toBeUndefined();
        expect([await stored(store, stream(neighbour)), await rows.get(rowKey(OrderSchema, neighbour))]).toEqual(
          before,
        );
      }
    }
  });

  test("a writer who saves meanwhile is deleted with what it saved, or refused", async () => {
    const { store, orders, grow } = scene();
    for (let round = 0; round < 4; round++) {
      const id = await grow(`c-${ids}`);
      const add = (key: string) => orders.apply(orderCommands.AddTag({ tag: { key } }), { id, actor: "bob" });
      const [, ...outcomes] = await Promise.allSettled([orders.delete(id), add("x"), add("y")]);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "not_created" });
      }
      expect(await failure(orders.load(id))).toMatchObject({ code: "not_found", details: { reason: "deleted" } });
      expect(await stored(store, `example_app_order_v1#${id}`)).toHaveLength(1);
    }
  });

  test("a rebuild takes away a row that came too late", async () => {
    const { store, rows, orders, grow, stream } = scene();
    const id = await grow(`c-${ids}`);
    const row = await rows.get(rowKey(OrderSchema, id), { consistent: true });
    if (row === undefined) throw new Error("it has a row");
    await orders.delete(id);
    await rows.put(row);
    const counts = await rebuild([order], store, rows, { clock, streamId: stream(id) });
    expect(counts).toMatchObject({ deletedStreams: 1, removed: 1, failed: 0 });
    expect(await rows.get(rowKey(OrderSchema, id), { consistent: true })).toBeUndefined();
  });
});

describe.each(kinds.filter(({ name }) => !name.startsWith("Dynamo")))("subscriptions on $name", ({ make }) => {
  test("learn that a life has ended, however much of it they had seen", async () => {
    const stores = await make();
    const clock = new FakeClock();
    const { store } = stores.open({ clock });
    const orders = new Repository(order, store, { clock });
    const seen: string[] = [];
    const handler = defineHandler({
      name: "watcher",
      from: [
        on(order, {
          removed: (_, { id }) => void seen.push(`${id} removed`),
          TagAdded: ({ tag }, { id }) => void seen.push(`${id} ${tag?.key}`),
        }),
      ],
    });
    const subscriptions = new Subscriptions({ store, all: [handler], clock });
    const add = (id: string, key: string) => orders.apply(orderCommands.AddTag({ tag: { key } }), { id, actor: "ann" });
    for (const id of ["whole", "part", "none"]) {
      await orders.apply(orderCommands.Create({ customerId: id }), { id, actor: "ann" });
      if (id === "none") continue;
      await add(id, "a");
    }
    await subscriptions.deliver([
      { kind: "saved", streamId: "example_app_order_v1#whole", version: 2n },
      { kind: "saved", streamId: "example_app_order_v1#part", version: 2n },
    ]);
    for (const key of ["b", "c"]) await add("part", key);
    for (const id of ["whole", "part", "none"]) await orders.delete(id);
    await subscriptions.catchUp();
    await subscriptions.catchUp();
    expect(seen.toSorted()).toEqual(["part a", "part removed", "whole a", "whole removed"]);
    for await (const parked of subscriptions.parked()) expect.fail(`${parked.streamId} is parked`);
    stores.close();
  });
});
