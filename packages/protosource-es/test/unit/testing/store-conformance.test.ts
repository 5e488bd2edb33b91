import type { History, Store } from "protosource-es";
import { MemoryOpaqueStore, type MemoryRows, MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { isExpired } from "protosource-es/opaquedata";
import {
  type ConformanceCase,
  type OpenOptions,
  runnableCases,
  type StoreHarness,
  type StoreUnderTest,
  storeConformance,
} from "protosource-es/testing";
import { describe, expect, test } from "vitest";

/** The cases must see what a store does wrong: each store here breaks one promise. */
describe("the conformance cases catch a store that", () => {
  test("is right: none of them fails", async () => {
    expect(await failingCases((healthy) => healthy)).toEqual([]);
  });

  test("overwrites versions", async () => {
    const failing = await failingCases(({ store, opaqueStore, streams }) => ({
      opaqueStore,
      store: delegate(store, {
        async save(aggregateId, records, options) {
          for (const { version } of records) streams.get(aggregateId)?.delete(version);
          await store.save(aggregateId, records, options);
        },
      }),
    }));
    expect(failing).toEqual(
      expect.arrayContaining([
        "store: one record of a version that exists is a version_conflict",
        "store: a save of which one version exists stores none of its records",
        "store: the same bytes by another writer are a version_conflict",
        "store: of 8 writers of one record, one wins and the others conflict",
        "store: of 8 writers of 5 records, one wins whole and the others conflict",
        "store: writers who reload after a conflict lose nothing",
        "expiry: an expired record that is still stored keeps its version",
      ]),
    );
    expect(failing).not.toContain("store: several records of one save are loaded");
  });

  test("returns its live objects", async () => {
    const failing = await failingCases(({ store, opaqueStore, streams }) => ({
      opaqueStore,
      store: delegate(store, {
        async load(aggregateId, options) {
          const history = await store.load(aggregateId, options);
          const stream = streams.get(aggregateId);
          history.records = history.records.map((record) => stream?.get(record.version)?.record ?? record);
          return history;
        },
      }),
    }));
    expect(failing).toEqual(["store: changing a loaded history changes nothing stored"]);
  });

  test("keeps the caller's bytes", async () => {
    const failing = await failingCases(({ store, opaqueStore, streams }) => ({
      opaqueStore,
      store: delegate(store, {
        async save(aggregateId, records, options) {
          await store.save(aggregateId, records, options);
          for (const { version, data } of records) {
            const stored = streams.get(aggregateId)?.get(version);
            if (stored) stored.record.data = data;
          }
        },
      }),
    }));
    expect(failing).toEqual(["store: changing records after they were saved changes nothing stored"]);
  });

  test("ignores the expiry of records", async () => {
    const failing = await failingCases(({ store, opaqueStore }) => ({
      opaqueStore,
      store: delegate(store, {
        load: (aggregateId, options) => store.load(aggregateId, { ...options, includeExpired: true }),
      }),
    }));
    expect(failing).toEqual([
      "expiry: a record counts until the second before its ttl",
      "expiry: expired records are left out, and later ones loaded",
      "expiry: a stream goes on after its expired records",
      "after: a record that has expired counts while it is stored",
    ]);
  });

  test("orders versions as text", async () => {
    const failing = await failingCases(({ store, opaqueStore }) => ({
      opaqueStore,
      store: delegate(store, {
        async load(aggregateId, options) {
          const history = await store.load(aggregateId, options);
          history.records.sort((a, b) => (String(a.version) < String(b.version) ? -1 : 1));
          return history;
        },
      }),
    }));
    expect(failing).toEqual(
      expect.arrayContaining([
        "store: versions are ordered as numbers, not as text",
        "store: one save takes 250 records",
      ]),
    );
    expect(failing).not.toContain("store: a stream grows from save to save");
  });

  test("stores the records before a conflict", async () => {
    const failing = await failingCases(({ store, opaqueStore }) => ({
      opaqueStore,
      store: delegate(store, {
        async save(aggregateId, records) {
          for (const record of records) await store.restore(aggregateId, [record]);
        },
      }),
    }));
    expect(failing).toEqual(
      expect.arrayContaining([
        "store: a load sees a save of several records whole or not at all",
        "store: a conflict in the middle of a save stores none of its records",
        "store: a conflict at the last record of a save stores none of its records",
      ]),
    );
  });

  test("forgets commit ids", async () => {
    const failing = await failingCases(({ store, opaqueStore }) => ({
      opaqueStore,
      store: delegate(store, {
        save: (aggregateId, records, options) => store.save(aggregateId, records, { ...options, commitId: undefined }),
      }),
    }));
    expect(failing).toEqual([
      "store: a commit id that doesn't have 8 bytes is invalid_argument",
      "store: a repeated save with its commit id completes and doubles nothing",
      "store: a commit id used again for more, fewer or other records is a version_conflict, and stores nothing",
      "store: a repeated save of 250 records with its commit id doubles nothing",
      "store: a save may be repeated after the stream went on, and by another client",
      "store: a save that is sent twice at once is stored once, and both complete",
      "store: a repeated save keeps the expiry of the first",
      "store: changing a commit id after the save changes nothing stored",
      "after: a repeated save with its commit id completes and doubles nothing",
    ]);
  });

  test("writes streams one after the other", async () => {
    const failing = await failingCases(({ store, opaqueStore }) => ({
      opaqueStore,
      store: delegate(store, {
        async saveAll(writes, { rows = [], ...options } = {}) {
          for (const { aggregateId, records } of writes) await store.save(aggregateId, records, options);
          for (const { row, versionOf } of rows) await opaqueStore.put(row, { versionOf });
        },
      }),
    }));
    expect(failing).toEqual(
      expect.arrayContaining([
        "transaction: a conflict in one stream leaves all streams as they were",
        "transaction: a conflict writes no row",
        "transaction: a stream that occurs twice is invalid_argument, and nothing is stored",
        "transaction: a row without a key is invalid_argument, and nothing is stored",
      ]),
    );
    expect(failing.filter((name) => !name.startsWith("transaction:"))).toEqual([
      "after: each stream of a transaction comes after its own record, or none is written",
    ]);
  });

  test("orders sort keys by UTF-16", async () => {
    const failing = await failingCases(({ store, opaqueStore }) => ({
      store,
      opaqueStore: delegate(opaqueStore, {
        async query(query) {
          const { rows, ...page } = await opaqueStore.query(query);
          const direction = query.reverse ? -1 : 1;
          const index = query.index ? (`gsi${query.index}sk` as const) : "sk";
          return { ...page, rows: rows.toSorted((a, b) => (a[index] < b[index] ? -direction : direction)) };
        },
      }),
    }));
    expect(failing).toEqual([
      "rows: sort keys are ordered by their UTF-8 bytes",
      "rows: conditions compare sort keys by their UTF-8 bytes",
    ]);
  });

  test("ends at the first page of a partition with expired rows", async () => {
    const failing = await failingCases(({ store, opaqueStore, rows, clock }) => ({
      store,
      opaqueStore: delegate(opaqueStore, {
        async query(query) {
          const inPartition = [...rows.values()].filter(({ pk }) => pk === query.partition);
          const expired = inPartition.filter((row) => isExpired(row, clock.now() / 1_000_000n));
          const page = await opaqueStore.query(query);
          return expired.length > 0 ? { rows: page.rows } : page;
        },
      }),
    }));
    expect(failing).toEqual(["rows: pages lead past expired rows"]);
  });

  test("lets an earlier state replace a later one", async () => {
    const failing = await failingCases(({ store, opaqueStore }) => {
      const careless = delegate(opaqueStore, {
        async put(row, options) {
          await opaqueStore.delete(row, { signal: options?.signal });
          return opaqueStore.put(row, options);
        },
      });
      const saveAggregate: MemoryStore["saveAggregate"] = (schema, message, options) =>
        new MemoryStore({ opaqueStore: careless }).saveAggregate(schema, message, options);
      return { store: delegate(store, { saveAggregate }), opaqueStore: careless };
    });
    expect(failing).toEqual(
      expect.arrayContaining([
        "aggregate: an earlier version doesn't replace a later one, and says so",
        "aggregate: the version option guards a message without a version",
        "rows: an earlier version doesn't replace a later one, and the same one does",
        "rows: versionOf tells the version of a row that has none",
      ]),
    );
  });

  test("loses what a page of a scan doesn't hold any more", async () => {
    const failing = await failingCases(({ store, opaqueStore }) => ({
      opaqueStore: delegate(opaqueStore, {
        scan: async (options) => ({ ...(await opaqueStore.scan(options)), cursor: undefined }),
      }),
      store: delegate(store, {
        scan: async (options) => ({ ...(await store.scan(options)), cursor: undefined }),
      }),
    }));
    expect(failing).toEqual(
      expect.arrayContaining([
        "scan: pages of every size hold each record of a stream once, and no other stream's",
        "scan: each record of all streams is found once, in ascending order",
      ]),
    );
  });

  test("gives each segment of a scan everything", async () => {
    const failing = await failingCases(({ store, opaqueStore }) => ({
      opaqueStore: delegate(opaqueStore, {
        scan: (options = {}) => opaqueStore.scan({ ...options, segment: undefined }),
      }),
      store: delegate(store, {
        scan: (options = {}) => store.scan({ ...options, segment: undefined }),
      }),
    }));
    expect(failing).toEqual(
      expect.arrayContaining([
        "scan: segments hold each record once, and a stream lies in one of them, all of it together",
        "scan: segments hold each row once, page by page",
        "scan: a segment, a limit and a cursor that can't be are invalid_argument",
      ]),
    );
  });

  test("leaves expired records out of a scan", async () => {
    const failing = await failingCases(({ store, opaqueStore, clock }) => ({
      opaqueStore,
      store: delegate(store, {
        async scan(options) {
          const page = await store.scan(options);
          const now = clock.now() / 1_000_000n;
          return { ...page, records: page.records.filter(({ record: { ttl } }) => ttl <= 0n || ttl > now) };
        },
      }),
    }));
    expect(failing).toEqual(["scan: expired records are found"]);
  });

  test("restores only behind the end", async () => {
    const failing = await failingCases(({ store, opaqueStore }) => ({
      opaqueStore,
      store: delegate(store, {
        restore: (aggregateId, records, options) => store.save(aggregateId, records, options),
      }),
    }));
    expect(failing).toEqual([
      "restore: a copy may begin above version 1 and have gaps, and they can be filled",
      "restore: a version above a gap that exists already is a version_conflict",
      "restore: an expiry stays as it was, and no store adds one",
    ]);
  });
});

describe("runnableCases", () => {
  const passing: ConformanceCase = { name: "passes", needs: [], run: async () => {} };
  const failing: ConformanceCase = {
    name: "fails",
    needs: [],
    async run() {
      throw new Error("the store is wrong");
    },
  };

  test("leaves out cases whose needs the store doesn't meet", () => {
    const cases: ConformanceCase[] = [
      { ...passing, name: "needs a tail", needs: ["tail"] },
      { ...passing, name: "needs a tail and rows", needs: ["tail", "opaque-store"] },
    ];
    const names = runnableCases(cases, { ...memoryHarness(), capabilities: ["tail"] }).map(({ name }) => name);
    expect(names).toEqual(["needs a tail"]);
  });

  test("passes a known failure that fails, and shows the reason", async () => {
    const [known] = runnableCases([failing], { ...memoryHarness(), knownFailures: { fails: "a bug of the engine" } });
    expect(known?.name).toBe("fails (known failure: a bug of the engine)");
    await expect(known?.run()).resolves.toBeUndefined();
  });

  test("fails a known failure that passes", async () => {
    const [known] = runnableCases([passing], { ...memoryHarness(), knownFailures: { passes: "a bug of the engine" } });
    await expect(known?.run()).rejects.toThrow("take it off the list");
  });

  test("refuses a known failure that names no case of the store", () => {
    const { capabilities: _, ...harness } = memoryHarness();
    const cases: ConformanceCase[] = [passing, { ...passing, name: "left out", needs: ["tail"] }];
    for (const name of ["misspelled", "left out"]) {
      const bind = () => runnableCases(cases, { ...harness, capabilities: [], knownFailures: { [name]: "a reason" } });
      expect(bind).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    }
  });

  test("refuses raw-records without writeRaw", () => {
    const bind = () => runnableCases([passing], { capabilities: ["raw-records"], open: memoryHarness().open });
    expect(bind).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  test("gives each case and each run ids of its own", async () => {
    const ids: string[] = [];
    const collecting: ConformanceCase = { ...passing, run: async (context) => void ids.push(context.id("same")) };
    const cases = [collecting, { ...collecting, name: "another" }];
    for (let i = 0; i < 2; i++) {
      for (const { run } of runnableCases(cases, memoryHarness())) await run();
    }
    expect(new Set(ids).size).toBe(4);
    expect(ids.every((id) => id.endsWith("same"))).toBe(true);
  });

  test("closes what a case opened, after a failure too", async () => {
    let open = 0;
    const harness: StoreHarness = {
      capabilities: [],
      open() {
        open++;
        return { store: new MemoryStore(), close: () => void open-- };
      },
    };
    const opening: ConformanceCase = {
      ...failing,
      async run(context) {
        await context.open();
        await context.open();
        expect(open).toBe(2);
        throw new Error("the store is wrong");
      },
    };
    const [one] = runnableCases([opening], harness);
    await expect(one?.run()).rejects.toThrow("the store is wrong");
    expect(open).toBe(0);
  });
});

test("no two cases have the same name", () => {
  const names = storeConformance.map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

describe("a failing case shows what came and what should have", () => {
  /** Gives the message of the first case of a name, on a store whose histories are changed after the load. */
  async function messageOf(name: string, change: (history: History) => void): Promise<string> {
    const harness = memoryHarness(({ store, opaqueStore }) => ({
      opaqueStore,
      store: delegate(store, {
        async load(aggregateId, options) {
          const history = await store.load(aggregateId, options);
          change(history);
          return history;
        },
      }),
    }));
    const [one] = runnableCases(storeConformance, harness).filter((runnable) => runnable.name === name);
    const error = await one?.run().catch((error: unknown) => error);
    return error instanceof Error ? error.message : `no error but ${error}`;
  }

  test("when bytes differ", async () => {
    const message = await messageOf("store: several records of one save are loaded", ({ records }) => {
      if (records[1]) records[1].data = records[1].data.subarray(1);
    });
    expect(message).toBe("records[1].data: expected <7 bytes: 6576656e742032>, got <6 bytes: 76656e742032>");
  });

  test("when a version differs", async () => {
    const message = await messageOf("store: a record is loaded as it was saved", ({ records }) => {
      if (records[0]) records[0].version = 2n;
    });
    expect(message).toBe("records[0].version: expected 1n, got 2n");
  });

  test("when records are missing", async () => {
    const message = await messageOf("store: a record is loaded as it was saved", ({ records }) => records.pop());
    expect(message).toBe("records: expected [{ version: 1n, data: <7 bytes: 6576656e742031>, ttl: 0n }], got []");
  });

  test("when no error comes, or another one", async () => {
    const conflict: ConformanceCase | undefined = storeConformance.find(
      ({ name }) => name === "store: one record of a version that exists is a version_conflict",
    );
    const messageOfSave = async (save: Store["save"]): Promise<unknown> => {
      const harness = memoryHarness(({ store, opaqueStore, streams }) => ({
        opaqueStore,
        store: delegate(store, {
          save: (aggregateId, records, options) =>
            (streams.has(aggregateId) ? save : store.save.bind(store))(aggregateId, records, options),
        }),
      }));
      const [one] = runnableCases(conflict ? [conflict] : [], harness);
      return one?.run().catch((error: unknown) => (error as Error).message);
    };
    expect(await messageOfSave(async () => {})).toBe(
      "expected the error version_conflict, but the call gave undefined",
    );
    const broken = async (): Promise<void> => {
      throw new TypeError("broken");
    };
    expect(await messageOfSave(broken)).toBe("expected the error version_conflict, got TypeError: broken");
  });
});

/** A memory store, and what it keeps its data in. */
interface Healthy extends Pick<OpenOptions, "clock"> {
  readonly store: MemoryStore;
  readonly opaqueStore: MemoryOpaqueStore;
  readonly streams: MemoryStreams;
  readonly rows: MemoryRows;
}

function memoryHarness(breakStore: (healthy: Healthy) => StoreUnderTest = (healthy) => healthy): StoreHarness {
  const streams: MemoryStreams = new Map();
  const rows: MemoryRows = new Map();
  return {
    capabilities: [
      "tail",
      "opaque-store",
      "aggregates",
      "transactions",
      "scan",
      "restore",
      "refuses-gaps",
      "atomic-saves",
      "raw-records",
    ],
    open({ clock, ttlSeconds }) {
      const opaqueStore = new MemoryOpaqueStore({ clock, rows });
      const store = new MemoryStore({ clock, ttlSeconds, streams, opaqueStore });
      return breakStore({ store, opaqueStore, streams, rows, clock });
    },
    writeRaw(aggregateId, record) {
      const stream = streams.get(aggregateId) ?? new Map();
      streams.set(aggregateId, stream.set(record.version, { record, commitId: "" }));
    },
  };
}

/** Gives the names of the cases that fail on a broken store. */
async function failingCases(breakStore: (healthy: Healthy) => StoreUnderTest): Promise<string[]> {
  const failing: string[] = [];
  for (const { name, run } of runnableCases(storeConformance, memoryHarness(breakStore))) {
    await run().catch(() => failing.push(name));
  }
  return failing;
}

/** Gives an object that does some things in another way, and all others as the original. */
function delegate<T extends object>(original: T, changes: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      const value = Reflect.get(changes, name) ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
