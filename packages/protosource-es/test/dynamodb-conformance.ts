/** The conformance cases on an engine of DynamoDB: each layout, on the fast path and by the plain commands. */
import { randomUUID } from "node:crypto";
import { type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { EngineName } from "@protosource-es/engines";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { type Capability, runnableCases, type StoreHarness, storeConformance } from "protosource-es/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import { engines, freshTables, type TestEngine } from "./engines.js";

/** What the layouts can and can't: many records in one item are all stored or none, and together they are short. */
const CAPABILITIES: Readonly<Record<"compatible" | "packed", readonly Capability[]>> = {
  compatible: ["transaction-limit", "item-limit", "batched-saves", "finds-gaps-on-read"],
  packed: ["refuses-gaps"],
};

const LONE_RECORD = "a lone record beyond the end is taken for the end, and named by the first version of the save";

/** Where an engine differs from the service, and the packed layout from what it can't know. */
const KNOWN_FAILURES: Readonly<Record<EngineName | "packed", Readonly<Record<string, string>>>> = {
  "dynamodb-local": {},
  dynoxide: {
    "rows: begins_with and eq tell upper case from lower case": "its begins_with takes upper and lower case for equal",
  },
  packed: {
    "store: a conflict in the middle of a save stores none of its records": LONE_RECORD,
    "store: a conflict at the last record of a save stores none of its records": LONE_RECORD,
  },
};

const variants = (["compatible", "packed"] as const).flatMap((layout) =>
  [true, false].map((fastPath) => ({
    layout,
    fastPath,
    name: `${layout}${fastPath ? "" : ", with the SDK's plain commands"}`,
  })),
);

/** Holds the store on an engine to all cases. Each engine has a test file of its own, so that they run at once. */
export function testConformance(engineName: EngineName): void {
  const engine = engines.find(({ name }) => name === engineName) as TestEngine;
  describe.each(variants)(`DynamoDBStore on ${engineName}, $name`, (variant) => conform(engine, variant));
}

function conform(engine: TestEngine, { layout, fastPath, name: title }: (typeof variants)[number]): void {
  const { eventsTable, aggregatesTable } = freshTables();
  const feedsTable = `feeds-${randomUUID()}`;
  let client: DynamoDBClient;
  beforeAll(async () => {
    client = engine.client();
    await ensureTables(client, { eventsTable, aggregatesTable, feedsTable });
  });
  afterAll(() => client.destroy());

  const harness: StoreHarness = {
    capabilities: [
      "tail",
      "events",
      "opaque-store",
      "aggregates",
      "optional-opaque-store",
      "transactions",
      "checks",
      "claims",
      "claim-scan",
      "scan",
      "positions",
      "restore",
      "trim",
      "raw-records",
      ...CAPABILITIES[layout],
    ],
    knownFailures: { ...KNOWN_FAILURES[engine.name], ...(layout === "packed" ? KNOWN_FAILURES.packed : {}) },
    open({ clock, ttlSeconds, withoutOpaqueStore }) {
      const options = { clock, ttlSeconds, eventsTable, feedsTable, layout, fastPath };
      if (withoutOpaqueStore) return { store: new DynamoDBStore(client, options) };
      const opaqueStore = new DynamoDBOpaqueStore(client, { clock, table: aggregatesTable, fastPath });
      return { store: new DynamoDBStore(client, { ...options, opaqueStore }), opaqueStore };
    },
    async writeRaw(aggregateId, { version, data, ttl }) {
      await client.send(
        new PutItemCommand({
          TableName: eventsTable,
          Item: {
            a: { S: aggregateId },
            v: { N: String(version) },
            d: { B: data },
            ...(ttl > 0n ? { t: { N: String(ttl) } } : {}),
          },
        }),
      );
    },
  };

  const cases = runnableCases(storeConformance, harness);
  for (const { name, run } of cases) test(name, run);
  afterAll(() =>
    console.info(`${engine.name}, ${title}: ${cases.length} of ${storeConformance.length} conformance cases`),
  );
}
