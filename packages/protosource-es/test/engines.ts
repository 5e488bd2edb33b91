/** What a test needs to run on real engines; Vitest's project "engines" has started them. */
import { randomUUID } from "node:crypto";
import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { type EngineName, engineClient } from "@protosource-es/engines";
import type {} from "@protosource-es/engines/global-setup";
import {
  type AggregatesTableName,
  aggregatesTableName,
  type EventsTableName,
  eventsTableName,
} from "protosource-es/dynamodb";
import { inject } from "vitest";

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

/** Names a pair of tables that no other test uses. It doesn't make them. */
export function freshTables(): {
  readonly eventsTable: EventsTableName;
  readonly aggregatesTable: AggregatesTableName;
} {
  const suffix = randomUUID();
  return {
    eventsTable: eventsTableName(`events-${suffix}`),
    aggregatesTable: aggregatesTableName(`aggregates-${suffix}`),
  };
}
