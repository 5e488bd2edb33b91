/** What `ScannableStore` and `ScannableOpaqueStore` promise: everything that is stored, as it is, once. */
import type { ScanOptions } from "../../call-options.js";
import { epochSeconds } from "../../clock.js";
import { emptyRow } from "../../opaquedata/opaque-data.js";
import type { OpaqueRow, OpaqueStore, ScannableOpaqueStore } from "../../opaquedata/opaque-store.js";
import type { RecordScanOptions, ScannableStore, ScannedRecord, Store } from "../../store/store.js";
import { expectEqual, expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext } from "./conformance-case.js";
import { expectStream, record, records } from "./sample-records.js";

const SEGMENTS = 3;

/** The cases of the two contracts. */
export const scanCases: readonly ConformanceCase[] = [
  {
    name: "scan: each record of all streams is found once, in ascending order",
    needs: ["scan"],
    async run(context) {
      const store = await openStore(context);
      const ids = await saveStreams(context, store, 5);
      const found = await scanAll(store, {});
      for (const id of ids) expectRecords(found, id, records(1n, 7n));
    },
  },
  {
    name: "scan: segments hold each record once, and a stream lies in one of them, all of it together",
    needs: ["scan"],
    async run(context) {
      const store = await openStore(context);
      const ids = await saveStreams(context, store, 9);
      const segments: ScannedRecord[][] = [];
      for (let index = 0; index < SEGMENTS; index++) {
        segments.push(await scanAll(store, { segment: { index, of: SEGMENTS } }));
      }
      for (const id of ids) {
        const holding = segments.filter((segment) => segment.some(({ aggregateId }) => aggregateId === id));
        expectEqual(holding.length, 1, `segments that hold ${id}`);
        const [segment = []] = holding;
        expectRecords(segment, id, records(1n, 7n));
        const first = segment.findIndex(({ aggregateId }) => aggregateId === id);
        expectRecords(segment.slice(first, first + 7), id, records(1n, 7n));
      }
    },
  },
  {
    name: "scan: pages of every size hold each record of a stream once, and no other stream's",
    needs: ["scan"],
    async run(context) {
      const store = await openStore(context);
      const [id = ""] = await saveStreams(context, store, 2);
      for (const limit of [1, 2, 3, 7, 100]) {
        const pages = await scanPages(store, { aggregateId: id, limit });
        const found = pages.flat();
        expectEqual(found.length, 7, `records of the stream, by ${limit}`);
        expectRecords(found, id, records(1n, 7n));
      }
    },
  },
  {
    name: "scan: records that were stored at once are told from others",
    needs: ["scan"],
    async run(context) {
      const store = await openStore(context);
      const id = context.id("saves");
      await store.save(id, records(1n, 1n));
      await store.save(id, records(2n, 4n));
      await store.save(id, records(5n, 5n));
      const found = await scanAll(store, { aggregateId: id });
      const joined = found.slice(1).map((lower, i) => {
        const { following, commitId } = found[i] as ScannedRecord;
        return following > 0 || (commitId !== undefined && commitId === lower.commitId);
      });
      expectEqual(joined, [false, true, true, false], "records that were stored with the one before");
    },
  },
  {
    name: "scan: a page of one item holds records of one stream, and isn't the last",
    needs: ["scan"],
    async run(context) {
      const store = await openStore(context);
      await saveStreams(context, store, 2);
      const { records: found, cursor } = await store.scan({ limit: 1 });
      expectEqual(new Set(found.map(({ aggregateId }) => aggregateId)).size, 1, "streams");
      expectTrue(cursor !== undefined, "a page that isn't the last has a cursor");
    },
  },
  {
    name: "scan: an unknown stream has no records",
    needs: ["scan"],
    async run(context) {
      const store = await openStore(context);
      expectEqual(await scanAll(store, { aggregateId: context.id("unknown") }), [], "records");
    },
  },
  {
    name: "scan: expired records are found",
    needs: ["scan"],
    async run(context) {
      const store = await openStore(context);
      const id = context.id("expired");
      const ttl = epochSeconds(context.clock) + 10n;
      const stored = [...records(1n, 2n, { ttl }), ...records(3n, 4n)];
      await store.save(id, stored);
      context.clock.advanceSeconds(10);
      expectRecords(await scanAll(store, { aggregateId: id }), id, stored);
      expectRecords(await scanAll(store, {}), id, stored);
    },
  },
  {
    name: "scan: a stream with a gap is read as it is",
    needs: ["scan", "raw-records"],
    async run(context) {
      const store = await openStore(context);
      const id = context.id("gap");
      const stored = [record(1n), record(2n), record(4n), record(2n ** 63n - 1n)];
      for (const one of stored) await context.writeRaw(id, one);
      expectRecords(await scanAll(store, { aggregateId: id, limit: 1 }), id, stored);
      expectRecords(await scanAll(store, {}), id, stored);
    },
  },
  {
    name: "scan: changing what was read changes nothing stored",
    needs: ["scan"],
    async run(context) {
      const store = await openStore(context);
      const [id = ""] = await saveStreams(context, store, 1);
      for (const { record } of await scanAll(store, { aggregateId: id })) record.data.fill(0);
      await expectStream(store, id, records(1n, 7n));
    },
  },
  {
    name: "scan: a segment, a limit and a cursor that can't be are invalid_argument",
    needs: ["scan"],
    async run(context) {
      const store = await openStore(context);
      const [id = ""] = await saveStreams(context, store, 1);
      await store.save(id, [record(8n)]);
      const { cursor } = await store.scan({ aggregateId: id, limit: 1 });
      expectTrue(cursor !== undefined, "a page that isn't the last has a cursor");
      await expectBadScans((options) => store.scan(options), cursor);
      const other = { aggregateId: context.id("other"), cursor };
      await expectError("invalid_argument", store.scan(other), { argument: "cursor" });
      const both = { aggregateId: id, segment: { index: 0, of: 2 } };
      await expectError("invalid_argument", store.scan(both), { argument: "segment" });
      await expectError("invalid_argument", store.scan({ aggregateId: "" }), { argument: "aggregateId" });
    },
  },
  {
    name: "scan: an aborted signal cancels",
    needs: ["scan"],
    async run(context) {
      const store = await openStore(context);
      await expectError("cancelled", store.scan({ signal: AbortSignal.abort() }));
    },
  },
  {
    name: "scan: each row is found once, as it was put, and expired ones too",
    needs: ["scan", "opaque-store"],
    async run(context) {
      const opaqueStore = await openOpaqueStore(context);
      const rows = await putRows(context, opaqueStore);
      context.clock.advanceSeconds(10);
      expectRows(await scanAllRows(opaqueStore, {}), rows);
    },
  },
  {
    name: "scan: segments hold each row once, page by page",
    needs: ["scan", "opaque-store"],
    async run(context) {
      const opaqueStore = await openOpaqueStore(context);
      const rows = await putRows(context, opaqueStore);
      const found: OpaqueRow[] = [];
      for (let index = 0; index < SEGMENTS; index++) {
        found.push(...(await scanAllRows(opaqueStore, { segment: { index, of: SEGMENTS }, limit: 50 })));
      }
      expectRows(found, rows);
    },
  },
  {
    name: "scan: for rows too, a segment, a limit and a cursor that can't be are invalid_argument",
    needs: ["scan", "opaque-store"],
    async run(context) {
      const opaqueStore = await openOpaqueStore(context);
      await putRows(context, opaqueStore);
      const { cursor } = await opaqueStore.scan({ limit: 1 });
      expectTrue(cursor !== undefined, "a page that isn't the last has a cursor");
      await expectBadScans((options) => opaqueStore.scan(options), cursor);
      await expectError("cancelled", opaqueStore.scan({ signal: AbortSignal.abort() }));
    },
  },
];

