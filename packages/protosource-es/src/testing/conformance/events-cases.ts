/** What `StreamingStore` promises: any range of a stream, both ways, a part at a time. */
import { epochSeconds } from "../../clock.js";
import type { EventsOptions, Store, StoredRecord, StreamingStore } from "../../store/store.js";
import { expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext, OpenOptions } from "./conformance-case.js";
import { expectRecords, expectStream, record, records } from "./sample-records.js";

const MAX_INT64 = 2n ** 63n - 1n;

/** The cases of `StreamingStore`. */
export const eventsCases: readonly ConformanceCase[] = [
  {
    name: "events: a stream is given in ascending order, or with reverse in descending order",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("both-ways");
      await store.save(id, records(1n, 5n));
      await expectEvents(store, id, {}, records(1n, 5n));
      await expectEvents(store, id, { reverse: true }, records(1n, 5n).reverse());
    },
  },
  {
    name: "events: every range is given, both ways, up to every limit",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("ranges");
      // Saves of several lengths, which a store may keep together.
      for (const [first, last] of [[1n, 3n] as const, [4n, 4n] as const, [5n, 9n] as const]) {
        await store.save(id, records(first, last));
      }
      for (const from of [undefined, 1n, 2n, 5n, 7n, 9n, 10n]) {
        for (const to of [undefined, from ?? 1n, 8n, 12n]) {
          if (to !== undefined && from !== undefined && to < from) continue;
          const ascending = records(from ?? 1n, to === undefined || to > 9n ? 9n : to);
          const limits = [undefined, 1, ascending.length + 1];
          for (const limit of limits) {
            await expectEvents(store, id, { from, to, limit }, ascending.slice(0, limit));
            const descending = ascending.toReversed().slice(0, limit);
            await expectEvents(store, id, { from, to, limit, reverse: true }, descending);
          }
        }
      }
    },
  },
  {
    name: "events: an unknown stream has none",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      await expectEvents(store, context.id("unknown"), {}, []);
      await expectEvents(store, context.id("unknown"), { from: 3n, reverse: true, limit: 2 }, []);
    },
  },
  {
    name: "events: a range that can't be is invalid_argument",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("bad-range");
      const wrong: readonly (readonly [argument: string, range: EventsOptions])[] = [
        ["from", { from: 0n }],
        ["from", { from: -1n }],
        ["from", { from: MAX_INT64 + 1n }],
        ["from", { from: 1 as never }],
        ["to", { to: 0n }],
        ["to", { to: MAX_INT64 + 1n }],
        ["to", { from: 3n, to: 2n }],
        ["limit", { limit: 0 }],
        ["limit", { limit: -1 }],
        ["limit", { limit: 1.5 }],
        ["limit", { limit: Number.NaN }],
      ];
      for (const [argument, range] of wrong) {
        await expectError("invalid_argument", collect(store.events(id, range)), { argument });
      }
    },
  },
  {
    name: "events: an empty id is invalid_argument",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      await expectError("invalid_argument", collect(store.events("")), { argument: "aggregateId" });
    },
  },
  {
    name: "events: an aborted signal cancels",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("aborted");
      await store.save(id, records(1n, 3n));
      await expectError("cancelled", collect(store.events(id, { signal: AbortSignal.abort() })));
    },
  },
  {
    name: "events: a signal that is aborted on the way cancels what is still to be read",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("aborted-later");
      const stored = await saveLong(store, id);
      for (const reverse of [false, true]) {
        const abortion = new AbortController();
        const given: StoredRecord[] = [];
        const read = async (): Promise<void> => {
          for await (const one of store.events(id, { reverse, signal: abortion.signal })) {
            given.push(one);
            abortion.abort();
          }
        };
        await expectError("cancelled", read());
        expectRecords(given, (reverse ? stored.toReversed() : stored).slice(0, given.length));
      }
    },
  },
  {
    name: "events: the reader may stop anywhere",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("early-stop");
      const stored = await saveLong(store, id);
      for (const reverse of [false, true]) {
        const given: StoredRecord[] = [];
        for await (const one of store.events(id, { reverse })) if (given.push(one) === 2) break;
        expectRecords(given, (reverse ? stored.toReversed() : stored).slice(0, 2));
      }
      const next = BigInt(stored.length) + 1n;
      await store.save(id, [record(next)]);
      await expectEvents(store, id, { from: next }, [record(next)]);
    },
  },
  {
    name: "events: a long stream is given whole, both ways",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("long");
      const stored = await saveLong(store, id);
      await expectEvents(store, id, {}, stored);
      await expectEvents(store, id, { reverse: true }, stored.toReversed());
      await expectEvents(store, id, { from: 42n, to: 333n }, stored.slice(41, 333));
      await expectEvents(store, id, { from: 42n, limit: 201 }, stored.slice(41, 242));
    },
  },
  {
    name: "events: a stream that grows while it is read is given without gaps",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("growing");
      const stored = await saveLong(store, id);
      const given: StoredRecord[] = [];
      for await (const one of store.events(id)) {
        if (given.push(one) <= 3) stored.push(...(await saveNext(store, id, stored.length)));
      }
      expectTrue(given.length >= stored.length - 3, "what was stored before is given");
      expectRecords(given, stored.slice(0, given.length));
    },
  },
  {
    name: "events: the records' ttl is filled in",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context, { ttlSeconds: 60 });
      const id = context.id("ttl");
      await store.save(id, records(1n, 3n));
      const ttl = epochSeconds(context.clock) + 60n;
      await expectEvents(store, id, { from: 2n }, records(2n, 3n, { ttl }));
    },
  },
  {
    name: "events: expired records are left out, and don't count for a limit",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("expired");
      const ttl = epochSeconds(context.clock) + 10n;
      await store.save(id, [...records(1n, 3n, { ttl }), ...records(4n, 7n), ...records(8n, 9n, { ttl })]);
      await expectEvents(store, id, { limit: 2 }, records(1n, 2n, { ttl }));
      context.clock.advanceSeconds(10);
      await expectEvents(store, id, {}, records(4n, 7n));
      await expectEvents(store, id, { limit: 2 }, records(4n, 5n));
      await expectEvents(store, id, { reverse: true, limit: 3 }, records(5n, 7n).reverse());
      await expectEvents(store, id, { from: 1n, to: 3n }, []);
    },
  },
  {
    name: "events: includeExpired gives and counts expired records",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("expired-included");
      const ttl = epochSeconds(context.clock) + 10n;
      await store.save(id, [...records(1n, 2n, { ttl }), ...records(3n, 4n)]);
      context.clock.advanceSeconds(10);
      const stored = [...records(1n, 2n, { ttl }), ...records(3n, 4n)];
      await expectEvents(store, id, { includeExpired: true }, stored);
      await expectEvents(store, id, { includeExpired: true, limit: 3 }, stored.slice(0, 3));
      await expectEvents(store, id, { includeExpired: true, reverse: true, limit: 3 }, stored.toReversed().slice(0, 3));
    },
  },
  {
    name: "events: a gap is a corrupt_stream, after what comes before it",
    needs: ["events", "raw-records"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("gap");
      for (const version of [1n, 2n, 4n, 5n]) await context.writeRaw(id, record(version));
      for (const reverse of [false, true]) {
        const given: StoredRecord[] = [];
        const read = async (): Promise<void> => {
          for await (const one of store.events(id, { reverse })) given.push(one);
        };
        await expectError("corrupt_stream", read(), { aggregateId: id, problem: "gap", version: 3n });
        expectRecords(given, reverse ? [record(5n), record(4n)] : records(1n, 2n));
      }
    },
  },
  {
    name: "events: a gap outside the range, or behind the limit, doesn't matter",
    needs: ["events", "raw-records"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("gap-outside");
      for (const version of [1n, 2n, 4n, 5n]) await context.writeRaw(id, record(version));
      await expectEvents(store, id, { to: 2n }, records(1n, 2n));
      await expectEvents(store, id, { from: 4n }, records(4n, 5n));
      await expectEvents(store, id, { limit: 2 }, records(1n, 2n));
      await expectEvents(store, id, { reverse: true, limit: 2 }, records(4n, 5n).reverse());
    },
  },
  {
    name: "events: versions above 2^53 are exact",
    needs: ["events", "raw-records"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("int64");
      for (const one of records(MAX_INT64 - 2n, MAX_INT64)) await context.writeRaw(id, one);
      await expectEvents(store, id, { from: MAX_INT64 - 1n, to: MAX_INT64 }, records(MAX_INT64 - 1n, MAX_INT64));
      await expectEvents(store, id, { reverse: true }, records(MAX_INT64 - 2n, MAX_INT64).reverse());
    },
  },
  {
    name: "events: changing a given record changes nothing stored",
    needs: ["events"],
    async run(context) {
      const store = await openStreamingStore(context);
      const id = context.id("copies");
      await store.save(id, records(1n, 2n));
      for await (const one of store.events(id)) one.data.fill(0);
      await expectStream(store, id, records(1n, 2n));
    },
  },
];

