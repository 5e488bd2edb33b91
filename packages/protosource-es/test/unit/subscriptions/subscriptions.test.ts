import { getEventListeners } from "node:events";
import { ProtosourceError, Repository } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { queryClient } from "protosource-es/opaquedata";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import {
  defineHandler,
  defineReadModel,
  type Happening,
  modelRows,
  on,
  type Subscription,
  Subscriptions,
  servedRows,
} from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { type CustomerSales, CustomerSalesSchema } from "../../gen/example/app/sales/v1/sales_v1_pb.js";
import { testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";
import { orderEvent, recordOf, sales, testAggregate, testEvent } from "../../subscriptions/sales.js";

const START = 1_800_000_000_000_000n;
const O1 = "example_app_order_v1#o1";
const T1 = "example_app_test_v1#t1";

const controllers: AbortController[] = [];
afterEach(() => {
  for (const controller of controllers.splice(0)) controller.abort();
});

describe.each(["memory", "sqlite"] as const)("on %s", (kind) => {
  function open(all: readonly Subscription[] = [sales()]) {
    const clock = new FakeClock(START);
    const database = openSqlite(":memory:");
    const opaqueStore =
      kind === "memory" ? new MemoryOpaqueStore({ clock }) : new SqliteOpaqueStore(database, { clock });
    const store =
      kind === "memory" ? new MemoryStore({ clock, opaqueStore }) : new SqliteStore(database, { clock, opaqueStore });
    const happenings: Happening[] = [];
    const subscriptions = new Subscriptions({ store, all, clock, observe: (one) => happenings.push(one) });
    const row = (id: string, version = 1): Promise<CustomerSales | undefined> =>
      queryClient(CustomerSalesSchema, modelRows(opaqueStore, `sales@${version}`)).get(id);
    return { clock, store, opaqueStore, subscriptions, happenings, row };
  }

  const created = (id: string, customerId: string) => recordOf(orderEvent("Created", id, 1n, { customerId }), 1n);

  test.each(["denied", "table_missing", "not_configured"] as const)(
    "run ends with %s, which no repetition helps",
    async (code) => {
      const { store, subscriptions, happenings } = open();
      await store.save(O1, [created("o1", "c")]);
      const details = { operation: "readPositions", table: "feeds", option: "feedsTable" } as never;
      const { readPositions } = store;
      store.readPositions = () => Promise.reject(new ProtosourceError(code, "not for you", details));
      await expect(subscriptions.run()).rejects.toMatchObject({ code });
      expect(happenings).toMatchObject([{ kind: "failed", subscription: "sales@1", streamId: O1, error: { code } }]);
      store.readPositions = readPositions;
    },
  );

  test("a catch-up has ended in every segment when it fails in one", async () => {
    const { subscriptions } = open();
    let segments = 0;
    let ended = 0;
    const pace = async (signal: AbortSignal | undefined): Promise<void> => {
      if (segments++ === 0) throw new Error("enough");
      await new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
      ended++;
    };
    await expect(subscriptions.catchUp({ segments: 3, pace })).rejects.toThrow("enough");
    expect(ended).toBe(2);
  });

  test("run handles what was saved and what is being saved, and goes on where it stopped", async () => {
    const { store, subscriptions, row } = open();
    await store.save(O1, [created("o1", "c")]);
    for (let i = 2n; i <= 6n; i++) {
      const controller = new AbortController();
      controllers.push(controller);
      const running = subscriptions.run({ signal: controller.signal });
      await store.save(O1, [recordOf(orderEvent("ItemAdded", "o1", i, { item: { priceCents: 1n } }), i)]);
      expect(await subscriptions.reached(sales(), { streamId: O1, version: i })).toBe(true);
      expect(await row("c")).toMatchObject({ orders: 1n, items: i - 1n });
      controller.abort();
      await running;
    }
    expect(await store.readMark("sales@1", "feed")).toBeGreaterThan(0n);
  });

  test("run lets the program have its turn, however much is stored", async () => {
    let seen = 0;
    const counting = defineHandler({ name: "counting", from: [on(order, { Created: () => void seen++ })] });
    const { store, subscriptions } = open([counting]);
    for (let i = 0; i < 1_000; i++) await store.save(`example_app_order_v1#o${i}`, [created(`o${i}`, "c")]);
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    await subscriptions.run({ signal: controller.signal });
    expect(seen).toBeLessThan(1_000);
  });

  test("what a source has missed is found in the store", async () => {
    const { store, subscriptions, row } = open();
    await store.save(O1, [created("o1", "c")]);
    const source = {
      async *listen() {
        yield { doorbells: [], missed: true };
      },
    };
    await subscriptions.run({ source });
    expect(await row("c")).toMatchObject({ orders: 1n });
  });

  test("run rings again for what failed, until it is done, and for nothing else", async () => {
    const { store, subscriptions, happenings, row } = open();
    const ids = ["o1", "o2", "o3"];
    const bells = ids.map((id) => ({ streamId: `example_app_order_v1#${id}`, version: 1n, kind: "saved" }) as const);
    for (const [i, { streamId }] of bells.entries()) await store.save(streamId, [created(ids[i] as string, "c")]);
    const failing = new Map([
      [O1, 2],
      ["example_app_order_v1#o2", 1],
    ]);
    const { readPositions } = store;
    store.readPositions = async (subscription, streams, options) => {
      const left = failing.get(streams[0] as string) ?? 0;
      failing.set(streams[0] as string, left - 1);
      const details = { operation: "readPositions", reasons: ["busy"], outcome: "not_applied" } as const;
      if (left > 0) throw new ProtosourceError("unavailable", "busy", details);
      return readPositions.call(store, subscription, streams, options);
    };
    const listen = async function* () {
      yield { doorbells: bells, missed: false };
    };
    await subscriptions.run({ source: { listen } });
    expect(await row("c")).toMatchObject({ orders: 3n });
    const times = (...kinds: readonly Happening["kind"][]) =>
      happenings.filter(({ kind }) => kinds.includes(kind)).length;
    expect([times("failed"), times("applied"), times("duplicate")]).toEqual([3, 3, 0]);
  });

  test("a ring for a stream of which something is gone goes on until all that is stored is handled, however much that is", async () => {
    const seen: bigint[] = [];
    const see = (_: unknown, { version }: { readonly version: bigint }): void => void seen.push(version);
    const model = defineReadModel(CustomerSalesSchema, {
      name: "sales",
      version: 1,
      from: [on(order, { Created: see, ItemAdded: see })],
    });
    const { store, subscriptions } = open([model]);
    const records = [created("o1", "c")];
    for (let v = 2n; v <= 250n; v++) records.push(recordOf(orderEvent("ItemAdded", "o1", v), v));
    for (let from = 0; from < records.length; from += 50) await store.save(O1, records.slice(from, from + 50));
    const bell = { streamId: O1, version: 1n, kind: "gone" } as const;
    expect(await subscriptions.deliver([bell])).toMatchObject({ handled: 250, failures: [] });
    expect(seen).toEqual(records.map(({ version }) => version));
  });

  test("a version that goes down does nothing again, and goes on once the newer one is dropped", async () => {
    const seen: string[] = [];
    const mails = (version: number): Subscription => {
      const see = (_: unknown, context: { readonly version: bigint }) => seen.push(`${version}: ${context.version}`);
      return defineHandler({ name: "mails", version, from: [on(order, { Created: see, ItemAdded: see })] });
    };
    const { store, subscriptions } = open([mails(1), sales(1)]);
    const newer = new Subscriptions({ store, all: [mails(2), sales(2)] });
    await store.save(O1, [created("o1", "c")]);
    await subscriptions.catchUp();
    await newer.catchUp();
    await store.save(O1, [recordOf(orderEvent("ItemAdded", "o1", 2n), 2n)]);
    await newer.catchUp();
    // One that works already isn't stopped; one that begins is.
    const again = new Subscriptions({ store, all: [mails(1), sales(1)] });
    const refused = { code: "not_configured", details: { option: "version" } };
    await expect(again.run()).rejects.toMatchObject(refused);
    await expect(again.catchUp({ only: mails(1) })).rejects.toMatchObject(refused);
    // Rows of several versions stand beside each other.
    await again.catchUp({ only: sales(1) });
    expect(await store.readPositions("sales@1", [O1])).toMatchObject([{ version: 2n }]);
    expect(seen).toEqual(["1: 1", "2: 1", "2: 2"]);
    // A program that has both keeps the older one at work.
    await new Subscriptions({ store, all: [mails(1), mails(2)] }).catchUp({ only: mails(1) });
    expect(seen.slice(3)).toEqual(["1: 2"]);
    await store.save(O1, [recordOf(orderEvent("ItemAdded", "o1", 3n), 3n)]);
    await newer.drop("mails", 2);
    await again.catchUp();
    expect(seen.slice(4)).toEqual(["1: 3"]);
  });

  test("a position lags behind events of no interest, and moves once they are many", async () => {
    const { store, subscriptions } = open();
    const ringFor = (version: bigint) => subscriptions.deliver([{ streamId: T1, version, kind: "saved" }]);
    const position = async () => (await store.readPositions("sales@1", [T1]))[0]?.version;
    await store.save(T1, [recordOf(testEvent("Created", "t1", 1n, { body: "c" }), 1n)]);
    await ringFor(1n);
    for (let version = 2n; version <= 33n; version++) {
      await store.save(T1, [recordOf(testEvent("Locked", "t1", version), version)]);
      await ringFor(version);
      expect(await position()).toBe(version < 33n ? 1n : 33n);
    }
  });

  test("rows that are read from another place than they are written to are not_configured, and nothing is stored", async () => {
    const { store, row } = open();
    await store.save(O1, [created("o1", "c")]);
    const subscriptions = new Subscriptions({ store, opaqueStore: new MemoryOpaqueStore(), all: [sales()] });
    await subscriptions.catchUp();
    await store.save(O1, [recordOf(orderEvent("ItemAdded", "o1", 2n, { item: { priceCents: 1n } }), 2n)]);
    const refused = { code: "not_configured", details: { option: "opaqueStore" } };
    await expect(subscriptions.catchUp()).rejects.toMatchObject(refused);
    await expect(subscriptions.run()).rejects.toMatchObject(refused);
    expect(await row("c")).toMatchObject({ orders: 1n, items: 0n });
    expect(await store.readPositions("sales@1", [O1])).toMatchObject([{ version: 1n }]);
  });

  test("one process gives a handler each event once and in order, however often it rings at once", async () => {
    const seen: bigint[] = [];
    const see = async (_: unknown, { version }: { readonly version: bigint }): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(version);
    };
    const slow = defineHandler({ name: "slow", from: [on(order, { Created: see, ItemAdded: see })] });
    const { store, subscriptions } = open([slow]);
    const records = [created("o1", "c"), ...[2n, 3n].map((v) => recordOf(orderEvent("ItemAdded", "o1", v), v))];
    await store.save(O1, records);
    const ring = () => subscriptions.deliver([{ streamId: O1, version: 3n, kind: "saved" }]);
    await Promise.all([ring(), ring(), subscriptions.catchUp(), ring()]);
    expect(seen).toEqual([1n, 2n, 3n]);
  });

  test("many share one signal that lives long: they leave one listener on it, and then none", async () => {
    const { store, subscriptions } = open();
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, "abort").length;
    const waiting = Array.from({ length: 20 }, () => store.awaitFeed(0n, { signal }));
    expect(listeners()).toBe(1);
    await store.save(O1, [created("o1", "c")]);
    await Promise.all(waiting);
    expect(listeners()).toBe(0);
    let seen = 0;
    const listen = (): never => {
      seen = listeners();
      throw new Error("the source is gone");
    };
    await expect(subscriptions.run({ source: { listen }, signal })).rejects.toThrow("is gone");
    expect([seen, listeners()]).toEqual([1, 0]);
  });

  test("an event that can't be handled parks its stream alone; released it goes on in order, or skips it", async () => {
    let isBroken = true;
    const seen: string[] = [];
    const handler = defineHandler({
      name: "mails",
      tries: 2,
      from: [
        on(order, {
          Created: (_, { dedupeId }) => void seen.push(dedupeId),
          ItemAdded: async (_, { dedupeId, id }) => {
            if (isBroken && id === "o1") throw new Error("no mail today");
            seen.push(dedupeId);
          },
          Placed: (_, { dedupeId }) => void seen.push(dedupeId),
        }),
      ],
    });
    const { store, subscriptions } = open([handler]);
    for (const id of ["o1", "o2"]) {
      await store.save(`example_app_order_v1#${id}`, [
        created(id, "c"),
        recordOf(orderEvent("ItemAdded", id, 2n), 2n),
        recordOf(orderEvent("Placed", id, 3n), 3n),
      ]);
    }
    expect(await subscriptions.catchUp()).toMatchObject({ handled: 4, parked: 1 });
    const O2 = "example_app_order_v1#o2";
    expect(seen.toSorted()).toEqual([`${O1}:1`, `${O2}:1`, `${O2}:2`, `${O2}:3`]);
    const parked = await listed(subscriptions.parked());
    expect(parked).toMatchObject([
      { subscription: "mails@1", streamId: O1, version: 1n, parked: { version: 2n, error: "no mail today", tries: 2 } },
    ]);
    expect(await subscriptions.status()).toMatchObject([{ subscription: "mails@1", parked: 1 }]);
    expect(await subscriptions.reached(handler, { streamId: O1, version: 3n })).toBe(false);

    seen.length = 0;
    expect(await subscriptions.release({ subscription: "mails@1", streamId: O1 })).toMatchObject({ parked: 1 });
    isBroken = false;
    await subscriptions.release({ subscription: "mails@1", streamId: O1 });
    expect(seen).toEqual([`${O1}:2`, `${O1}:3`]);
    await expect(subscriptions.release({ subscription: "mails@1", streamId: O1 })).rejects.toMatchObject({
      code: "not_found",
    });

    isBroken = true;
    await store.save(O1, [
      recordOf(orderEvent("ItemAdded", "o1", 4n), 4n),
      recordOf(orderEvent("Placed", "o1", 5n), 5n),
    ]);
    await subscriptions.catchUp();
    seen.length = 0;
    await subscriptions.release({ subscription: "mails@1", streamId: O1, skip: true });
    expect(seen).toEqual([`${O1}:5`]);
  });

  test("an event of an unknown type, and one that changes too many rows, park with what is wrong", async () => {
    const wide = defineReadModel(CustomerSalesSchema, {
      name: "wide",
      version: 1,
      from: [
        on(testAggregate, {
          Created: (_, { row }) => {
            for (let i = 0; i < 99; i++) row(`c${i}`, () => {});
          },
        }),
      ],
    });
    const { store, subscriptions } = open([sales(), wide]);
    await store.save(O1, [created("o1", "c"), recordOf(testEvent("Locked", "o1", 2n), 2n)]);
    await store.save(T1, [recordOf(testEvent("Created", "t1", 1n, { body: "c" }), 1n)]);
    await subscriptions.catchUp();
    const parked = await listed(subscriptions.parked());
    expect(parked.map(({ subscription, parked }) => [subscription, parked?.version])).toEqual([
      ["sales@1", 2n],
      ["wide@1", 1n],
    ]);
    expect(parked[0]?.parked?.error).toContain("example.app.test.v1.Locked");
    expect(parked[1]?.parked?.error).toContain("too_large");
  });

  test("a life that has expired is removed, and the next one begins anew, each once", async () => {
    const lives = defineReadModel(CustomerSalesSchema, {
      name: "sales",
      version: 1,
      from: [
        on(testAggregate, {
          memo: () => ({ body: "" }),
          Created: ({ body }, { memo, row }) => {
            memo.body = body;
            row(body, (line) => {
              line.testEvents += 1n;
            });
          },
          removed: (_, { memo, row }) => {
            row(memo.body, (line) => {
              line.testEvents -= 1n;
              line.placed += 1n;
            });
          },
        }),
      ],
    });
    const { clock, store, subscriptions, row } = open([lives]);
    const now = START / 1_000_000n;
    await store.save(T1, [recordOf(testEvent("Created", "t1", 1n, { body: "c" }), 1n, now + 10n)]);
    await subscriptions.catchUp();
    expect(await row("c")).toMatchObject({ testEvents: 1n, placed: 0n });
    clock.advanceSeconds(10);
    expect((await subscriptions.audit()).behind).toHaveLength(1);
    expect((await subscriptions.audit({ repair: true })).behind).toHaveLength(1);
    expect((await subscriptions.audit()).behind).toEqual([]);
    expect(await row("c")).toMatchObject({ testEvents: 0n, placed: 1n });
    await store.save(T1, [recordOf(testEvent("Created", "t1", 2n, { body: "c" }), 2n, now + 20n)]);
    await subscriptions.catchUp();
    expect(await row("c")).toMatchObject({ testEvents: 1n, placed: 1n });
    clock.advanceSeconds(10);
    await store.save(T1, [recordOf(testEvent("Created", "t1", 3n, { body: "d" }), 3n, now + 90n)]);
    await subscriptions.catchUp();
    expect(await row("c")).toMatchObject({ testEvents: 0n, placed: 2n });
    expect(await row("d")).toMatchObject({ testEvents: 1n });
  });

  test("snapshots and events of no interest reach no handler, and hold nothing up", async () => {
    const { store, subscriptions, row } = open();
    const records = [recordOf(testEvent("Created", "t1", 1n, { body: "c" }), 1n)];
    for (let version = 2n; version <= 50n; version++) {
      records.push(recordOf(testEvent(version % 5n === 0n ? "Snapshot" : "Locked", "t1", version), version));
    }
    await store.save(T1, records);
    await subscriptions.catchUp();
    expect(await subscriptions.reached(sales(), { streamId: T1, version: 50n })).toBe(true);
    expect((await subscriptions.audit()).behind).toEqual([]);
    // The position doesn't stay so far behind that all of them are read again and again.
    const [position] = await store.readPositions("sales@1", [T1]);
    expect(position?.version).toBeGreaterThan(17n);
    await store.save(T1, [recordOf(testEvent("Updated", "t1", 51n, { body: "c" }), 51n)]);
    const [behind, ...others] = (await subscriptions.audit()).behind;
    expect([behind, others]).toEqual([{ subscription: "sales@1", streamId: T1, lacks: "events", since: 51n }, []]);
    await subscriptions.deliver([{ streamId: T1, version: 51n, kind: "saved" }]);
    expect(await row("c")).toMatchObject({ testEvents: 2n });
  });

  test("what apply gave can be waited for, or the id of an aggregate where one is followed", async () => {
    const one = defineHandler({ name: "one", from: [on(order, { Created: () => undefined })] });
    const { store, clock, subscriptions } = open([sales(), one]);
    const orders = new Repository(order, store, { clock });
    const applied = await orders.apply(orderCommands.Create({ customerId: "c" }), { id: "o1", actor: "a" });
    const { id, version } = applied;
    const now = { timeoutMs: 0 };
    expect(await subscriptions.reached(sales(), applied, now)).toBe(false);
    await subscriptions.catchUp();
    expect(await subscriptions.reached(sales(), applied, now)).toBe(true);
    expect(await subscriptions.reached(one, { id, version }, now)).toBe(true);
    const refused = { code: "invalid_argument" };
    await expect(subscriptions.reached(sales(), { id, version }, now)).rejects.toMatchObject(refused);
    const foreign = await new Repository(testAggregate, store, { clock }).apply(testCommands.Create({}), {
      id: "t",
      actor: "a",
    });
    await expect(subscriptions.reached(one, foreign, now)).rejects.toMatchObject(refused);
  });

  test("a new version is built beside the old one, promoted when it has caught up, and the old one dropped", async () => {
    const { store, opaqueStore, subscriptions, row } = open([sales(1), sales(2)]);
    await store.save(O1, [created("o1", "c")]);
    await subscriptions.catchUp({ only: sales(1) });
    await subscriptions.promote(sales(1));
    await expect(subscriptions.promote(sales(2))).rejects.toMatchObject({ code: "not_caught_up" });
    await subscriptions.catchUp({ only: sales(2) });
    expect(await row("c", 2)).toEqual(await row("c", 1));
    await subscriptions.promote(sales(2));
    const served = queryClient(CustomerSalesSchema, servedRows(sales(1), { store, opaqueStore }));
    expect(await served.get("c")).toMatchObject({ orders: 1n });
    await expect(subscriptions.drop("sales", 2)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(await subscriptions.drop("sales", 1)).toEqual({ scanned: 2, rows: 1, positions: 1 });
    expect(await row("c", 1)).toBeUndefined();
    expect(await row("c", 2)).toMatchObject({ orders: 1n });
    expect(await subscriptions.status()).toMatchObject([
      { version: 1, servedVersion: 2, caughtUpAt: 0n },
      { version: 2, servedVersion: 2, caughtUpAt: START },
    ]);
  });

  test("a catch-up that was stopped goes on from its progress", async () => {
    const { store, subscriptions, row } = open();
    for (let i = 0; i < 20; i++) await store.save(`example_app_order_v1#o${i}`, [created(`o${i}`, "c")]);
    let kept = "";
    const controller = new AbortController();
    const stopped = subscriptions.catchUp({
      pageSize: 3,
      segments: 1,
      signal: controller.signal,
      onProgress: (told) => {
        kept = JSON.stringify(told);
        if (told.counts.records >= 9) controller.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
    const resume = JSON.parse(kept);
    expect(await subscriptions.catchUp({ pageSize: 3, resume })).toMatchObject({ records: 20, handled: 20 });
    expect(await row("c")).toMatchObject({ orders: 20n });
  });

  test("a drop that was stopped goes on from its progress, at its pace", async () => {
    const { store, opaqueStore, subscriptions, row } = open([sales(1), sales(2)]);
    for (let i = 0; i < 20; i++) await store.save(`example_app_order_v1#o${i}`, [created(`o${i}`, `c${i}`)]);
    await subscriptions.catchUp();
    let kept = "";
    const onProgress = (told: object): void => {
      kept = JSON.stringify(told);
    };
    const plan = { pageSize: 4, segments: 2, onProgress };
    await expect(subscriptions.drop("sales", 1, { ...plan, pace: pages(5) })).rejects.toThrow("enough");
    const resume = JSON.parse(kept);
    expect(resume.counts.scanned).toBeGreaterThan(0);
    expect(resume.counts.scanned).toBeLessThan(40);
    const scan = vi.spyOn(opaqueStore, "scan");
    // The rest of the rows, and the positions.
    const counts = await subscriptions.drop("sales", 1, { ...plan, resume, pace: pages(20) });
    expect(counts).toEqual({ scanned: 40, rows: 20, positions: 20 });
    expect(scan.mock.calls.map(([options]) => options?.cursor)).not.toContain(undefined);
    expect([await row("c1", 1), await row("c1", 2)]).toMatchObject([undefined, { orders: 1n }]);
    expect((await store.scanPositions("sales@1")).positions).toEqual([]);
  });

  test("an audit looks at many streams at once, tells each once, and has ended when it fails", async () => {
    const { store, subscriptions, happenings } = open();
    for (let i = 0; i < 40; i++) await store.save(`example_app_order_v1#o${i}`, [created(`o${i}`, "c")]);
    const { readPositions } = store;
    let [running, most] = [0, 0];
    store.readPositions = async (...args) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return readPositions.apply(store, args);
    };
    expect((await subscriptions.audit({ segments: 1 })).behind).toHaveLength(40);
    expect(most).toBe(16);
    expect(happenings.filter(({ kind }) => kind === "behind")).toHaveLength(40);
    store.readPositions = async (...args) => {
      running++;
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (args[1][0]?.endsWith("o7")) throw new Error("enough");
      return readPositions.apply(store, args);
    };
    await expect(subscriptions.audit()).rejects.toThrow("enough");
    expect(running).toBe(0);
  });
});

/** Lets only so many pages through, and then no more. */
function pages(count: number): () => Promise<void> {
  return async () => {
    if (count-- === 0) throw new Error("enough");
  };
}

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("an audit finds the end of a life of which nothing is stored any more, and has it handled", async () => {
  const streams: MemoryStreams = new Map();
  const store = new MemoryStore({ streams });
  const ends: string[] = [];
  const following = defineHandler({
    name: "following",
    from: [on(order, { Created: () => undefined, removed: (_, { id }) => void ends.push(id) })],
  });
  const subscriptions = new Subscriptions({ store, all: [following] });
  await store.save(O1, [recordOf(orderEvent("Created", "o1", 1n), 1n)]);
  await subscriptions.catchUp();
  streams.delete(O1);
  const finding = { subscription: "following@1", streamId: O1 };
  expect(await subscriptions.audit()).toMatchObject({ behind: [finding], ahead: [] });
  expect(ends).toEqual([]);
  expect(await subscriptions.audit({ repair: true })).toMatchObject({ behind: [finding] });
  expect(await subscriptions.audit()).toMatchObject({ behind: [] });
  expect(ends).toEqual(["o1"]);
});

test("a row that was removed and made anew meanwhile isn't taken for the one that was read", async () => {
  const store = new MemoryStore();
  const write = vi.spyOn(store, "saveAll");
  const lists = defineReadModel(CustomerSalesSchema, {
    name: "lists",
    version: 1,
    from: [
      on(order, {
        Created: (_, { id, row }) =>
          row("all", (list) => {
            list.region += `${id},`;
          }),
        Cancelled: (_, { remove }) => remove("all"),
      }),
    ],
  });
  const bring = async (id: string, kind: "Created" | "Cancelled"): Promise<void> => {
    const streamId = `example_app_order_v1#${id}`;
    await store.save(streamId, [recordOf(orderEvent(kind, id, 1n), 1n)]);
    const { failures } = await new Subscriptions({ store, all: [lists] }).deliver([
      { streamId, version: 1n, kind: "saved" },
    ]);
    expect(failures).toEqual([]);
  };
  await bring("o1", "Created");
  const { saveAll } = MemoryStore.prototype;
  write.mockImplementationOnce(async (...args) => {
    await bring("o3", "Cancelled");
    await bring("o4", "Created");
    return saveAll.apply(store, args);
  });
  await bring("o2", "Created");
  const rows = queryClient(CustomerSalesSchema, modelRows(store.opaqueStore, "lists@1"));
  expect(await rows.get("all")).toMatchObject({ region: "o4,o2," });
});

test("two subscriptions of one name and version are invalid_argument", () => {
  expect(() => new Subscriptions({ store: new MemoryStore(), all: [sales(), sales()] })).toThrow("one name");
});
