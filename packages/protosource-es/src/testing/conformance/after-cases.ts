/** What a save promises that names the record it comes after. */
import { epochSeconds } from "../../clock.js";
import type { Store, StoredRecord, TransactionalStore } from "../../store/store.js";
import { expectError } from "./assertions.js";
import type { ConformanceCase, ConformanceContext } from "./conformance-case.js";
import { expectHistory, expectStream, record, records } from "./sample-records.js";

const COMMIT_ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** Names a record that isn't the one that is stored. */
const OTHERS: readonly (readonly [what: string, change: (stored: StoredRecord) => Partial<StoredRecord>])[] = [
  ["of other data", ({ data }) => ({ data: Uint8Array.of(...data, 0) })],
  ["of a later expiry", ({ ttl }) => ({ ttl: ttl + 1n })],
  ["that never expires", () => ({ ttl: 0n })],
];

export const afterCases: readonly ConformanceCase[] = [
  {
    name: "after: a save comes after the record that the caller has read",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("after");
      await store.save(id, [record(1n)]);
      await store.save(id, records(2n, 4n), { after: record(1n) });
      await store.save(id, [record(5n)], { after: record(4n) });
      await store.save(id, [record(6n)], { after: record(5n) });
      await expectStream(store, id, records(1n, 6n));
    },
  },
  {
    name: "after: a record that has expired counts while it is stored",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("after-expired");
      const expired = records(1n, 3n, { ttl: epochSeconds(context.clock) + 10n });
      await store.save(id, expired);
      context.clock.advanceSeconds(10);
      await store.save(id, [record(4n)], { after: expired[2] });
      await expectStream(store, id, [record(4n)]);
    },
  },
  ...OTHERS.map(
    ([what, change]): ConformanceCase => ({
      name: `after: a record ${what} is a version_conflict, and nothing is stored`,
      needs: [],
      async run(context) {
        const { store } = await context.open();
        const id = context.id("after-other");
        const stored = records(1n, 3n, { ttl: epochSeconds(context.clock) + 10n });
        await store.save(id, stored);
        for (const last of [4n, 6n]) {
          const after = { ...(stored[2] as StoredRecord), ...change(stored[2] as StoredRecord) };
          await expectError("version_conflict", store.save(id, records(4n, last), { after }), {
            aggregateId: id,
            version: 3n,
          });
        }
        await expectStream(store, id, stored);
      },
    }),
  ),
  {
    name: "after: a record that isn't stored is a version_conflict, and nothing is stored",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("after-nothing");
      for (const last of [4n, 6n]) {
        await expectError("version_conflict", store.save(id, records(4n, last), { after: record(3n) }), {
          aggregateId: id,
        });
      }
      await expectStream(store, id, []);
    },
  },
  {
    name: "after: a version that doesn't follow the record is invalid_argument, and nothing is stored",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("after-elsewhere");
      await store.save(id, records(1n, 2n));
      await expectError("invalid_argument", store.save(id, [record(3n)], { after: record(1n) }));
      await expectError("invalid_argument", store.save(id, [record(3n)], { after: record(3n) }));
      await expectStream(store, id, records(1n, 2n));
    },
  },
  {
    name: "after: a save of 99, 100 and 250 records comes after a record",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      for (const count of [99n, 100n, 250n]) {
        const id = context.id(`after-${count}`);
        await store.save(id, [record(1n)]);
        await expectError(
          "version_conflict",
          store.save(id, records(2n, count + 1n), { after: record(1n, { ttl: 9n }) }),
        );
        await expectStream(store, id, [record(1n)]);
        await store.save(id, records(2n, count + 1n), { after: record(1n) });
        await expectStream(store, id, records(1n, count + 1n));
      }
    },
  },
  {
    name: "after: a repeated save with its commit id completes and doubles nothing",
    needs: [],
    async run(context) {
      const { store } = await context.open();
      const id = context.id("after-repeated");
      await store.save(id, [record(1n)]);
      for (const saved of [records(2n, 2n), records(3n, 5n), records(6n, 180n)]) {
        const options = { after: record((saved[0]?.version ?? 0n) - 1n), commitId: COMMIT_ID };
        await store.save(id, saved, options);
        await store.save(id, saved, options);
      }
      await expectStream(store, id, records(1n, 180n));
    },
  },
  {
    name: "after: of 8 writers who have read the same record one wins, and the others conflict",
    needs: [],
    async run(context) {
      const id = context.id("after-race");
      const { store } = await context.open();
      await store.save(id, [record(1n)]);
      const writers = await Promise.all(Array.from({ length: 8 }, () => context.open()));
      const outcomes = await Promise.allSettled(
        writers.map((writer) => writer.store.save(id, [record(2n)], { after: record(1n) })),
      );
      for (const { reason } of outcomes.filter((outcome) => outcome.status === "rejected")) {
        await expectError("version_conflict", Promise.reject(reason));
      }
      await expectStream(store, id, records(1n, 2n));
    },
  },
  {
    name: "after: each stream of a transaction comes after its own record, or none is written",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a, b] = [context.id("a"), context.id("b")];
      await store.save(a, records(1n, 2n));
      const changed = [
        { aggregateId: a, records: [record(3n)], after: record(2n) },
        { aggregateId: b, records: [record(2n)], after: record(1n) },
      ];
      await expectError("version_conflict", store.saveAll(changed));
      await expectStream(store, a, records(1n, 2n));
      await store.save(b, [record(1n)]);
      await store.saveAll(changed);
      await expectStream(store, a, records(1n, 3n));
      await expectStream(store, b, records(1n, 2n));
    },
  },
  {
    name: "expiry: with zeroIsNever a ttl of 0 means never in a store with a time to live, too",
    needs: [],
    async run(context) {
      const { store } = await context.open({ ttlSeconds: 10 });
      const id = context.id("never");
      await store.save(id, [record(1n)], { zeroIsNever: true });
      await store.save(id, records(2n, 4n), { zeroIsNever: true });
      context.clock.advanceSeconds(10);
      expectHistory(await store.load(id), records(1n, 4n));
    },
  },
  {
    name: "expiry: with zeroIsNever a ttl of 0 means never in a transaction, too",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context, 10);
      const id = context.id("never");
      await store.saveAll([{ aggregateId: id, records: records(1n, 2n) }], { zeroIsNever: true });
      context.clock.advanceSeconds(10);
      await expectStream(store, id, records(1n, 2n));
    },
  },
];

async function openTransactionalStore(
  context: ConformanceContext,
  ttlSeconds?: number,
): Promise<{ readonly store: Store & TransactionalStore }> {
  const { store } = await context.open({ ttlSeconds });
  return { store: store as Store & TransactionalStore };
}