async function openStore(context: ConformanceContext): Promise<Store & ScannableStore> {
  const { store } = await context.open();
  expectTrue(typeof store.scan === "function", "a store with the capability scan has scan");
  return store as Store & ScannableStore;
}

async function openOpaqueStore(context: ConformanceContext): Promise<OpaqueStore & ScannableOpaqueStore> {
  const { opaqueStore } = await context.open();
  expectTrue(typeof opaqueStore?.scan === "function", "an OpaqueStore with the capability scan has scan");
  return opaqueStore as OpaqueStore & ScannableOpaqueStore;
}

/** Saves streams of 7 records, and gives their ids. */
async function saveStreams(context: ConformanceContext, store: Store, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => context.id(`stream-${i}`));
  for (const id of ids) await store.save(id, records(1n, 7n));
  return ids;
}

/** Puts rows of two partitions, one of which expires in 10 seconds, and gives them. */
async function putRows(context: ConformanceContext, opaqueStore: OpaqueStore): Promise<readonly OpaqueRow[]> {
  const rows = ["a", "b", "c", "d"].map((name, i): OpaqueRow => {
    const pk = context.id(`pk-${i % 2}`);
    const t = i === 3 ? epochSeconds(context.clock) + 10n : 0n;
    return {
      ...emptyRow(),
      pk,
      sk: name,
      t,
      version: BigInt(i),
      gsi7pk: "seven",
      gsi7sk: name,
      body: Uint8Array.of(i),
    };
  });
  for (const row of rows) await opaqueStore.put(row);
  return rows;
}

