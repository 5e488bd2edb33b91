/** Random runs of subscriptions, with faults, on every store that keeps what it holds: rows equal the plain fold. */
import { randomUUID } from "node:crypto";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { randomFaults } from "protosource-es/testing/faults";
import { afterAll, describe, expect, test } from "vitest";
import { behindProxy, engines } from "../engines.js";
import { randomNumbers } from "../soak/random.js";
import { randomRun, withFaults } from "../subscriptions/random-run.js";
import { seeds } from "../subscriptions/seeds.js";
import { testFolder } from "./sqlite/drivers.js";

describe("SQLite", () => {
  const folder = testFolder();
  afterAll(() => folder.remove());

  test.each(seeds(4))("rows equal the fold of all streams, seed %i", async (seed) => {
    const random = randomNumbers(seed);
    const options = { synchronous: "NORMAL" } as const;
    const [database, other] = [folder.open(`${seed}.db`, options), folder.open(`${seed}.db`, options)];
    const opaqueStore = new SqliteOpaqueStore(database);
    const workersRows = new SqliteOpaqueStore(other);
    const workersStore = new SqliteStore(other, { opaqueStore: workersRows });
    let isFaulty = true;
    const report = await randomRun({
      random,
      store: new SqliteStore(database, { opaqueStore }),
      opaqueStore,
      faulty: withFaults(workersStore, random, () => isFaulty),
      faultyRows: withFaults(workersRows, random, () => isFaulty),
      heal: () => {
        isFaulty = false;
      },
      streams: 30,
      workers: 3,
    });
    expect(report.found).toEqual(report.expected);
    expect(report.counts.get("parked")).toBeUndefined();
  });
});

describe.each(engines)("$name", async (engine) => {
  const { proxy, client, direct, eventsTable, aggregatesTable } = await behindProxy(engine);

  test.each(seeds(2).map((seed) => ({ seed, layout: seed % 2 === 1 ? "compatible" : "packed" }) as const))(
    "rows equal the fold of all streams, seed $seed, $layout",
    async ({ seed, layout }) => {
      const feedsTable = `feeds-${randomUUID()}`;
      const tables = {
        eventsTable: `${eventsTable}-${seed}`,
        aggregatesTable: `${aggregatesTable}-${seed}`,
        feedsTable,
      };
      await ensureTables(direct, tables);
      const faults = randomFaults({ seed, rate: 0.12, lateMs: 400 });
      proxy.decide(faults.fateOf);
      const timeLimits = { attemptMs: 250, totalMs: 2_000 };
      const open = (one: typeof client, limits?: typeof timeLimits) => {
        const opaqueStore = new DynamoDBOpaqueStore(one, { table: tables.aggregatesTable, timeLimits: limits });
        return { opaqueStore, store: new DynamoDBStore(one, { ...tables, layout, opaqueStore, timeLimits: limits }) };
      };
      const { store, opaqueStore } = open(direct);
      const workers = open(client, timeLimits);
      const report = await randomRun({
        random: randomNumbers(seed),
        store,
        opaqueStore,
        faulty: workers.store,
        faultyRows: workers.opaqueStore,
        heal: () => proxy.decide(() => "pass"),
        streams: 6,
        workers: 2,
      });
      expect(report.found).toEqual(report.expected);
      expect(report.counts.get("parked")).toBeUndefined();
      expect(faults.counts.size).toBeGreaterThan(0);
    },
    180_000,
  );
});
