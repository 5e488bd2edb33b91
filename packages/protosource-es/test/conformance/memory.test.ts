import {
  type MemoryClaims,
  MemoryOpaqueStore,
  type MemoryPositions,
  type MemoryRows,
  MemoryStore,
  type MemoryStreams,
} from "protosource-es/memory";
import { runnableCases, type StoreHarness, storeConformance } from "protosource-es/testing";
import { afterAll, describe, test } from "vitest";

const streams: MemoryStreams = new Map();
const rows: MemoryRows = new Map();
const claims: MemoryClaims = new Map();
const positions: MemoryPositions = { positions: new Map(), marks: new Map() };

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
    const opaqueStore = new MemoryOpaqueStore({ clock, rows });
    return { store: new MemoryStore({ clock, ttlSeconds, streams, claims, positions, opaqueStore }), opaqueStore };
  },
  writeRaw(aggregateId, record) {
    const stream = streams.get(aggregateId) ?? new Map();
    streams.set(aggregateId, stream.set(record.version, { record, commitId: "" }));
  },
};

describe("MemoryStore", () => {
  const cases = runnableCases(storeConformance, harness);
  for (const { name, run } of cases) test(name, run);
  afterAll(() => console.info(`MemoryStore: ${cases.length} of ${storeConformance.length} conformance cases`));
});
