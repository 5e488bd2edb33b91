/** Random concurrent histories, with faults and crashes, on every store: each stream stays a list that only grows. */

import { engineClient } from "@protosource-es/engines";
import fc from "fast-check";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import {
  type MemoryClaims,
  MemoryOpaqueStore,
  type MemoryRows,
  MemoryStore,
  type MemoryStreams,
} from "protosource-es/memory";
import type { StoredRecord } from "protosource-es/proto";
import { SqliteStore } from "protosource-es/sqlite";
import { type FaultProxy, randomFaults, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engines, freshTables } from "../engines.js";
import { type HistoryClient, plans, runPlan } from "../histories.js";
import { testFolder } from "./sqlite/drivers.js";

/** How long a store is tried: some hundred histories in memory, some before an engine. */
const MILLISECONDS = 2_000;

/** Fails for a history that isn't right, with the least plan and its seed. */
async function assertHistories(runs: number, openWith: (seed: number) => () => HistoryClient): Promise<void> {
  const start = performance.now();
  let hasFailed = false;
  const law = fc.asyncProperty(plans, fc.nat(), async (plan, seed) => {
    const open = openWith(seed);
    // What has failed is shrunk, however long that takes.
    if (!hasFailed && performance.now() - start > MILLISECONDS) return;
    const problems = await runPlan(plan, open);
    hasFailed ||= problems.length > 0;
    expect(problems).toEqual([]);
  });
  await fc.assert(law, { numRuns: runs });
}

class MemoryClient {
  readonly streams: MemoryStreams = new Map();
  readonly rows: MemoryRows = new Map();
  readonly claims: MemoryClaims = new Map();
  open(Store: typeof MemoryStore = MemoryStore): HistoryClient {
    const opaqueStore = new MemoryOpaqueStore({ rows: this.rows });
    return { store: new Store({ streams: this.streams, claims: this.claims, opaqueStore }), drop() {} };
  }
}

test("in memory", async () => {
  const memory = new MemoryClient();
  await assertHistories(150, () => () => memory.open());
});

test("in SQLite, with clients that close the file in the middle of something", async () => {
  const folder = testFolder();
  await assertHistories(40, () => () => {
    const database = folder.open("histories.db");
    return { store: new SqliteStore(database), drop: () => database.close() };
  });
  folder.remove();
});

/** What stores write into one table: each client the next of these. */
const layouts = [["compatible"], ["packed"], ["compatible", "packed"]] as const;
const variants = engines.flatMap((engine) =>
  layouts.map((written) => ({ engine, written, name: `${engine.name}, ${written.join(" and ")}` })),
);

describe.each(variants)("on $name, with faults", ({ engine, written }) => {
  const { eventsTable, aggregatesTable } = freshTables();
  let proxy: FaultProxy;
  beforeAll(async () => {
    const direct = engine.client();
    await ensureTables(direct, { eventsTable, aggregatesTable });
    direct.destroy();
    proxy = await startFaultProxy(engine.endpoint, { keepRequests: false });
  });
  afterAll(() => proxy.close());

  test("and clients whose connections end in the middle of something", async () => {
    await assertHistories(30, (seed) => {
      proxy.decide(randomFaults({ seed, rate: 0.15, lateMs: 400 }).fateOf);
      let clients = 0;
      return () => {
        const client = engineClient(proxy.endpoint, { maxAttempts: 2 });
        const layout = written[clients++ % written.length];
        const timeLimits = { attemptMs: 300, totalMs: 2_000 };
        const opaqueStore = new DynamoDBOpaqueStore(client, { table: aggregatesTable, timeLimits });
        const store = new DynamoDBStore(client, { eventsTable, opaqueStore, layout, timeLimits });
        return { store, drop: () => client.destroy() };
      };
    });
  });
});

describe("a store that is wrong is found", () => {
  class DoublingStore extends MemoryStore {
    override async save(...[id, records, options]: Parameters<MemoryStore["save"]>): Promise<void> {
      await super.save(id, records, options);
      if (records.length !== 2) return;
      // As a client does that takes a lost answer for a save that has failed.
      const again = records.map((record): StoredRecord => ({ ...record, version: record.version + 2n }));
      await super.save(id, again);
    }
  }
  class LosingStore extends MemoryStore {
    override async save(...[id, records, options]: Parameters<MemoryStore["save"]>): Promise<void> {
      if (records.length !== 3) await super.save(id, records, options);
    }
  }
  class HalvingStore extends MemoryStore {
    override save(...[id, records, options]: Parameters<MemoryStore["save"]>): Promise<void> {
      return super.save(id, records.slice(0, 2), options);
    }
  }
  class StaleStore extends MemoryStore {
    override async load(...args: Parameters<MemoryStore["load"]>): ReturnType<MemoryStore["load"]> {
      const history = await super.load(...args);
      history.records.pop();
      return history;
    }
  }
  class CarelessStore extends MemoryStore {
    override saveAll(...[writes, options]: Parameters<MemoryStore["saveAll"]>): Promise<void> {
      return super.saveAll(writes, { ...options, check: [] });
    }
  }
  class GenerousStore extends MemoryStore {
    override saveAll(...[writes, options]: Parameters<MemoryStore["saveAll"]>): Promise<void> {
      const claims = options?.claims?.map((claim) => (claim.once ? claim : { ...claim, owner: "anybody" }));
      return super.saveAll(writes, { ...options, claims });
    }
  }
  class ForgettingStore extends MemoryStore {
    override saveAll(...[writes, options]: Parameters<MemoryStore["saveAll"]>): Promise<void> {
      return super.saveAll(writes, { ...options, claims: options?.claims?.filter(({ once }) => !once) });
    }
  }

  test.each([
    ["doubles", DoublingStore],
    ["loses", LosingStore],
    ["stores a part", HalvingStore],
    ["reads what was", StaleStore],
    ["asks nothing of other streams", CarelessStore],
    ["lets a value be taken twice", GenerousStore],
    ["forgets the ids of commands", ForgettingStore],
  ])("that %s", async (_, Store) => {
    const memory = new MemoryClient();
    const law = fc.asyncProperty(plans, async (plan) => {
      expect(await runPlan(plan, () => memory.open(Store))).toEqual([]);
    });
    const { failed, counterexample } = await fc.check(law, { numRuns: 100, seed: 5, interruptAfterTimeLimit: 15_000 });
    expect(failed).toBe(true);
    // It shrinks to a few calls.
    expect(counterexample?.[0].flat().length).toBeLessThanOrEqual(4);
  });
});
