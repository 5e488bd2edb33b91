/** What a test needs to run on real engines; Vitest's project "engines" has started them. */
import { randomUUID } from "node:crypto";
import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreams } from "@aws-sdk/client-dynamodb-streams";
import { type EngineName, engineClient } from "@protosource-es/engines";
import type {} from "@protosource-es/engines/global-setup";
import {
  type AggregatesTableName,
  aggregatesTableName,
  type EventsTableName,
  ensureTables,
  eventsTableName,
} from "protosource-es/dynamodb";
import { type FaultProxy, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, beforeEach, inject } from "vitest";

/** An engine that is running. */
export interface TestEngine {
  readonly name: EngineName;
  readonly endpoint: string;
  /** Makes a client of the engine. The test destroys it. */
  client(config?: Partial<DynamoDBClientConfig>): DynamoDBClient;
}

/** The engines that every promise about DynamoDB is tested on. */
export const engines: readonly TestEngine[] = inject("engines").map(({ name, endpoint }) => ({
  name,
  endpoint,
  client: (config) => engineClient(endpoint, config),
}));

/** The names of a pair of tables. */
export interface TestTables {
  readonly eventsTable: EventsTableName;
  readonly aggregatesTable: AggregatesTableName;
}

/** Makes a client of an engine's streams. The test destroys it. */
export function streamsClient(endpoint: string): DynamoDBStreams {
  return new DynamoDBStreams({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  });
}

/** Names a pair of tables that no other test uses. It doesn't make them. */
export function freshTables(): TestTables {
  const suffix = randomUUID();
  return {
    eventsTable: eventsTableName(`events-${suffix}`),
    aggregatesTable: aggregatesTableName(`aggregates-${suffix}`),
  };
}

/** An engine with fresh tables, and a proxy before it that lets requests pass unless a test decides otherwise. */
export interface ProxiedEngine extends TestTables {
  readonly proxy: FaultProxy;
  /** A client through the proxy. */
  readonly client: DynamoDBClient;
  /** A client past the proxy. */
  readonly direct: DynamoDBClient;
}

/** Puts a proxy before an engine for the tests of one `describe`, whose function awaits it before it lists them. */
export async function behindProxy(engine: TestEngine): Promise<ProxiedEngine> {
  const tables = freshTables();
  const proxy = await startFaultProxy(engine.endpoint);
  const client = engineClient(proxy.endpoint);
  const direct = engine.client();
  beforeAll(async () => {
    await ensureTables(direct, tables);
  });
  afterAll(async () => {
    client.destroy();
    direct.destroy();
    await proxy.close();
  });
  beforeEach(() => {
    proxy.decide(() => "pass");
  });
  return { ...tables, proxy, client, direct };
}
