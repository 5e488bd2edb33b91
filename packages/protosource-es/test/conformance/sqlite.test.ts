/** Runs the conformance cases on every driver that this machine has: `npm run test:node22` has a second one. */
import { SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { runnableCases, type StoreHarness, storeConformance } from "protosource-es/testing";
import { afterAll, describe, test } from "vitest";
import { drivers, testFolder } from "../integration/sqlite/drivers.js";

describe.each(drivers)("SqliteStore on $name", ({ name, driver }) => {
  const folder = testFolder();
  const raw = folder.open("store.db", { driver });
  afterAll(() => folder.remove());

  const harness: StoreHarness = {
    capabilities: [
      "tail",
      "events",
      "opaque-store",
      "aggregates",
      "transactions",
      "checks",
      "claims",
      "claim-scan",
      "scan",
      "positions",
      "feed",
      "restore",
      "trim",
      "refuses-gaps",
      "atomic-saves",
      "raw-records",
    ],
    open({ clock, ttlSeconds }) {
      const database = folder.open("store.db", { driver });
      const opaqueStore = new SqliteOpaqueStore(database, { clock });
      const store = new SqliteStore(database, { clock, ttlSeconds, opaqueStore });
      return { store, opaqueStore, close: () => void database.close() };
    },
    writeRaw(aggregateId, { version, data, ttl }) {
      new SqliteStore(raw);
      raw
        .prepare("INSERT INTO protosource_events (stream, version, data, ttl) VALUES (?, ?, ?, ?)")
        .run(aggregateId, version, data, ttl);
    },
  };

  const cases = runnableCases(storeConformance, harness);
  for (const { name, run } of cases) test(name, run);
  afterAll(() =>
    console.info(`SqliteStore on ${name}: ${cases.length} of ${storeConformance.length} conformance cases`),
  );
});
