/** What subscriptions promise on every store, and on bad days: each kind of store is made once, each test has its own ids. */
import { type EventStore, ProtosourceError, type StoredRecord, systemClock } from "protosource-es";
import { type OpaqueStore, queryClient } from "protosource-es/opaquedata";
import {
  defineOutbox,
  defineReadModel,
  modelRows,
  on,
  type ReadModel,
  type Subscription,
  Subscriptions,
} from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ExpiringStores, kinds } from "../expiring-stores.js";
import { type CustomerSales, CustomerSalesSchema } from "../gen/example/app/sales/v1/sales_v1_pb.js";
import { order } from "../order.js";
import { orderEvent, recordOf, sales } from "../subscriptions/sales.js";

const DAY = 86_400_000_000n;

describe.each(kinds)("on $name", ({ make }) => {
  let stores: ExpiringStores;
  let store: EventStore;
  let rows: OpaqueStore;
  let clock: FakeClock;
  let ids = 0;
  /** Names what a test uses of the tables. */
  let name: string;

  beforeAll(async () => {
    stores = await make();
    // A day ahead, so that a database that deletes by its own clock deletes nothing.
    clock = new FakeClock(systemClock.now() + DAY);
    ({ store, rows } = stores.open({ clock }));
  });
  afterAll(() => stores.close());
  beforeEach(() => {
    name = `n${ids++}`;
  });

  const worker = (all: readonly Subscription[], own: EventStore = store): Subscriptions =>
    new Subscriptions({ store: own, opaqueStore: rows, all, clock });
  const ringFor = (streamId: string, version: bigint, records?: readonly StoredRecord[]) =>
    [{ streamId, version, kind: "saved", records }] as const;
  const inSeconds = (seconds: number): bigint => clock.now() / 1_000_000n + BigInt(seconds);
  const rowOf = (subscription: string, id: string): Promise<CustomerSales | undefined> =>
    queryClient(CustomerSalesSchema, modelRows(rows, subscription)).get(id);
  const findings = async (subscriptions: Subscriptions, streamId: string) => {
    const { behind, ahead, parked } = await subscriptions.audit();
    const isHere = (one: { readonly streamId: string }): boolean => one.streamId === streamId;
    return {
      behind: behind.filter(isHere).length,
      ahead: ahead.filter(isHere).length,
      parked: parked.filter(isHere).length,
    };
  };
  /** The records of an order of one customer, from a version on. */
  const itemsOf = (id: string, from: number, to: number, expiry = 0n): StoredRecord[] =>
    Array.from({ length: to - from + 1 }, (_, i) => {
      const version = BigInt(from + i);
      const item = { itemId: `i${version}`, priceCents: 1n };
      const event =
        version === 1n
          ? orderEvent("Created", id, 1n, { customerId: id, at: clock.now() })
          : orderEvent("ItemAdded", id, version, { item, at: clock.now() });
      return recordOf(event, version, expiry);
    });
  /** Notes the versions that it gets, and the ends of lives. */
  const journal = (): ReadModel<CustomerSales> => {
    const note = (id: string, text: string, row: (id: string, change: (row: CustomerSales) => void) => void) =>
      row(id, (line) => {
        line.region += `${text},`;
      });
    return defineReadModel(CustomerSalesSchema, {
      name: `${name}.journal`,
      version: 1,
      from: [
        on(order, {
          memo: () => ({ seen: 0 }),
          Created: (_, { id, version, memo, row }) => note(id, `${version}/${++memo.seen}`, row),
          ItemAdded: (_, { id, version, memo, row }) => note(id, `${version}/${++memo.seen}`, row),
          removed: (version, { id, memo, row }) => note(id, `-${version}/${memo.seen}`, row),
        }),
      ],
    });
  };
  const noted = async (id: string): Promise<string | undefined> => (await rowOf(`${name}.journal@1`, id))?.region;

  test("an id that is used again from version 1 on begins a new life, and the old one is removed once", async () => {
    const former = worker([journal()]);
    const lives = [1, 2, 3].flatMap((length) =>
      ["brought", "found", "ended before", "gone, and unknown to this worker"].map((how) => ({
        id: `${name}-${length}-${how}`,
        length,
        how,
      })),
    );
    const stream = (id: string): string => `example_app_order_v1#${id}`;
    const expiry = inSeconds(10);
    for (const { id } of lives) {
      await store.save(stream(id), itemsOf(id, 1, 2, expiry));
      await former.deliver(ringFor(stream(id), 2n));
      expect(await noted(id)).toBe("1/1,2/2,");
    }
    clock.advanceSeconds(20);
    for (const { id, how } of lives) {
      if (how === "ended before")
        await worker([journal()]).deliver([{ streamId: stream(id), version: 2n, kind: "gone" }]);
      await stores.sweep(stream(id), inSeconds(0));
      if (how === "gone, and unknown to this worker") {
        await worker([journal()]).deliver([{ streamId: stream(id), version: 2n, kind: "gone" }]);
      }
    }
    for (const { id, length, how } of lives) {
      const anew = itemsOf(id, 1, length, inSeconds(1_000));
      await store.save(stream(id), anew);
      const last = anew.at(-1) as StoredRecord;
      await former.deliver(ringFor(stream(id), last.version, how === "brought" ? [last] : undefined));
      const expected = ["1/1,2/2,-2/2,", ...anew.map(({ version }) => `${version}/${version},`)].join("");
      expect(await noted(id), `${how}, ${length}`).toBe(expected);
    }
  });

  test("a stream that was cut is ahead for an audit, and changes nothing", async () => {
    const streamId = `example_app_order_v1#${name}`;
    const old = worker([sales(1, name)]);
    for (const record of itemsOf(name, 1, 5)) await store.save(streamId, [record]);
    await old.deliver(ringFor(streamId, 5n));
    const before = await rowOf(`${name}@1`, name);
    expect(before).toMatchObject({ orders: 1n, items: 4n });
    await stores.cut(streamId, 3n);
    for (const subscriptions of [old, worker([sales(1, name)])]) {
      expect(await findings(subscriptions, streamId)).toEqual({ behind: 0, ahead: 1, parked: 0 });
      expect(await subscriptions.deliver([{ streamId, version: 5n, kind: "gone" }])).toMatchObject({
        ahead: 1,
        handled: 0,
      });
    }
    expect(await rowOf(`${name}@1`, name)).toEqual(before);
  });

  test("messages that a sink takes in parts of any length, and those of a process that ends behind them, are all sent, in order", async () => {
    for (const length of [1, 2, 3, 4, 5]) {
      const id = `${name}-${length}`;
      const streamId = `example_app_order_v1#${id}`;
      await store.save(streamId, itemsOf(id, 1, 5));
      const sent: bigint[] = [];
      const outbox = defineOutbox({
        name: id,
        since: "beginning",
        from: [on(order, { Created: () => ({ data: {} }), ItemAdded: () => ({ data: {} }) })],
        to: async (messages) => {
          const taken = messages.slice(0, length);
          sent.push(...taken.map(({ version }) => version));
          return taken.length;
        },
      });
      const bell = ringFor(streamId, 5n);
      const { failures } = await worker([outbox], endingBeforeSave(store)).deliver(bell);
      expect(failures).toHaveLength(1);
      const first = sent.splice(0);
      await worker([outbox]).deliver(bell);
      expect([first, sent]).toEqual([[1n, 2n, 3n, 4n, 5n].slice(0, length), [1n, 2n, 3n, 4n, 5n]]);
    }
  });

  test("a version that is built while writers write and the other one follows has the same rows", async () => {
    const models = [1, 2].map((version) => sales(version, `${name}.sales`));
    const [one, two] = models.map((model) => worker([model]));
    const streams = [1, 2, 3].map((i) => `${name}-${i}`);
    const write = async (id: string): Promise<void> => {
      const streamId = `example_app_order_v1#${id}`;
      for (const [from, to] of [
        [1, 2],
        [3, 3],
        [4, 6],
      ] as const) {
        const records = itemsOf(id, from, to);
        await store.save(streamId, records);
        await Promise.all(
          [one, two].map((subscriptions) => subscriptions?.deliver(ringFor(streamId, BigInt(to), records))),
        );
      }
    };
    const [model] = models.slice(1);
    await expect(two?.promote(model as Subscription)).rejects.toMatchObject({ code: "invalid_argument" });
    await Promise.all([...streams.map(write), two?.catchUp({ pageSize: 3, segments: 2 })]);
    await two?.promote(model as Subscription);
    for (const id of streams) {
      const rows = await Promise.all([1, 2].map((version) => rowOf(`${name}.sales@${version}`, id)));
      expect(rows).toMatchObject([
        { orders: 1n, items: 5n },
        { orders: 1n, items: 5n },
      ]);
    }
  });
});

/** A store whose process ends before anything is saved. */
function endingBeforeSave(store: EventStore): EventStore {
  return new Proxy(store, {
    get: (target, key) => {
      if (key === "saveAll")
        return () => Promise.reject(new ProtosourceError("cancelled", "ended", { operation: "saveAll" }));
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
