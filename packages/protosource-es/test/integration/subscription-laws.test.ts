/** What subscriptions promise on every store, and on bad days: each kind of store is made once, each test has its own ids. */
import { type EventStore, Repository, type StoredRecord, systemClock } from "protosource-es";
import { type OpaqueStore, queryClient } from "protosource-es/opaquedata";
import {
  after,
  type CatchUpProgress,
  defineHandler,
  defineOutbox,
  defineProcess,
  defineReadModel,
  modelRows,
  on,
  type ReadModel,
  type Subscription,
  Subscriptions,
  send,
} from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ExpiringStores, kinds } from "../expiring-stores.js";
import { type CustomerSales, CustomerSalesSchema } from "../gen/example/app/sales/v1/sales_v1_pb.js";
import { testCommands } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../order.js";
import { endingBeforeSave, losingAnswers } from "../subscriptions/failing-stores.js";
import { orderEvent, recordOf, sales, testAggregate, testEvent } from "../subscriptions/sales.js";

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
    return defineReadModel(CustomerSalesSchema, {
      name: `${name}.journal`,
      version: 1,
      from: [
        on(order, {
          memo: () => ({ seen: 0 }),
          Created: (_, { id, version, memo, row }) => noteIn(row, id, `${version}/${++memo.seen}`),
          ItemAdded: (_, { id, version, memo, row }) => noteIn(row, id, `${version}/${++memo.seen}`),
          removed: (version, { id, memo, row }) => noteIn(row, id, `-${version}/${memo.seen}`),
        }),
      ],
    });
  };
  const noted = async (id: string): Promise<string | undefined> => (await rowOf(`${name}.journal@1`, id))?.region;

  test("an id that is used again from version 1 on begins a new life, and the old one is removed once", async () => {
    const former = worker([journal()]);
    const lives = [1, 2, 3].flatMap((length) =>
      ["brought", "found", "ended before", "gone, and unknown to this worker", "deleted at no time"].map((how) => ({
        id: `${name}-${length}-${how}`,
        length,
        how,
      })),
    );
    const stream = (id: string): string => `example_app_order_v1#${id}`;
    const expiry = inSeconds(10);
    for (const { id, how } of lives) {
      await store.save(stream(id), itemsOf(id, 1, 2, how === "deleted at no time" ? 0n : expiry));
      await former.deliver(ringFor(stream(id), 2n));
      expect(await noted(id)).toBe("1/1,2/2,");
    }
    clock.advanceSeconds(20);
    for (const { id, how } of lives) {
      if (how === "ended before")
        await worker([journal()]).deliver([{ streamId: stream(id), version: 2n, kind: "gone" }]);
      if (how === "deleted at no time") await stores.cut(stream(id), 1n);
      else await stores.sweep(stream(id), inSeconds(0));
      if (how === "gone, and unknown to this worker" || how === "deleted at no time") {
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

  test("a stream that was cut is ahead for an audit, changes nothing, and isn't promoted", async () => {
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
    await old.catchUp();
    const refused = { code: "not_caught_up", details: { reason: "ahead", streamId } };
    await expect(old.promote(sales(1, name))).rejects.toMatchObject(refused);
    await old.promote(sales(1, name), { audit: false });
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

  test("a version that is built while writers write and the other one follows has the same rows, and isn't promoted where it fell behind", async () => {
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
    const refused = (reason: string) => ({ code: "not_caught_up", details: { reason } });
    await expect(two?.promote(model as Subscription)).rejects.toMatchObject(refused("never"));
    await Promise.all([...streams.map(write), two && catchUpInParts(two)]);
    await two?.promote(model as Subscription);
    // The way back is open to a version that was kept fed.
    await expect(one?.promote(models[0] as Subscription)).rejects.toMatchObject(refused("never"));
    await one?.catchUp();
    await one?.promote(models[0] as Subscription);
    expect(await one?.status()).toMatchObject([{ version: 1, servedVersion: 1 }]);
    // What a worker may be about to handle is no reason, and what it has left lying is.
    const late = `example_app_order_v1#${name}-late`;
    await store.save(late, itemsOf(`${name}-late`, 1, 1));
    await two?.promote(model as Subscription);
    clock.advanceSeconds(60);
    await expect(one?.promote(models[0] as Subscription)).rejects.toMatchObject({
      code: "not_caught_up",
      details: { subscription: `${name}.sales@1`, reason: "behind", streamId: late },
    });
    expect(await two?.status()).toMatchObject([{ version: 2, servedVersion: 2 }]);
    await one?.promote(models[0] as Subscription, { audit: false });
    expect(await one?.status()).toMatchObject([{ version: 1, servedVersion: 1 }]);
    for (const id of streams) {
      const rows = await Promise.all([1, 2].map((version) => rowOf(`${name}.sales@${version}`, id)));
      expect(rows).toMatchObject([
        { orders: 1n, items: 5n },
        { orders: 1n, items: 5n },
      ]);
    }
  });

  test("an event that can't be handled parks its stream alone and stores nothing of it; released it goes on in order", async () => {
    let isBroken = true;
    const faults = {
      throws: () => {
        throw new Error("broken");
      },
      wide: ({ row }) => {
        for (let i = 0; i < 99; i++) row(`${name} ${i}`, () => undefined);
      },
      "long key": ({ row }) => row(name.padEnd(3_000, "x"), () => undefined),
      memo: ({ memo }) => {
        memo.kept = () => undefined;
      },
      "large memo": ({ memo }) => {
        memo.kept = "x".repeat(70_000);
      },
      none: () => undefined,
    } satisfies Record<string, (context: { row: ChangeRow; memo: { kept: unknown } }) => void>;
    type Fault = keyof typeof faults | "unknown type";
    const told: Record<Exclude<Fault, "none">, RegExp> = {
      throws: /^broken$/,
      wide: /too_large.* rows/,
      "long key": /too_large|invalid_argument/,
      memo: /memo\.kept can't be remembered/,
      "large memo": /too_large.*memo/,
      "unknown type": /example\.app\.test\.v1\.Locked/,
    };
    const model = defineReadModel(CustomerSalesSchema, {
      name: `${name}.poison`,
      version: 1,
      from: [
        on(order, {
          memo: () => ({ kept: "" as unknown }),
          Created: (_, { id, row }) => noteIn(row, id, "1"),
          ItemAdded: ({ item }, { id, version, row, memo }) => {
            noteIn(row, id, `${version}`);
            if (isBroken) faults[item?.itemId as keyof typeof faults]({ row, memo });
          },
        }),
      ],
    });
    const kept = defineReadModel(CustomerSalesSchema, {
      name: `${name}.kept`,
      version: 1,
      rowPerAggregate: true,
      from: [
        on(order, {
          Created: (_, { id, row }) => noteIn(row, id, "1"),
          ItemAdded: ({ item }, { id, version, row }) => {
            noteIn(row, id, `${version}`);
            if (isBroken && item?.itemId === "throws") throw new Error("broken");
          },
        }),
      ],
    });
    const poison = `${name}.poison@1`;
    const ids = [...Object.keys(told), "none"] as readonly Fault[];
    const streamOf = (fault: Fault): string => `example_app_order_v1#${name} ${fault}`;
    const bells = await Promise.all(
      ids.map(async (fault) => {
        const id = `${name} ${fault}`;
        const bad =
          fault === "unknown type"
            ? testEvent("Locked", id, 2n)
            : orderEvent("ItemAdded", id, 2n, { item: { itemId: fault } });
        const good = orderEvent("ItemAdded", id, 3n, { item: { itemId: "none" } });
        await store.save(streamOf(fault), [...itemsOf(id, 1, 1), recordOf(bad, 2n), recordOf(good, 3n)]);
        return { streamId: streamOf(fault), version: 3n, kind: "saved" } as const;
      }),
    );
    const all = [model, sales(1, name), kept];
    const keptLine = async () => (await rowOf(`${name}.kept@1`, `${name} throws`))?.region;
    const lines = async () =>
      Object.fromEntries(
        await Promise.all(ids.map(async (fault) => [fault, (await rowOf(poison, `${name} ${fault}`))?.region])),
      );
    const before = Object.fromEntries(ids.map((fault) => [fault, fault === "none" ? "1,2,3," : "1,"]));
    expect(await worker(all).deliver(bells)).toMatchObject({ parked: Object.keys(told).length + 3, failures: [] });
    expect(await lines()).toEqual(before);
    expect(await keptLine()).toBe("1,");
    const parked = await listed(worker([model]).parked());
    expect(parked.map(({ streamId }) => streamId).toSorted()).toEqual(
      ids
        .filter((fault) => fault !== "none")
        .map(streamOf)
        .toSorted(),
    );
    for (const { streamId, version, parked: why } of parked) {
      const fault = streamId.split(" ").slice(1).join(" ") as keyof typeof told;
      expect([version, why?.version, why?.error]).toEqual([1n, 2n, expect.stringMatching(told[fault])]);
    }
    expect(await worker(all).deliver(bells)).toMatchObject({ handled: 0, failures: [] });
    const release = (fault: Fault, skip = false) =>
      worker(all).release({ subscription: poison, streamId: streamOf(fault), skip });
    expect(await release("throws")).toMatchObject({ parked: 1 });
    expect(await lines()).toEqual(before);
    isBroken = false;
    for (const fault of ids) {
      if (fault !== "none") await release(fault, fault === "unknown type");
    }
    expect(await lines()).toEqual(
      Object.fromEntries(ids.map((fault) => [fault, fault === "unknown type" ? "1,3," : "1,2,3,"])),
    );
    await worker(all).release({ subscription: `${name}.kept@1`, streamId: streamOf("throws") });
    expect(await keptLine()).toBe("1,2,3,");
    await expect(release("throws")).rejects.toMatchObject({ code: "not_found" });
  });

  test("what was saved at once is gone on with at any of its events, and behind one that is skipped no end is known", async () => {
    const length = 7;
    for (let at = 1; at <= length; at++) {
      const id = `${name}-${at}`;
      const streamId = `example_app_order_v1#${id}`;
      const seen: bigint[] = [];
      let isBroken = true;
      const see = (_: unknown, { version }: { readonly version: bigint }): void => {
        if (isBroken && version === BigInt(at)) throw new Error("broken");
        seen.push(version);
      };
      const handler = defineHandler({ name: id, tries: 1, from: [on(order, { Created: see, ItemAdded: see })] });
      await store.save(streamId, itemsOf(id, 1, length, inSeconds(1_000)));
      const parked = { subscription: `${id}@1`, streamId };
      expect(await worker([handler]).deliver(ringFor(streamId, 7n))).toMatchObject({ handled: at - 1, parked: 1 });
      const skip = at === length;
      isBroken = skip;
      await worker([handler]).release({ ...parked, skip });
      expect(seen).toEqual(itemsOf(id, 1, skip ? length - 1 : length).map(({ version }) => version));
      const [position] = await store.readPositions(`${id}@1`, [streamId]);
      expect(position).toMatchObject({ version: 7n, expiry: skip ? 0n : inSeconds(1_000) });
    }
  });

  test("a process sends once, with two workers, doubled bells, lost answers and targets that others change", async () => {
    const orders = 3;
    const answering = (own: EventStore): Subscriptions => {
      const tests = new Repository(testAggregate, own, { clock });
      return worker(
        [
          defineProcess({
            name,
            since: "beginning",
            from: [
              on(order, {
                Placed: (_, { id }) => [
                  send(tests, testCommands.Create({ body: id }), { id: `${name} of ${id}` }),
                  send(tests, testCommands.Update({ body: id }), { id: name }),
                  send(tests, testCommands.Create({}), { id: `${name} taken`, refused: "done" }),
                  after("later", { seconds: 60 }),
                ],
              }),
            ],
            timers: { later: () => send(tests, testCommands.Update({ body: "late" }), { id: name }) },
          }),
        ],
        own,
      );
    };
    const tests = new Repository(testAggregate, store, { clock });
    const by = { actor: "ann" };
    for (const id of [name, `${name} taken`]) await tests.apply(testCommands.Create({}), { id, ...by });
    const bells = await Promise.all(
      Array.from({ length: orders }, async (_, i) => {
        const id = `${name}-${i}`;
        const streamId = `example_app_order_v1#${id}`;
        const placed = orderEvent("Placed", id, 2n, { at: clock.now() });
        await store.save(streamId, [...itemsOf(id, 1, 1), recordOf(placed, 2n)]);
        return { streamId, version: 2n, kind: "saved" } as const;
      }),
    );
    const workers = [answering(losingAnswers(store)), answering(store)];
    const foreign = tests.apply(testCommands.Update({ body: "foreign" }), { id: name, ...by });
    await Promise.all([foreign, ...workers.map((one) => one.deliver([...bells, ...bells]))]);
    expect(await workers[1]?.deliver(bells)).toMatchObject({ handled: 0, parked: 0, failures: [] });
    const bodies = async () => (await tests.history(name)).flatMap((event) => ("body" in event ? [event.body] : []));
    const sent = bells.map((_, i) => `${name}-${i}`);
    expect((await bodies()).toSorted()).toEqual(["", "foreign", ...sent].toSorted());
    for (const id of sent) {
      const history = await tests.history(`${name} of ${id}`);
      expect(history.filter(({ $typeName }) => $typeName.endsWith(".Created"))).toHaveLength(1);
    }

    clock.advanceSeconds(61);
    // A timer whose answer was lost has gone off, and the call says that nobody knows.
    await Promise.allSettled(workers.map((one) => one.fireTimers()));
    await workers[1]?.fireTimers();
    clock.advanceSeconds(-3_600);
    await workers[1]?.fireTimers();
    clock.advanceSeconds(3_600);
    await workers[1]?.fireTimers();
    expect((await bodies()).filter((body) => body === "late")).toHaveLength(orders);
  });

  test("events that are gone before they were handled park their stream, and a skip goes on behind all of them", async () => {
    const streamId = `example_app_order_v1#${name}`;
    await store.save(streamId, itemsOf(name, 1, 2, inSeconds(10)));
    await store.save(streamId, itemsOf(name, 3, 4, inSeconds(10)));
    await store.save(streamId, itemsOf(name, 5, 6, inSeconds(1_000)));
    clock.advanceSeconds(20);
    await stores.sweep(streamId, inSeconds(0));
    const subscriptions = worker([journal()]);
    expect(await subscriptions.deliver(ringFor(streamId, 6n))).toMatchObject({ handled: 0, parked: 1 });
    const [parked] = await listed(subscriptions.parked());
    expect(parked?.parked).toMatchObject({ version: 4n, error: expect.stringMatching(/history_lost.*version 5/) });
    expect(await subscriptions.release({ subscription: `${name}.journal@1`, streamId, skip: true })).toMatchObject({
      handled: 2,
      parked: 0,
    });
    expect(await noted(name)).toBe("5/1,6/2,");
  });

  test("a worker whose clock is behind does nothing again that one with a faster clock has done", async () => {
    const streamId = `example_app_order_v1#${name}`;
    const records = itemsOf(name, 1, 2, inSeconds(10));
    await store.save(streamId, records);
    const [fast, slow] = [3_600, -3_600].map((seconds) => {
      const own = new FakeClock(clock.now() + BigInt(seconds) * 1_000_000n);
      return new Subscriptions({ store, opaqueStore: rows, all: [journal()], clock: own });
    });
    await slow?.deliver(ringFor(streamId, 2n, records));
    await fast?.deliver([{ streamId, version: 2n, kind: "gone" }]);
    for (const kind of ["saved", "gone"] as const) await slow?.deliver([{ streamId, version: 2n, kind, records }]);
    await worker([journal()]).deliver(ringFor(streamId, 2n, records));
    expect(await noted(name)).toBe("1/1,2/2,-2/2,");
  });
});

/** Catches up in small parts, each of which is stopped after a page or two and gone on with by what it told. */
async function catchUpInParts(subscriptions: Subscriptions): Promise<void> {
  for (let resume: CatchUpProgress | undefined; ; ) {
    const stop = new AbortController();
    let told = 0;
    const onProgress = (progress: CatchUpProgress): void => {
      resume = JSON.parse(JSON.stringify(progress)) as CatchUpProgress;
      if (++told === 3) stop.abort();
    };
    try {
      await subscriptions.catchUp({ pageSize: 20, segments: 3, resume, onProgress, signal: stop.signal });
      return;
    } catch (error) {
      expect(error).toMatchObject({ code: "cancelled" });
    }
  }
}

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

type ChangeRow = (id: string, change: (row: CustomerSales) => void) => void;

function noteIn(row: ChangeRow, id: string, text: string): void {
  row(id, (line) => {
    line.region += `${text},`;
  });
}
