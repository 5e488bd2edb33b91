import { type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { EngineName } from "@protosource-es/engines";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { runnableCases, type StoreHarness, storeConformance } from "protosource-es/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import { engines, freshTables } from "../engines.js";

/** Where an engine differs from the service. */
const KNOWN_FAILURES: Readonly<Record<EngineName, Readonly<Record<string, string>>>> = {
  "dynamodb-local": {},
  dynoxide: {
    "rows: begins_with and eq tell upper case from lower case": "its begins_with takes upper and lower case for equal",
  },
};

describe.each(engines)("DynamoDBStore on $name", (engine) => {
  const { eventsTable, aggregatesTable } = freshTables();
  let client: DynamoDBClient;
  beforeAll(async () => {
    client = engine.client();
    await ensureTables(client, { eventsTable, aggregatesTable });
  });
  afterAll(() => client.destroy());

  const harness: StoreHarness = {
    capabilities: [
      "tail",
      "opaque-store",
      "aggregates",
      "optional-opaque-store",
      "transactions",
      "scan",
      "transaction-limit",
      "item-limit",
      "batched-saves",
      "finds-gaps-on-read",
      "raw-records",
    ],
    knownFailures: KNOWN_FAILURES[engine.name],
    open({ clock, ttlSeconds, withoutOpaqueStore }) {
      if (withoutOpaqueStore) return { store: new DynamoDBStore(client, { clock, ttlSeconds, eventsTable }) };
      const opaqueStore = new DynamoDBOpaqueStore(client, { clock, table: aggregatesTable });
      return { store: new DynamoDBStore(client, { clock, ttlSeconds, eventsTable, opaqueStore }), opaqueStore };
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
    console.info(`DynamoDBStore on ${engine.name}: ${cases.length} of ${storeConformance.length} conformance cases`),
  );
});
