/** Lives of ids on every store: what expires is deleted at the worst moment, times to live change, caches are stale. */
import { type CachedAggregate, Repository, type RepositoryOptions, rebuild, systemClock } from "protosource-es";
import { queryClient } from "protosource-es/opaquedata";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ExpiringStores, kinds, type OpenOptions } from "../expiring-stores.js";
import { failure } from "../failure.js";
import {
  defineOrder,
  type OrderAggregate,
  type OrderCommand,
  type OrderTypes,
  orderCommands,
} from "../gen/example/app/order/v1/order_v1_protosource.js";
import { messageNamed, redefined, setRole } from "../redefine.js";

const DAY = 86_400_000_000n;

/** Orders whose events live so many seconds, 0 for ever; the schema's own have snapshots far apart. */
const living = (seconds: number, snapshots: "seldom" | "none" = "none"): OrderAggregate =>
  redefined(defineOrder({ unique: { customer: (order) => order.customerId } }), (proto) => {
    setRole(proto, "Order", "aggregate", { eventTtlSeconds: BigInt(seconds) });
    if (snapshots === "none") proto.messageType.splice(proto.messageType.indexOf(messageNamed(proto, "Snapshot")), 1);
  });

describe.each(kinds)("on $name", ({ make }) => {
  let stores: ExpiringStores;
  let clock: FakeClock;
  let ids = 0;
  let id: string;
  let stream: string;

  beforeAll(async () => {
    stores = await make();
  });
  afterAll(() => stores.close());
  beforeEach(() => {
    // A day ahead, so that a database that deletes by its own clock deletes nothing.
    clock = new FakeClock(systemClock.now() + DAY);
    id = `o-${ids++}`;
    stream = `example_app_order_v1#${id}`;
  });

  const open = (
    definition: OrderAggregate,
    options: Partial<OpenOptions> & RepositoryOptions = {},
  ): Repository<OrderTypes> => {
    const { clock: own = clock, ttlSeconds, ...more } = options;
    const { store } = stores.open({ clock: own, ...(ttlSeconds && { ttlSeconds }) });
    return new Repository(definition, store, { clock: own, ...more });
  };
  const apply = (orders: Repository<OrderTypes>, ...commands: OrderCommand[]) =>
    orders.apply(commands, { id, actor: "ann" });
  const create = (customerId = id) => orderCommands.Create({ customerId });
  const ship = (shippingAddress: string) => orderCommands.SetShipping({ shippingAddress });
  const seconds = () => clock.now() / 1_000_000n;
  const expiries = async () => {
    const { records } = await stores.open({ clock }).store.load(stream, { includeExpired: true });
    return records.map(({ ttl }) => (ttl === 0n ? 0 : Number(ttl - seconds())));
  };

  describe("of two creations of an id whose life has ended, one is acknowledged,", () => {
    test.each([
      ["all of it is deleted", () => true],
      ["the last record is deleted", (version: bigint) => version >= 3n],
      ["the beginning is deleted", (version: bigint) => version < 3n],
      ["nothing is deleted", () => false],
    ])("when %s between the two loads", async (_, isChosen) => {
      const orders = open(living(60));
      await apply(orders, create(`${id} first`));
      await apply(orders, ship("a"), ship("b"));
      clock.advanceSeconds(60);
      const { store } = stores.open({ clock });
      let meanwhile: (() => Promise<unknown>) | undefined = async () => {
        await stores.sweep(stream, seconds(), isChosen);
        await apply(orders, create(`${id} second`));
        await apply(orders, ship("c"), ship("d"));
      };
      const late = async <R>(save: () => Promise<R>): Promise<R> => {
        const before = meanwhile;
        meanwhile = undefined;
        await before?.();
        return save();
      };
      const slow = new Proxy(store, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name, target);
          if (typeof member !== "function") return member;
          const call = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
          return name === "save" || name === "saveAll" ? (...args: unknown[]) => late(() => call(...args)) : call;
        },
      });
      const other = new Repository(living(60), slow, { clock });
      expect(await failure(apply(other, create(`${id} third`)))).toMatchObject({ code: "already_created" });
      expect(await orders.load(id)).toMatchObject({ customerId: `${id} second`, shippingAddress: "d" });
      expect(await orders.history(id)).toHaveLength(3);
      await apply(orders, ship("e"));
    });
  });

  describe("a time to live that changes", () => {
    test("from none to one leaves an order its whole life", async () => {
      await apply(open(living(0)), create());
      const after = open(living(60));
      await apply(after, ship("new"));
      expect(await expiries()).toEqual([0, 0]);
      clock.advanceSeconds(61);
      await stores.sweep(stream, seconds());
      expect(await after.load(id)).toMatchObject({ version: 2n, shippingAddress: "new" });
      expect(await failure(apply(after, create()))).toMatchObject({ code: "already_created" });
    });

    test("to a shorter one leaves an order as long as it had, and its id usable", async () => {
      await apply(open(living(600)), create());
      const after = open(living(60));
      clock.advanceSeconds(30);
      await apply(after, ship("new"));
      expect(await expiries()).toEqual([570, 570]);
      clock.advanceSeconds(500);
      await stores.sweep(stream, seconds());
      expect(await after.load(id)).toMatchObject({ version: 2n, shippingAddress: "new" });
      await apply(after, ship("newer"));
      clock.advanceSeconds(70);
      expect(await failure(after.load(id))).toMatchObject({ code: "not_found" });
      await apply(after, create(`${id} again`));
      expect(await after.load(id)).toMatchObject({ customerId: `${id} again`, shippingAddress: "" });
      await stores.sweep(stream, seconds());
      expect(await after.history(id)).toHaveLength(1);
    });

    test("to none keeps an order by a snapshot", async () => {
      await apply(open(living(60, "seldom")), create());
      const after = open(living(0, "seldom"));
      const { version } = await apply(after, ship("kept"));
      expect(version).toBe(3n);
      expect(await expiries()).toEqual([60, 60, 0]);
      await apply(after, ship("kept too"));
      clock.advanceSeconds(61);
      await stores.sweep(stream, seconds());
      await stores.sweepRows(seconds());
      expect(await after.load(id)).toMatchObject({ version: 4n, shippingAddress: "kept too", customerId: id });
      expect(await failure(open(living(0)).apply(create(), { id: `${id} other`, actor: "ann" }))).toMatchObject({
        code: "claim_taken",
      });
    });

    test("to none lets an order without snapshots end as it would have, and leaves nothing for ever", async () => {
      await apply(open(living(60)), create());
      clock.advanceSeconds(10);
      const after = open(living(0));
      await apply(after, ship("late"));
      expect(await expiries()).toEqual([50, 50]);
      clock.advanceSeconds(50);
      expect(await failure(after.load(id))).toMatchObject({ code: "not_found" });
      await apply(after, create());
      expect(await expiries()).toEqual([0, 0, 0]);
    });
  });

  test("no record expires before the one before it, where clocks differ", async () => {
    const behind = new FakeClock(clock.now());
    clock.advanceSeconds(5);
    await apply(open(living(60)), create());
    await apply(open(living(60), { clock: behind }), ship("a"), ship("b"));
    expect(await expiries()).toEqual([60, 60, 60]);
    clock.advanceSeconds(57);
    behind.advanceSeconds(57);
    await stores.sweep(stream, seconds());
    expect(await open(living(60)).load(id)).toMatchObject({ shippingAddress: "b" });
  });

  test("rows and unique values last as long as the records, also where the store's time to live counts", async () => {
    const orders = open(living(0), { ttlSeconds: 60 });
    await apply(orders, create("the same"));
    await apply(orders, ship("first's home"));
    const rows = queryClient(defineOrder().schema, stores.open({ clock }).rows);
    expect(await rows.get(id)).toMatchObject({ customerId: "the same" });
    clock.advanceSeconds(60);
    expect(await rows.get(id)).toBeUndefined();
    await orders.apply(create("the same"), { id: `${id} other`, actor: "bob" });
    await stores.sweep(stream, seconds());
    await apply(orders, create("another"));
    expect(await rows.get(id)).toMatchObject({ version: 1n, customerId: "another", shippingAddress: "" });
  });

  test("a rebuild gives rows the end of their records", async () => {
    const definition = living(0, "seldom");
    const orders = open(definition, { ttlSeconds: 60 });
    await apply(orders, create());
    clock.advanceSeconds(10);
    await apply(orders, ship("new"));
    const { store, rows } = stores.open({ clock });
    await rows.delete({ pk: `example_app_order_v1#order#id#${id}`, sk: "AGG" });
    await rebuild([definition], store, rows, { clock, segments: 1 });
    const { get } = queryClient(definition.schema, rows);
    clock.advanceSeconds(49);
    expect(await get(id)).toMatchObject({ shippingAddress: "new" });
    clock.advanceSeconds(11);
    expect(await get(id)).toBeUndefined();
  });

  describe("an aggregate that is kept in a cache, behind a cut of its stream,", () => {
    const forever = redefined(defineOrder(), () => {});
    const cut = async () => {
      const cache = new Map<string, CachedAggregate>();
      const kept = open(forever, { cache });
      await apply(kept, create());
      await apply(kept, ship("kept"));
      await apply(kept, ship("cut off"));
      await stores.cut(stream, 3n);
      return { kept, cache };
    };

    test("is never appended to where its last record is gone", async () => {
      const { kept } = await cut();
      const { version } = await apply(kept, orderCommands.AddTag({ tag: { key: "k" } }));
      expect(version).toBe(3n);
      expect(await open(forever).load(id)).toMatchObject({ version: 3n, shippingAddress: "kept" });
    });

    test("is never appended to where another record has taken its place", async () => {
      const { kept, cache } = await cut();
      await apply(open(forever), ship("another"));
      const { aggregate } = await apply(kept, orderCommands.AddTag({ tag: { key: "k" } }));
      expect(aggregate).toMatchObject({ version: 4n, shippingAddress: "another" });
      expect(await open(forever).load(id)).toEqual(aggregate);
      expect(cache.get(stream)?.version).toBe(4n);
      expect((await apply(kept, ship("again"), ship("and again"))).version).toBe(6n);
    });
  });
});
