/** What `TransactionalStore` promises: records of several streams and rows, all or nothing. */
import { create } from "@bufbuild/protobuf";
import { epochSeconds } from "../../clock.js";
import { OpaqueDataSchema } from "../../gen/funinthecloud/protosource/opaquedata/v1/opaquedata_v1_pb.js";
import type { OpaqueRow, OpaqueStore } from "../../opaquedata/opaque-store.js";
import type { Store, StreamWrite, TransactionalStore } from "../../store/store.js";
import { expectEqual, expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext, OpenOptions } from "./conformance-case.js";
import { expectStream, record, records } from "./sample-records.js";

const COMMIT_ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

const streams: readonly ConformanceCase[] = [
  {
    name: "transaction: several streams are written together",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a, b, c] = ids(context);
      await store.save(b, [record(1n)]);
      await store.saveAll([write(a, 1n, 2n), write(b, 2n, 2n), write(c, 1n, 3n)]);
      await expectStream(store, a, records(1n, 2n));
      await expectStream(store, b, records(1n, 2n));
      await expectStream(store, c, records(1n, 3n));
    },
  },
  {
    name: "transaction: one record alone is written",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a] = ids(context);
      await store.saveAll([write(a, 1n, 1n)]);
      await expectStream(store, a, [record(1n)]);
    },
  },
  {
    name: "transaction: 100 records and rows fit",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a, b] = ids(context);
      const row = rowOf(context, "row", 1n);
      await store.saveAll([write(a, 1n, 60n), write(b, 1n, 39n)], { rows: [{ row }] });
      await expectStream(store, a, records(1n, 60n));
      await expectStream(store, b, records(1n, 39n));
      await expectRow(opaqueStore, row);
    },
  },
  {
    name: "transaction: more than 100 records and rows are too_large, and nothing is stored",
    needs: ["transactions", "transaction-limit"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a, b] = ids(context);
      const row = rowOf(context, "row", 1n);
      const saved = store.saveAll([write(a, 1n, 60n), write(b, 1n, 40n)], { rows: [{ row }] });
      await expectError("too_large", saved, { size: 101, limit: 100 });
      await expectStream(store, a, []);
      await expectStream(store, b, []);
      expectEqual(await opaqueStore.get(row), undefined, "row");
    },
  },
  {
    name: "transaction: nothing to write is nothing to do",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a] = ids(context);
      await store.saveAll([]);
      await store.saveAll([{ aggregateId: a, records: [] }]);
      await expectStream(store, a, []);
    },
  },
  {
    name: "transaction: a stream without records is left alone",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a, b] = ids(context);
      await store.saveAll([{ aggregateId: a, records: [] }, write(b, 1n, 2n)]);
      await expectStream(store, a, []);
      await expectStream(store, b, records(1n, 2n));
    },
  },
  {
    name: "transaction: the store's time to live counts",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context, { ttlSeconds: 60 });
      const [a, b] = ids(context);
      const ttl = epochSeconds(context.clock) + 60n;
      await store.saveAll([write(a, 1n, 1n), { aggregateId: b, records: [record(1n, { ttl: ttl + 1n })] }]);
      await expectStream(store, a, [record(1n, { ttl })]);
      await expectStream(store, b, [record(1n, { ttl: ttl + 1n })]);
    },
  },
  {
    name: "transaction: a conflict in one stream leaves all streams as they were",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a, b, c] = ids(context);
      await store.save(b, records(1n, 3n));
      for (const writes of [
        [write(b, 3n, 4n), write(a, 1n, 2n), write(c, 1n, 1n)],
        [write(a, 1n, 2n), write(b, 3n, 4n), write(c, 1n, 1n)],
        [write(a, 1n, 2n), write(c, 1n, 1n), write(b, 3n, 4n)],
      ]) {
        await expectError("version_conflict", store.saveAll(writes), { aggregateId: b, version: 3n });
      }
      await expectStream(store, a, []);
      await expectStream(store, b, records(1n, 3n));
      await expectStream(store, c, []);
    },
  },
  {
    name: "transaction: of several at once over the same streams one wins whole",
    needs: ["transactions"],
    async run(context) {
      const clients = [await openTransactionalStore(context), await openTransactionalStore(context)];
      const [a, b] = ids(context);
      const outcomes = await Promise.allSettled(
        [0, 1, 2, 3].map((writer) => {
          const data = Uint8Array.of(writer);
          const client = clients[writer % clients.length];
          return client?.store.saveAll([a, b].map((aggregateId) => ({ aggregateId, records: [record(1n, { data })] })));
        }),
      );
      const winner = outcomes.findIndex(({ status }) => status === "fulfilled");
      expectEqual(outcomes.filter(({ status }) => status === "fulfilled").length, 1, "number of writers who won");
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") await expectError("version_conflict", Promise.reject(outcome.reason));
      }
      const { store } = await openTransactionalStore(context);
      for (const id of [a, b]) await expectStream(store, id, [record(1n, { data: Uint8Array.of(winner) })]);
    },
  },
  {
    name: "transaction: a repeated one with its commit id completes and doubles nothing",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a, b] = ids(context);
      for (let i = 0; i < 2; i++) await store.saveAll([write(a, 1n, 2n), write(b, 1n, 1n)], { commitId: COMMIT_ID });
      await store.save(a, [record(3n)]);
      await store.saveAll([write(a, 1n, 2n), write(b, 1n, 1n)], { commitId: COMMIT_ID });
      await expectStream(store, a, records(1n, 3n));
      await expectStream(store, b, [record(1n)]);
    },
  },
  {
    name: "transaction: a commit id used again for another stream is a version_conflict, and stores nothing",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a, b] = ids(context);
      await store.saveAll([write(a, 1n, 2n)], { commitId: COMMIT_ID });
      for (const writes of [
        [write(a, 1n, 2n), write(b, 1n, 1n)],
        [write(b, 1n, 1n), write(a, 1n, 2n)],
      ]) {
        await expectError("version_conflict", store.saveAll(writes, { commitId: COMMIT_ID }));
      }
      await expectStream(store, a, records(1n, 2n));
      await expectStream(store, b, []);
    },
  },
  {
    name: "transaction: the same one by another writer is a version_conflict",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a, b] = ids(context);
      await store.saveAll([write(a, 1n, 2n), write(b, 1n, 1n)]);
      await expectError("version_conflict", store.saveAll([write(a, 1n, 2n), write(b, 1n, 1n)]), { version: 1n });
    },
  },
  {
    name: "transaction: a save beyond the end of a stream leaves all streams as they were",
    needs: ["transactions", "refuses-gaps"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a, b] = ids(context);
      await expectError("version_conflict", store.saveAll([write(a, 1n, 1n), write(b, 2n, 2n)]), { aggregateId: b });
      await expectStream(store, a, []);
      await expectStream(store, b, []);
    },
  },
];

