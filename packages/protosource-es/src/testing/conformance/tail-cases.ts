/** What `SnapshotTailStore` promises: a stream's end, read without its beginning. */
import { epochSeconds } from "../../clock.js";
import type { SnapshotTailStore, Store } from "../../store/store.js";
import { expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext, OpenOptions } from "./conformance-case.js";
import { bytes, expectHistory, expectStream, record, records } from "./sample-records.js";

const MAX_INT64 = 2n ** 63n - 1n;

/** The cases of `SnapshotTailStore`. */
export const tailCases: readonly ConformanceCase[] = [
  {
    name: "tail: the last records are loaded in ascending order",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("last-3");
      await store.save(id, records(1n, 12n));
      expectHistory(await store.loadTail(id, 3), records(10n, 12n));
    },
  },
  {
    name: "tail: a tail of one is the last record",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("last-1");
      await store.save(id, records(1n, 3n));
      expectHistory(await store.loadTail(id, 1), [record(3n)]);
    },
  },
  {
    name: "tail: a tail as long as the stream, or longer, is the stream",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("whole");
      await store.save(id, records(1n, 3n));
      for (const n of [3, 4, 1000]) expectHistory(await store.loadTail(id, n), records(1n, 3n));
    },
  },
  {
    name: "tail: an unknown stream has an empty tail",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      expectHistory(await store.loadTail(context.id("unknown"), 5), []);
    },
  },
  {
    name: "tail: a tail of 0 or fewer records is empty",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("none");
      await store.save(id, records(1n, 3n));
      for (const n of [0, -1]) expectHistory(await store.loadTail(id, n), []);
    },
  },
  {
    name: "tail: a number of records that isn't an integer is invalid_argument",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      for (const n of [1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await expectError("invalid_argument", store.loadTail(context.id("fraction"), n), { argument: "n" });
      }
    },
  },
  {
    name: "tail: an empty id is invalid_argument",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      await expectError("invalid_argument", store.loadTail("", 1), { argument: "aggregateId" });
    },
  },
  {
    name: "tail: an aborted signal cancels",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      await expectError("cancelled", store.loadTail(context.id("aborted"), 1, { signal: AbortSignal.abort() }));
    },
  },
  {
    name: "tail: a tail of 300 records is loaded whole",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("last-300");
      await store.save(id, records(1n, 350n));
      expectHistory(await store.loadTail(id, 300), records(51n, 350n));
    },
  },
  {
    name: "tail: a tail of more than 1 MB is loaded whole",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("last-2-mb");
      const large = records(1n, 24n).map(({ version }) => record(version, { data: bytes(100_000) }));
      for (let i = 0; i < large.length; i += 12) await store.save(id, large.slice(i, i + 12));
      expectHistory(await store.loadTail(id, 20), large.slice(4));
    },
  },
  {
    name: "tail: the records' ttl is filled in",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context, { ttlSeconds: 60 });
      const id = context.id("ttl");
      await store.save(id, records(1n, 3n));
      const ttl = epochSeconds(context.clock) + 60n;
      expectHistory(await store.loadTail(id, 2), records(2n, 3n, { ttl }));
    },
  },
  {
    name: "tail: expired records at the beginning are left out",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("expired-beginning");
      const ttl = epochSeconds(context.clock) + 10n;
      await store.save(id, [...records(1n, 3n, { ttl }), ...records(4n, 5n)]);
      context.clock.advanceSeconds(10);
      expectHistory(await store.loadTail(id, 4), records(4n, 5n));
    },
  },
  {
    name: "tail: expired records at the end aren't counted",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("expired-end");
      const ttl = epochSeconds(context.clock) + 10n;
      await store.save(id, [...records(1n, 5n), ...records(6n, 9n, { ttl })]);
      context.clock.advanceSeconds(10);
      expectHistory(await store.loadTail(id, 2), records(4n, 5n));
    },
  },
  {
    name: "tail: includeExpired shows and counts expired records",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("expired-included");
      const ttl = epochSeconds(context.clock) + 10n;
      await store.save(id, [...records(1n, 4n), ...records(5n, 6n, { ttl })]);
      context.clock.advanceSeconds(10);
      const tail = await store.loadTail(id, 3, { includeExpired: true });
      expectHistory(tail, [record(4n), ...records(5n, 6n, { ttl })]);
    },
  },
  {
    name: "tail: a gap in the tail is a corrupt_stream",
    needs: ["tail", "raw-records"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("gap");
      for (const version of [1n, 2n, 4n, 5n]) await context.writeRaw(id, record(version));
      await expectError("corrupt_stream", store.loadTail(id, 3), { aggregateId: id, problem: "gap", version: 3n });
    },
  },
  {
    name: "tail: versions above 2^53 are exact",
    needs: ["tail", "raw-records"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("int64");
      for (const one of records(MAX_INT64 - 2n, MAX_INT64)) await context.writeRaw(id, one);
      expectHistory(await store.loadTail(id, 2), records(MAX_INT64 - 1n, MAX_INT64));
    },
  },
  {
    name: "tail: changing a loaded tail changes nothing stored",
    needs: ["tail"],
    async run(context) {
      const store = await openTailStore(context);
      const id = context.id("copies");
      await store.save(id, records(1n, 2n));
      const tail = await store.loadTail(id, 2);
      for (const one of tail.records) one.data.fill(0);
      tail.records.length = 0;
      await expectStream(store, id, records(1n, 2n));
      expectHistory(await store.loadTail(id, 2), records(1n, 2n));
    },
  },
];

async function openTailStore(
  context: ConformanceContext,
  options?: Omit<OpenOptions, "clock">,
): Promise<Store & SnapshotTailStore> {
  const { store } = await context.open(options);
  expectTrue(typeof store.loadTail === "function", "a store with the capability tail has loadTail");
  return store as Store & SnapshotTailStore;
}
