import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { expect, test } from "vitest";
import { randomNumbers } from "../../soak/random.js";
import { randomRun, withFaults } from "../../subscriptions/random-run.js";
import { seeds } from "../../subscriptions/seeds.js";

test.each(seeds(20))("rows equal the fold of all streams, seed %i", async (seed) => {
  const random = randomNumbers(seed);
  const opaqueStore = new MemoryOpaqueStore();
  const store = new MemoryStore({ opaqueStore });
  let isFaulty = true;
  const report = await randomRun({
    random,
    store,
    opaqueStore,
    faulty: withFaults(store, random, () => isFaulty),
    faultyRows: withFaults(opaqueStore, random, () => isFaulty),
    heal: () => {
      isFaulty = false;
    },
    streams: 30,
    workers: 3,
  });
  expect(report.found).toEqual(report.expected);
  expect(report.counts.get("parked")).toBeUndefined();
});