const rows: readonly ConformanceCase[] = [
  {
    name: "transaction: rows are written with the records",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a] = ids(context);
      const first = rowOf(context, "first", 2n);
      const second = rowOf(context, "second", 0n);
      await store.saveAll([write(a, 1n, 2n)], { rows: [{ row: first }, { row: second }] });
      await expectStream(store, a, records(1n, 2n));
      await expectRow(opaqueStore, first);
      await expectRow(opaqueStore, second);
    },
  },
  {
    name: "transaction: rows alone are written",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const row = rowOf(context, "alone", 1n);
      await store.saveAll([], { rows: [{ row }] });
      await expectRow(opaqueStore, row);
    },
  },
  {
    name: "transaction: a conflict writes no row",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a, b] = ids(context);
      const replaced = rowOf(context, "replaced", 1n, "before");
      const added = rowOf(context, "added", 1n);
      await store.save(a, [record(1n)]);
      await opaqueStore.put(replaced);
      const after = rowOf(context, "replaced", 2n, "after");
      const saved = store.saveAll([write(b, 1n, 1n), write(a, 1n, 2n)], { rows: [{ row: after }, { row: added }] });
      await expectError("version_conflict", saved, { aggregateId: a, version: 1n });
      await expectRow(opaqueStore, replaced);
      expectEqual(await opaqueStore.get(added), undefined, "row that wasn't there before");
      await expectStream(store, b, []);
    },
  },
  {
    name: "transaction: a row of an earlier version is left out, and the rest is written",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a] = ids(context);
      const later = rowOf(context, "stale", 9n, "later");
      const other = rowOf(context, "other", 1n);
      await opaqueStore.put(later);
      await store.saveAll([write(a, 1n, 2n)], {
        rows: [{ row: rowOf(context, "stale", 8n, "earlier") }, { row: other }],
      });
      await expectStream(store, a, records(1n, 2n));
      await expectRow(opaqueStore, later);
      await expectRow(opaqueStore, other);
    },
  },
  {
    name: "transaction: a row of a later or the same version replaces what is there",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a] = ids(context);
      await opaqueStore.put(rowOf(context, "later", 1n, "before"));
      await opaqueStore.put(rowOf(context, "same", 1n, "before"));
      const later = rowOf(context, "later", 2n, "after");
      const same = rowOf(context, "same", 1n, "after");
      await store.saveAll([write(a, 1n, 1n)], { rows: [{ row: later }, { row: same }] });
      await expectRow(opaqueStore, later);
      await expectRow(opaqueStore, same);
    },
  },
  {
    name: "transaction: an expired row of a later version is replaced",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a] = ids(context);
      const expiring = rowOf(context, "expired", 9n, "before");
      expiring.t = epochSeconds(context.clock) + 10n;
      await opaqueStore.put(expiring);
      context.clock.advanceSeconds(10);
      const fresh = rowOf(context, "expired", 1n, "after");
      await store.saveAll([write(a, 1n, 1n)], { rows: [{ row: fresh }] });
      await expectRow(opaqueStore, fresh);
    },
  },
  {
    name: "transaction: a row without a version is judged by versionOf",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a] = ids(context);
      const foreign = rowOf(context, "foreign", 0n, "before");
      await opaqueStore.put(foreign);
      const rowOfVersion = (version: bigint) => ({
        row: rowOf(context, "foreign", version, "after"),
        versionOf: () => 5n,
      });
      await store.saveAll([write(a, 1n, 1n)], { rows: [rowOfVersion(4n)] });
      await expectRow(opaqueStore, foreign);
      await store.saveAll([write(a, 2n, 2n)], { rows: [rowOfVersion(5n)] });
      await expectRow(opaqueStore, rowOfVersion(5n).row);
      await expectStream(store, a, records(1n, 2n));
    },
  },
  {
    name: "transaction: a repeated one doesn't write its rows over later ones",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a] = ids(context);
      const options = { rows: [{ row: rowOf(context, "repeated", 1n, "before") }], commitId: COMMIT_ID };
      await store.saveAll([write(a, 1n, 1n)], options);
      const later = rowOf(context, "repeated", 2n, "after");
      await opaqueStore.put(later);
      await store.saveAll([write(a, 1n, 1n)], options);
      await expectRow(opaqueStore, later);
    },
  },
];

