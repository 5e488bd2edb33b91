/** What `RestorableStore` promises: records of a copy go where they belong, and never over what is stored. */
import type { RestorableStore, ScannableStore, Store } from "../../store/store.js";
import { expectEqual, expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext } from "./conformance-case.js";
import { expectRecords, expectStream, records } from "./sample-records.js";

/** The cases of the contract. */
export const restoreCases: readonly ConformanceCase[] = [
  {
    name: "restore: a copy may begin above version 1 and have gaps, and they can be filled",
    needs: ["restore", "scan"],
    async run(context) {
      const store = await openStore(context);
      const id = context.id("trimmed");
      await store.restore(id, records(5n, 6n));
      await expectStream(store, id, records(5n, 6n));
      await store.restore(id, records(9n, 10n));
      const page = await store.scan({ aggregateId: id });
      expectRecords(
        page.records.map(({ record }) => record),
        [...records(5n, 6n), ...records(9n, 10n)],
      );
      await store.restore(id, records(7n, 8n));
      await store.restore(id, records(1n, 4n));
      await expectStream(store, id, records(1n, 10n));
    },
  },
  {
    name: "restore: no version that a save has stored is written again, wherever in the save it lies",
    needs: ["restore"],
    async run(context) {
      const store = await openStore(context);
      const id = context.id("whole");
      await store.save(id, records(1n, 3n));
      await store.save(id, records(4n, 8n));
      for (const [first, last, taken] of [
        [1n, 1n, 1n],
        [2n, 2n, 2n],
        [1n, 8n, 1n],
        [3n, 4n, 3n],
        [6n, 7n, 6n],
        [8n, 12n, 8n],
        [7n, 250n, 7n],
      ] as const) {
        const error = store.restore(id, records(first, last));
        await expectError("version_conflict", error, { aggregateId: id, version: taken });
        await expectStream(store, id, records(1n, 8n));
      }
      await store.restore(id, records(9n, 12n));
      await expectStream(store, id, records(1n, 12n));
    },
  },
  {
    name: "restore: a version above a gap that exists already is a version_conflict",
    needs: ["restore"],
    async run(context) {
      const store = await openStore(context);
      const id = context.id("gap");
      await store.save(id, records(1n, 3n));
      await store.restore(id, records(7n, 9n));
      await expectError("version_conflict", store.restore(id, records(4n, 7n)), { aggregateId: id, version: 7n });
      await expectError("version_conflict", store.restore(id, records(5n, 300n)), { aggregateId: id, version: 7n });
      await store.restore(id, records(4n, 6n));
      await expectStream(store, id, records(1n, 9n));
    },
  },
  {
    name: "restore: an expiry stays as it was, and no store adds one",
    needs: ["restore"],
    async run(context) {
      const store = await openStore(context, 60);
      const id = context.id("expiry");
      const ttl = context.clock.now() / 1_000_000n + 7n;
      await store.restore(id, records(1n, 2n, { ttl }));
      await store.restore(id, records(3n, 3n));
      await expectStream(store, id, [...records(1n, 2n, { ttl }), ...records(3n, 3n)]);
    },
  },
  {
    name: "restore: records that can't be a save are invalid_argument, and none are nothing",
    needs: ["restore"],
    async run(context) {
      const store = await openStore(context);
      const id = context.id("bad");
      await store.restore(id, []);
      await expectError("invalid_argument", store.restore("", records(1n, 1n)));
      await expectError("invalid_argument", store.restore(id, [...records(1n, 1n), ...records(3n, 3n)]));
      expectEqual((await store.load(id)).records.length, 0, "records");
      const aborted = store.restore(id, records(1n, 1n), { signal: AbortSignal.abort() });
      await expectError("cancelled", aborted);
      expectEqual((await store.load(id)).records.length, 0, "records");
    },
  },
];

async function openStore(
  context: ConformanceContext,
  ttlSeconds?: number,
): Promise<Store & RestorableStore & ScannableStore> {
  const { store } = await context.open({ ttlSeconds });
  expectTrue("restore" in store, "the store has a method restore");
  return store as Store & RestorableStore & ScannableStore;
}