async function scanPages(store: ScannableStore, options: RecordScanOptions): Promise<(readonly ScannedRecord[])[]> {
  const pages: (readonly ScannedRecord[])[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.scan({ ...options, cursor });
    pages.push(page.records);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

async function scanAll(store: ScannableStore, options: RecordScanOptions): Promise<ScannedRecord[]> {
  return (await scanPages(store, options)).flat();
}

async function scanAllRows(opaqueStore: ScannableOpaqueStore, options: ScanOptions): Promise<OpaqueRow[]> {
  const rows: OpaqueRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await opaqueStore.scan({ ...options, cursor });
    rows.push(...page.rows);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return rows;
}

/** Throws unless exactly these records of a stream were found, in this order. */
function expectRecords(found: readonly ScannedRecord[], id: string, expected: readonly object[]): void {
  const actual = found
    .filter(({ aggregateId }) => aggregateId === id)
    .map(({ record: { version, data, ttl } }) => ({ version, data, ttl }));
  const plain = (expected as typeof actual).map(({ version, data, ttl }) => ({ version, data, ttl }));
  expectEqual(actual, plain, `records of ${id}`);
}

/** Throws unless each of these rows was found once. */
function expectRows(found: readonly OpaqueRow[], expected: readonly OpaqueRow[]): void {
  for (const row of expected) {
    const same = found.filter(({ pk, sk }) => pk === row.pk && sk === row.sk);
    expectEqual(same, [row], `the row ${row.sk}`);
  }
}

/** Throws unless what no scan takes is refused. `cursor` is of a scan without segments. */
async function expectBadScans(
  scan: (options: ScanOptions) => Promise<unknown>,
  cursor: string | undefined,
): Promise<void> {
  for (const [index, of] of [
    [0, 0],
    [-1, 2],
    [2, 2],
    [0.5, 2],
    [0, 1_000_001],
  ] as const) {
    await expectError("invalid_argument", scan({ segment: { index, of } }), { argument: "segment" });
  }
  for (const limit of [0, -1, 1.5]) await expectError("invalid_argument", scan({ limit }), { argument: "limit" });
  for (const bad of ["", "x", "W10", `${cursor}=A`]) {
    await expectError("invalid_argument", scan({ cursor: bad }), { argument: "cursor" });
  }
  const elsewhere = { segment: { index: 1, of: 2 }, cursor };
  await expectError("invalid_argument", scan(elsewhere), { argument: "cursor" });
}