const badInput: readonly ConformanceCase[] = [
  {
    name: "transaction: a stream that occurs twice is invalid_argument, and nothing is stored",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a] = ids(context);
      await expectError("invalid_argument", store.saveAll([write(a, 1n, 1n), write(a, 2n, 2n)]), {
        argument: "writes",
      });
      await expectStream(store, a, []);
    },
  },
  {
    name: "transaction: a row that occurs twice is invalid_argument, and nothing is stored",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a] = ids(context);
      const row = rowOf(context, "twice", 1n);
      const saved = store.saveAll([write(a, 1n, 1n)], { rows: [{ row }, { row: rowOf(context, "twice", 2n) }] });
      await expectError("invalid_argument", saved, { argument: "rows" });
      await expectStream(store, a, []);
      expectEqual(await opaqueStore.get(row), undefined, "row");
    },
  },
  {
    name: "transaction: bad input in one stream is invalid_argument, and nothing is stored",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a, b] = ids(context);
      await expectError("invalid_argument", store.saveAll([write(a, 1n, 1n), write("", 1n, 1n)]));
      await expectError("invalid_argument", store.saveAll([write(a, 1n, 1n), write(b, 0n, 0n)]));
      const gap = { aggregateId: b, records: [record(1n), record(3n)] };
      await expectError("invalid_argument", store.saveAll([write(a, 1n, 1n), gap]));
      await expectStream(store, a, []);
      await expectStream(store, b, []);
    },
  },
  {
    name: "transaction: a row without a key is invalid_argument, and nothing is stored",
    needs: ["transactions"],
    async run(context) {
      const { store } = await openTransactionalStore(context);
      const [a] = ids(context);
      const row = create(OpaqueDataSchema, { pk: context.id("keyless") });
      await expectError("invalid_argument", store.saveAll([write(a, 1n, 1n)], { rows: [{ row }] }), { argument: "sk" });
      await expectStream(store, a, []);
    },
  },
  {
    name: "transaction: rows without an OpaqueStore are not_configured, and nothing is stored",
    needs: ["transactions", "optional-opaque-store"],
    async run(context) {
      const { store } = await openTransactionalStore(context, { withoutOpaqueStore: true });
      const [a] = ids(context);
      const saved = store.saveAll([write(a, 1n, 1n)], { rows: [{ row: rowOf(context, "homeless", 1n) }] });
      await expectError("not_configured", saved, { option: "opaqueStore" });
      await expectStream(store, a, []);
    },
  },
  {
    name: "transaction: an aborted signal cancels, and nothing is stored",
    needs: ["transactions"],
    async run(context) {
      const { store, opaqueStore } = await openTransactionalStore(context);
      const [a, b] = ids(context);
      const row = rowOf(context, "aborted", 1n);
      const options = { rows: [{ row }], signal: AbortSignal.abort() };
      await expectError("cancelled", store.saveAll([write(a, 1n, 1n), write(b, 1n, 1n)], options));
      await expectStream(store, a, []);
      await expectStream(store, b, []);
      expectEqual(await opaqueStore.get(row), undefined, "row");
    },
  },
];