/** Fills a stream that takes several pages, by size and by number, and gives its records. */
async function saveLong(store: Store, id: string): Promise<StoredRecord[]> {
  const stored: StoredRecord[] = [];
  const large = records(1n, 12n).map(({ version }) => record(version, { data: noise(200_000) }));
  for (const batch of [large, records(13n, 112n), records(113n, 212n), records(213n, 312n), records(313n, 350n)]) {
    await store.save(id, batch);
    stored.push(...batch);
  }
  return stored;
}

/** Gives bytes that don't get shorter, however a store compresses them. */
function noise(length: number): Uint8Array {
  const made = new Uint8Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    made[i] = state >>> 24;
  }
  return made;
}

async function saveNext(store: Store, id: string, length: number): Promise<readonly StoredRecord[]> {
  const next = [record(BigInt(length) + 1n)];
  await store.save(id, next);
  return next;
}

async function collect(events: AsyncIterable<StoredRecord>): Promise<StoredRecord[]> {
  const found: StoredRecord[] = [];
  for await (const one of events) found.push(one);
  return found;
}

async function expectEvents(
  store: StreamingStore,
  id: string,
  options: EventsOptions,
  expected: readonly StoredRecord[],
): Promise<void> {
  expectRecords(await collect(store.events(id, options)), expected);
}

async function openStreamingStore(
  context: ConformanceContext,
  options?: Omit<OpenOptions, "clock">,
): Promise<Store & StreamingStore> {
  const { store } = await context.open(options);
  expectTrue(typeof store.events === "function", "a store with the capability events has events");
  return store as Store & StreamingStore;
}
