/** The stores that the command is tested on: a file, and tables of the engines that Vitest has started. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { type EngineName, engineClient } from "@protosource-es/engines";
import type {} from "@protosource-es/engines/global-setup";
import {
  aggregatesTable as aggregatesTableInput,
  DynamoDBOpaqueStore,
  DynamoDBStore,
  ensureTables,
  eventsTable as eventsTableInput,
} from "protosource-es/dynamodb";
import { inject } from "vitest";
import { type GoldenItem, toItem } from "./golden.js";

/** The tables of a test on an engine. */
export interface TestTables {
  /** What the option --store takes. */
  readonly url: string;
  readonly client: DynamoDBClient;
  readonly eventsTable: string;
  readonly aggregatesTable: string;
  readonly store: DynamoDBStore;
  readonly opaqueStore: DynamoDBOpaqueStore;
  /** Puts an item as another program would. */
  putRaw(table: "events" | "aggregates", item: GoldenItem): Promise<void>;
}

/** The engines. */
export const engines: readonly { readonly name: EngineName; readonly endpoint: string }[] = inject("engines");

/** What tables a test needs. */
export interface FreshTables {
  readonly create?: boolean;
  readonly ttl?: boolean;
  readonly feeds?: boolean;
}

/**
 * Names tables that no other test uses, and makes them unless told otherwise. Without `ttl` the engine doesn't delete
 * what has expired: golden items expire on a real day. With `feeds` there is a table of subscriptions.
 */
export async function freshTables(
  endpoint: string,
  { create = true, ttl = true, feeds = false }: FreshTables = {},
): Promise<TestTables> {
  const suffix = randomUUID();
  const feedsTable = feeds ? `feeds-${suffix}` : undefined;
  const [eventsTable, aggregatesTable] = [`events-${suffix}`, `aggregates-${suffix}`];
  const client = engineClient(endpoint);
  if (create && ttl) await ensureTables(client, { eventsTable, aggregatesTable, feedsTable });
  if (create && !ttl) {
    for (const input of [eventsTableInput(eventsTable), aggregatesTableInput(aggregatesTable)]) {
      await client.send(new CreateTableCommand(input));
    }
  }
  const opaqueStore = new DynamoDBOpaqueStore(client, { table: aggregatesTable });
  const parameters = new URLSearchParams({
    region: "us-east-1",
    endpoint,
    events: eventsTable,
    aggregates: aggregatesTable,
    ...(feedsTable ? { feeds: feedsTable } : {}),
  });
  return {
    url: `dynamodb:?${parameters}`,
    client,
    eventsTable,
    aggregatesTable,
    store: new DynamoDBStore(client, { eventsTable, feedsTable, opaqueStore }),
    opaqueStore,
    async putRaw(table, item) {
      const TableName = table === "events" ? eventsTable : aggregatesTable;
      await client.send(new PutItemCommand({ TableName, Item: toItem(item) }));
    },
  };
}

/** Makes a folder that goes when it is disposed of. */
export function temporaryFolder(): { readonly path: (name: string) => string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "protosource-"));
  return { path: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