/** The cases of `TransactionalStore`. */
export const transactionCases: readonly ConformanceCase[] = [...streams, ...rows, ...badInput];

async function openTransactionalStore(
  context: ConformanceContext,
  options?: Omit<OpenOptions, "clock">,
): Promise<{ store: Store & TransactionalStore; opaqueStore: OpaqueStore }> {
  const { store, opaqueStore } = await context.open(options);
  expectTrue(typeof store.saveAll === "function", "a store with the capability transactions has saveAll");
  return { store: store as Store & TransactionalStore, opaqueStore: opaqueStore as OpaqueStore };
}

function ids(context: ConformanceContext): [string, string, string] {
  return [context.id("a"), context.id("b"), context.id("c")];
}

function write(aggregateId: string, first: bigint, last: bigint): StreamWrite {
  return { aggregateId, records: records(first, last) };
}

function rowOf(context: ConformanceContext, name: string, version: bigint, text: string = name): OpaqueRow {
  return create(OpaqueDataSchema, { pk: context.id(name), sk: "AGG", version, body: new TextEncoder().encode(text) });
}

async function expectRow(store: OpaqueStore, { pk, sk, version, body }: OpaqueRow): Promise<void> {
  const row = await store.get({ pk, sk });
  expectEqual(row && { version: row.version, body: row.body }, { version, body }, `row ${pk}`);
}
