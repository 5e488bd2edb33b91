/** The ledger: one order for all events, on every store. Each kind of store is made once, each test has its own ids. */
import { type EventStore, type StoredRecord, systemClock } from "protosource-es";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { defineLedger, feed, type Ledger, ledgerFeed, Subscriptions } from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ExpiringStores, kinds } from "../expiring-stores.js";
import { order } from "../order.js";
import { randomNumbers } from "../soak/random.js";
import { losingAnswers } from "../subscriptions/failing-stores.js";
import { orderEvent, recordOf, testAggregate, testEvent } from "../subscriptions/sales.js";

const DAY = 86_400_000_000n;

describe.each(kinds)("a ledger on $name", ({ make }) => {
  let stores: ExpiringStores;
  let store: EventStore;
  let rows: OpaqueStore;
  let clock: FakeClock;
  let ids = 0;
  let ledger: Ledger;
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
    ledger = defineLedger({ name, of: [order, testAggregate] });
  });

  const worker = (own: EventStore = store): Subscriptions =>
    new Subscriptions({ store: own, opaqueStore: answeringLate(rows), all: [ledger], clock });
  const entries = () => ledgerFeed(ledger, { store, opaqueStore: rows, lookMs: 40 });
  const ringFor = (streamId: string, version: bigint) => ({ streamId, version, kind: "saved" }) as const;
  const streamOf = (id: string): string => `example_app_order_v1#${id}`;
  const saveOrder = async (id: string, from: number, to: number, expiry = 0n) => {
    const records = Array.from({ length: to - from + 1 }, (_, i): StoredRecord => {
      const version = BigInt(from + i);
      const kind = version === 1n ? "Created" : "ItemAdded";
      return recordOf(orderEvent(kind, id, version, { at: clock.now() }), version, expiry);
    });
    await store.save(streamOf(id), records);
    return ringFor(streamOf(id), BigInt(to));
  };
  /** Reads so many events behind a position, and waits for them, until the signal is aborted. */
  const read = async (count: number, after = 0n, signal?: AbortSignal): Promise<string[]> => {
    const seen: string[] = [];
    for await (const { position, streamId, event } of feed(entries(), { of: [order, testAggregate], after, signal })) {
      seen.push(`${position} ${streamId} ${event.version}`);
      if (seen.length === count) break;
    }
    return seen;
  };

  /** Waits for the first event, looks for it a few times, and counts what was read for that. */
  const looksWhileWaiting = async () => {
    const end = new AbortController();
    const looks = { entries: 0, events: 0 };
    const counting = answeringLate(rows, () => {
      if (++looks.entries === 20) end.abort();
    });
    const events: EventStore["events"] = (...args) => {
      looks.events++;
      return store.events(...args);
    };
    await ledgerFeed(ledger, { store: { events }, opaqueStore: counting, lookMs: 1 }).awaitFeed(0n, end);
    return looks;
  };

  test("has each event once, without a gap and in the order of its stream, and never changes, whoever appends", async () => {
    const random = randomNumbers(ids);
    const streams = Array.from({ length: 8 }, (_, i) => `${name}-${i}`);
    const tested = `example_app_test_v1#${name}`;
    const total = 8 * 6 + 3;
    const workers = [worker(), worker(losingAnswers(store)), worker(), worker()];
    const deliver = async (...bells: ReturnType<typeof ringFor>[]): Promise<void> => {
      const one = workers[Math.floor(random() * workers.length)] as Subscriptions;
      await one.deliver(bells);
    };
    const readers = [read(total), read(total)];
    const bells = (
      await Promise.all(
        streams.map(async (id) => {
          const told = [];
          for (const [from, to] of [
            [1, 1],
            [2, 4],
            [5, 6],
          ] as const) {
            const bell = await saveOrder(id, from, to);
            told.push(bell);
            if (random() < 0.7) await Promise.all([deliver(bell), deliver(...told)]);
          }
          return told;
        }),
      )
    ).flat();
    // A snapshot takes a version, and no position.
    const kinds = ["Created", "Locked", "Snapshot", "Updated"] as const;
    await store.save(
      tested,
      kinds.map((kind, i) => recordOf(testEvent(kind, name, BigInt(i + 1)), BigInt(i + 1))),
    );
    bells.push(ringFor(tested, 4n));
    // What no worker could do for now rings again.
    for (let left = bells.toSorted(() => random() - 0.5); left.length > 0; ) {
      const { failures } = await (workers[0] as Subscriptions).deliver(left);
      left = failures.map(({ doorbell }) => ringFor(doorbell.streamId, doorbell.version));
    }
    const seen = await Promise.all(readers);
    const again = await read(total);
    expect(seen).toEqual([again, again]);
    expect(await entries().readFeed(BigInt(total))).toEqual([]);
    expect(again.map((line) => line.split(" ")[0])).toEqual(Array.from({ length: total }, (_, i) => `${i + 1}`));
    const versions = (streamId: string) =>
      again.flatMap((line) => (line.split(" ")[1] === streamId ? Number(line.split(" ")[2]) : []));
    for (const id of streams) expect(versions(streamOf(id))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(versions(tested)).toEqual([1, 2, 4]);
  });

  test("is gone on with behind any position, whatever was appended at once", async () => {
    expect(await entries().feedEnd()).toBe(0n);
    const bells = await Promise.all([3, 1, 2, 4].map((length, i) => saveOrder(`${name}-${i}`, 1, length)));
    await worker().deliver(bells.slice(0, 3));
    await worker().deliver(bells);
    const all = await entries().readFeed(0n);
    expect(await entries().feedEnd()).toBe(10n);
    expect(all.map(({ position }) => position)).toEqual(Array.from({ length: 10 }, (_, i) => BigInt(i + 1)));
    for (let after = 0; after <= 10; after++) {
      for (const limit of [1, 3, 100]) {
        expect(await entries().readFeed(BigInt(after), { limit })).toEqual(all.slice(after, after + limit));
      }
    }
  });

  test("leaves out what was deleted, also where a later life has the same versions, and a reader waits behind it", async () => {
    const expiry = clock.now() / 1_000_000n + 10n;
    const other = `${name}-other`;
    await worker().deliver([await saveOrder(name, 1, 3, expiry)]);
    await worker().deliver([await saveOrder(other, 1, 1, expiry)]);
    const before = await read(4);
    clock.advanceSeconds(20);
    expect(await read(4)).toEqual(before);
    for (const id of [name, other]) await stores.sweep(streamOf(id), expiry);
    expect(await entries().readFeed(0n)).toEqual([]);
    expect((await looksWhileWaiting()).events).toBe(4);
    const waiting = read(1);
    await worker().deliver([name, other].map((id) => ({ ...ringFor(streamOf(id), 3n), kind: "gone" })));
    await worker().deliver([await saveOrder(name, 1, 2)]);
    expect(await waiting).toEqual([`5 ${streamOf(name)} 1`]);
    expect(await read(2)).toEqual([`5 ${streamOf(name)} 1`, `6 ${streamOf(name)} 2`]);
    expect(await read(1, 5n)).toEqual([`6 ${streamOf(name)} 2`]);
    await stores.cut(streamOf(name), 1n);
    await worker().deliver([await saveOrder(other, 1, 1)]);
    expect(await entries().readFeed(4n, { limit: 1 })).toMatchObject([{ position: 7n }]);
  });

  test("wakes who waits, ends with the signal, and refuses what can't be", async () => {
    const end = new AbortController();
    const waiting = read(1);
    await worker().deliver([await saveOrder(name, 1, 1)]);
    expect(await waiting).toHaveLength(1);
    await entries().awaitFeed(0n);
    const idle = [entries().awaitFeed(1n, { signal: end.signal }), read(1, 1n, end.signal)];
    end.abort();
    expect(await Promise.all(idle)).toEqual([undefined, []]);
    await entries().awaitFeed(1n, { signal: end.signal });
    await expect(entries().readFeed(-1n)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(entries().awaitFeed(-1n)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(entries().readFeed(0n, { limit: 0 })).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(entries().readFeed(0n, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
    expect(() => ledgerFeed(ledger, { store: { events: store.events } })).toThrow(/opaqueStore/);
    expect(() => defineLedger({ name, of: [] })).toThrow(/follows/);
  });
});

/** Rows whose queries are told, and answered a little later, so that other workers append meanwhile. */
function answeringLate(rows: OpaqueStore, onQuery: () => void = () => {}): OpaqueStore {
  return {
    get: (key, options) => rows.get(key, options),
    put: (row, options) => rows.put(row, options),
    delete: (key, options) => rows.delete(key, options),
    async query(query) {
      onQuery();
      const page = await rows.query(query);
      await new Promise((resolve) => setTimeout(resolve, 2));
      return page;
    },
  };
}
