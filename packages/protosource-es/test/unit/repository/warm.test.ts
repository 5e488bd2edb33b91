/** Aggregates that a repository keeps: never a wrong answer, only sometimes a second try. */
import { equals } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  type AggregateCache,
  type CachedAggregate,
  fold,
  isProtosourceError,
  type Logger,
  Repository,
  type RepositoryOptions,
} from "protosource-es";
import { MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import { OrderSchema, State } from "../../gen/example/app/order/v1/order_v1_pb.js";
import {
  defineOrder,
  type OrderAggregate,
  type OrderCommand,
  type OrderTypes,
  orderCommands,
} from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { defineForm, formCommands, formEvents } from "../../gen/example/app/shapes/v1/shapes_v1_protosource.js";
import { defineTest } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { ItemAlreadyThere, order } from "../../order.js";

const STREAM = "example_app_order_v1#o-1";
const options = { id: "o-1", actor: "ann" };
const create = orderCommands.Create({ customerId: "c-9" });
const add = (itemId: string) => orderCommands.AddItem({ item: { itemId, priceCents: 5n, quantity: 1 } });
const remove = (itemId: string) => orderCommands.RemoveItem({ itemId });

function scene(definition: OrderAggregate = order) {
  const clock = new FakeClock();
  const streams: MemoryStreams = new Map();
  const store = new MemoryStore({ clock, streams });
  const cache = new Map<string, CachedAggregate>();
  const reads = [vi.spyOn(store, "load"), vi.spyOn(store, "loadTail")];
  const open = (more: RepositoryOptions = {}, of = definition): Repository<OrderTypes> =>
    new Repository(of, store, { clock, materialize: "off", cache, ...more });
  return {
    clock,
    store,
    streams,
    cache,
    open,
    orders: open(),
    /** A writer without a cache, as in another process. */
    other: new Repository(definition, store, { clock, materialize: "off" }),
    /** How often the store was read since the last question. */
    loads(): number {
      const count = reads.reduce((sum, { mock }) => sum + mock.calls.length, 0);
      for (const read of reads) read.mockClear();
      return count;
    },
  };
}

describe("a cache", () => {
  test("spares the load, and changes nothing else", async () => {
    const { orders, other, loads } = scene();
    await orders.apply(create, options);
    loads();
    const applied = await orders.apply(add("a"), options);
    await orders.apply([add("b"), remove("a")], options);
    expect(loads()).toBe(0);
    expect(applied).toMatchObject({ version: 2n, skipped: false, aggregate: { itemCount: 1, totalCents: 5n } });
    expect(await orders.load("o-1")).toEqual(await other.load("o-1"));
  });

  test("is filled by a load too", async () => {
    const { orders, other, loads } = scene();
    await other.apply(create, options);
    await orders.load("o-1");
    loads();
    await orders.apply(add("a"), options);
    expect(loads()).toBe(0);
  });

  test("with a stale entry costs a second try, without a retry", async () => {
    const { orders, other, loads } = scene();
    await orders.apply(create, options);
    await other.apply(add("a"), options);
    loads();
    const { version, aggregate } = await orders.apply(add("b"), { ...options, retries: 0 });
    expect([version, Object.keys(aggregate.items), loads()]).toEqual([3n, ["a", "b"], 1]);
    await orders.apply(add("c"), options);
    expect(loads()).toBe(0);
  });

  test("never refuses or skips what the stream allows", async () => {
    const { orders, other } = scene();
    await orders.apply([create, add("a")], options);
    await other.apply(remove("a"), options);
    // The entry still has the item.
    expect((await orders.apply(add("a"), options)).version).toBe(4n);
    await other.apply(add("b"), options);
    // The entry lacks the item.
    expect(await orders.apply(remove("b"), options)).toMatchObject({ skipped: false, version: 6n });
  });

  test("refuses and skips what the stream does", async () => {
    const { orders, other } = scene();
    await orders.apply([create, add("a")], options);
    await other.apply([add("b"), orderCommands.Place({})], options);
    expect(await failure(orders.apply(add("c"), options))).toMatchObject({ code: "state_not_allowed" });
    expect(await failure(orders.apply(create, options))).toMatchObject({ code: "already_created" });
    expect(await orders.load("o-1")).toMatchObject({ state: State.PLACED, itemCount: 2 });
  });

  test("isn't asked to say that an expected version is wrong", async () => {
    const { orders, other } = scene();
    await orders.apply(create, options);
    await other.apply(add("a"), options);
    expect((await orders.apply(add("b"), { ...options, expectedVersion: 2n })).version).toBe(3n);
    await other.apply(add("c"), options);
    const stale = await failure(orders.apply(add("d"), { ...options, expectedVersion: 3n }));
    expect(isProtosourceError(stale, "version_conflict") && stale.details.version).toBe(4n);
    expect((await orders.apply(add("d"), { ...options, expectedVersion: 4n })).version).toBe(5n);
  });

  test("knows a command that came before by its id", async () => {
    const { orders, other } = scene();
    await orders.apply(create, options);
    const first = await orders.apply(add("a"), { ...options, commandId: "c-1" });
    // The entry is fresh, and stale the second time.
    expect(await orders.apply(add("a"), { ...options, commandId: "c-1" })).toMatchObject({
      repeated: true,
      version: 2n,
    });
    await other.apply([remove("a"), add("b")], { ...options, commandId: "c-2" });
    const again = await orders.apply([remove("a"), add("b")], { ...options, commandId: "c-2" });
    expect(again).toMatchObject({ repeated: true, version: 4n });
    expect([first.repeated, (await orders.load("o-1")).version]).toEqual([false, 4n]);
  });

  test("keeps nothing that a caller or a rule can reach", async () => {
    const meddling = defineOrder({
      evaluate: {
        Place(order) {
          order.customerName = "changed by a rule";
          return "skip";
        },
      },
    });
    const { orders, other, loads } = scene(meddling);
    const { aggregate } = await orders.apply([create, add("a")], options);
    aggregate.items = {};
    const loaded = await orders.load("o-1");
    loaded.customerName = "changed by the caller";
    const applied = await orders.apply([orderCommands.Place({}), add("b")], options);
    applied.aggregate.customerName = "changed by the caller";
    loads();
    await orders.apply(add("c"), options);
    expect(loads()).toBe(0);
    expect(await orders.load("o-1")).toMatchObject({ customerName: "", itemCount: 0 });
    expect(Object.keys((await other.load("o-1")).items)).toEqual(["a", "b", "c"]);
  });

  test("keeps bytes that no rule can reach", async () => {
    const meddling = defineForm({
      evaluate: {
        File({ seal }) {
          seal.fill(0);
          return "skip";
        },
      },
    });
    const repository = new Repository(meddling, new MemoryStore(), { cache: new Map() });
    const form = { id: "f-1", actor: "ann" };
    await repository.apply(formCommands.Start({}), form);
    await repository.save("f-1", [formEvents.FilledIn({ seal: new Uint8Array([1, 2, 3]) })]);
    await repository.load("f-1");
    await repository.apply(formCommands.File({}), form);
    expect((await repository.apply(formCommands.Drop({}), form)).aggregate.seal).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("loses an entry when the first record behind it expires", async () => {
    const { orders, store, clock, loads, cache } = scene();
    await orders.apply(create, options);
    const [record] = (await store.load(STREAM)).records;
    const brief = scene();
    brief.clock.advanceSeconds(Number((clock.now() - brief.clock.now()) / 1_000_000n));
    const ttl = brief.clock.now() / 1_000_000n + 60n;
    await brief.store.save(STREAM, [{ ...(record as NonNullable<typeof record>), ttl }]);
    await brief.orders.load("o-1");
    expect(brief.cache.get(STREAM)?.firstExpiry).toBe(ttl);
    brief.clock.advanceSeconds(60);
    expect(await failure(brief.orders.apply(add("c"), options))).toMatchObject({ code: "not_created" });
    expect(brief.cache.size).toBe(0);
    expect([cache.get(STREAM)?.firstExpiry, loads()]).toEqual([0n, 2]);
  });

  test("keeps an entry that a snapshot has carried on, since events don't expire any more", async () => {
    const { orders, store } = scene();
    await orders.apply(create, options);
    const [record] = (await store.load(STREAM)).records;
    const brief = scene();
    const ttl = brief.clock.now() / 1_000_000n + 60n;
    await brief.store.save(STREAM, [{ ...(record as NonNullable<typeof record>), ttl }]);
    await brief.orders.apply(add("a"), options);
    expect(brief.cache.get(STREAM)).toMatchObject({ firstExpiry: 0n, version: 3n });
    brief.clock.advanceSeconds(60);
    brief.loads();
    expect(await brief.orders.apply(add("b"), options)).toMatchObject({ version: 4n });
    expect(brief.loads()).toBe(0);
  });

  test("is refused where streams may start anew", () => {
    const { store } = scene();
    const cache: AggregateCache = new Map();
    expect(() => new Repository(defineTest(), store, { cache })).toThrow(/invalid_argument/);
    expect(() => new Repository(order, new MemoryStore({ ttlSeconds: 60 }), { cache })).toThrow(/invalid_argument/);
    expect(() => new Repository(order, store, { cache })).not.toThrow();
  });

  test("can be shared by repositories, and doesn't mix stores or rules", async () => {
    const { open, orders, loads, cache, clock } = scene();
    await orders.apply(create, options);
    loads();
    await open().apply(add("a"), options);
    expect(loads()).toBe(0);
    await open({}, defineOrder()).apply(add("b"), options);
    expect(loads()).toBe(1);
    const elsewhere = new Repository(order, new MemoryStore({ clock }), { clock, cache });
    expect(await failure(elsewhere.apply(add("a"), options))).toMatchObject({ code: "not_created" });
  });

  test("that fails is as good as none, with a warning", async () => {
    const fail = (): never => {
      throw new Error("out of order");
    };
    const logger = { warn: vi.fn<Logger["warn"]>() };
    const { open } = scene();
    const orders = open({ cache: { get: fail, set: fail, delete: fail }, logger });
    await orders.apply(create, options);
    expect((await orders.apply(add("a"), options)).version).toBe(2n);
    expect(logger.warn).toHaveBeenCalledTimes(4);
  });

  test("doesn't get older when a slower command comes to its end", async () => {
    const { open, orders, cache } = scene();
    await orders.apply(create, options);
    await Promise.all(["a", "b", "c", "d"].map((item) => open().apply(add(item), options)));
    expect(cache.get(STREAM)?.version).toBe(5n);
  });
});

describe("an eventually consistent load", () => {
  /** A store whose eventually consistent reads see the stream as it was. */
  function lagging() {
    const made = scene();
    const old = new MemoryStore({ clock: made.clock });
    const { store } = made;
    const asked: (string | undefined)[] = [];
    const read =
      (operation: "load" | "loadTail") =>
      (...args: never[]) => {
        const { consistency } = (args.at(-1) ?? {}) as { consistency?: string };
        asked.push(consistency);
        return (consistency === "eventual" ? old : store)[operation](...(args as unknown as [string, never]));
      };
    const delayed = {
      save: store.save.bind(store),
      load: read("load") as MemoryStore["load"],
      loadTail: read("loadTail") as MemoryStore["loadTail"],
    };
    const orders = new Repository(order, delayed, { clock: made.clock, consistency: "eventual" });
    return { ...made, orders, asked, catchUp: async () => old.save(STREAM, (await store.load(STREAM)).records) };
  }

  test("is enough when it was up to date", async () => {
    const { orders, other, asked, catchUp } = lagging();
    await other.apply(create, options);
    await catchUp();
    expect((await orders.apply(add("a"), options)).version).toBe(2n);
    expect(asked).toEqual(["eventual"]);
  });

  test("is followed by a strong one when it was stale, or when it doesn't come to a save", async () => {
    const { orders, other, asked, catchUp } = lagging();
    await other.apply([create, add("a")], options);
    // The old state is none at all.
    expect((await orders.apply(add("b"), options)).version).toBe(3n);
    await catchUp();
    await other.apply(remove("a"), options);
    expect((await orders.apply(add("a"), options)).version).toBe(5n);
    expect((await orders.apply(add("c"), options)).version).toBe(6n);
    expect(asked).toEqual(["eventual", undefined, "eventual", undefined, "eventual", undefined]);
  });

  test("isn't what load does", async () => {
    const { orders, other, asked } = lagging();
    await other.apply(create, options);
    expect((await orders.load("o-1")).version).toBe(1n);
    expect(asked).toEqual([undefined]);
  });
});

test("whatever two repositories with caches do, the state is that of all events", async () => {
  const key = fc.constantFrom("a", "b", "c");
  const command: fc.Arbitrary<OrderCommand> = fc.oneof(
    key.map(add),
    key.map(remove),
    fc.record({ key, value: fc.string() }).map((tag) => orderCommands.AddTag({ tag })),
    key.map((each) => orderCommands.RemoveTag({ key: each })),
    fc.string().map((method) => orderCommands.SetBilling({ billing: { method } })),
    fc.constant(orderCommands.ClearBilling({})),
  );
  const step = fc.record({
    writer: fc.nat({ max: 1 }),
    commands: fc.array(command, { minLength: 1, maxLength: 3 }),
    at: fc.constantFrom("now", "at once with the next"),
    knows: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, shared) => {
      const { open, other, clock } = scene();
      const own = new Map<string, CachedAggregate>();
      const writers = [open(), open(shared ? {} : { cache: own })];
      await other.apply(create, options);
      const underWay: Promise<void>[] = [];
      for (const { writer, commands, at, knows } of steps) {
        clock.advanceSeconds(1);
        const before = await other.load("o-1");
        const isAlone = underWay.length === 0 && at === "now";
        const expectedVersion = knows && isAlone ? before.version : undefined;
        const orders = writers[writer] as Repository<OrderTypes>;
        const work = orders.apply(commands, { ...options, expectedVersion }).then(
          async ({ aggregate }) => {
            if (isAlone) expect(equals(OrderSchema, aggregate, await other.load("o-1"))).toBe(true);
          },
          async (error) => {
            if (!(error instanceof ItemAlreadyThere)) throw error;
            // It was right to refuse.
            if (isAlone) expect(await failure(other.apply(commands, options))).toBeInstanceOf(ItemAlreadyThere);
          },
        );
        underWay.push(work);
        if (at === "now") await Promise.all(underWay.splice(0));
      }
      await Promise.all(underWay);
      const folded = fold(order, await other.history("o-1"));
      for (const orders of [...writers, other]) {
        const loaded = await orders.load("o-1");
        folded.version = loaded.version;
        expect(equals(OrderSchema, loaded, folded)).toBe(true);
      }
    }),
    { numRuns: 150 },
  );
});
