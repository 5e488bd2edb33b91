/** Castore's adapter for DynamoDB, the one of a single table. */
import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Contender } from "../contender.js";
import { plainEvent } from "../sample.js";
import { requirePeer } from "./installed.js";

interface EventDetail {
  readonly aggregateId: string;
  readonly version: number;
  readonly type: string;
  readonly timestamp: string;
  readonly payload: unknown;
}

interface Adapter {
  pushEvent(event: EventDetail, options: { readonly eventStoreId: string }): Promise<unknown>;
  groupEvent(event: EventDetail): { context?: { readonly eventStoreId: string } };
  pushEventGroup(options: object, ...events: unknown[]): Promise<unknown>;
  getEvents(
    aggregateId: string,
    context: { readonly eventStoreId: string },
    options?: { readonly minVersion?: number },
  ): Promise<{ readonly events: readonly EventDetail[] }>;
}

const CONTEXT = { eventStoreId: "ORDER" };

/** Makes an adapter with a table of its own. */
export async function createCastore(client: DynamoDBClient, table: string): Promise<Contender> {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "aggregateId", KeyType: "HASH" },
        { AttributeName: "version", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "aggregateId", AttributeType: "S" },
        { AttributeName: "version", AttributeType: "N" },
        { AttributeName: "eventStoreId", AttributeType: "S" },
        { AttributeName: "timestamp", AttributeType: "S" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "initialEvents",
          KeySchema: [
            { AttributeName: "eventStoreId", KeyType: "HASH" },
            { AttributeName: "timestamp", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
    }),
  );
  const { DynamoDBSingleTableEventStorageAdapter } = requirePeer<{
    readonly DynamoDBSingleTableEventStorageAdapter: new (options: object) => Adapter;
  }>("@castore/event-storage-adapter-dynamodb");
  const adapter = new DynamoDBSingleTableEventStorageAdapter({ tableName: table, dynamoDBClient: client });

  return {
    refuses: true,
    async append(aggregateId, from, events) {
      const details = events.map((event, i): EventDetail => {
        const { type, at, payload } = plainEvent(event);
        return { aggregateId, version: from + i, type, timestamp: at, payload };
      });
      const [first, ...others] = details;
      if (first && others.length === 0) {
        await adapter.pushEvent(first, CONTEXT);
        return;
      }
      for (let start = 0; start < details.length; start += 100) {
        const group = details.slice(start, start + 100).map((detail) => {
          const grouped = adapter.groupEvent(detail);
          grouped.context = CONTEXT;
          return grouped;
        });
        await adapter.pushEventGroup({}, ...group);
      }
    },
    async loadEvents(aggregateId) {
      const { events } = await adapter.getEvents(aggregateId, CONTEXT);
      return { count: events.length, last: events.at(-1)?.version ?? 0 };
    },
    async tail(aggregateId, n, length) {
      const { events } = await adapter.getEvents(aggregateId, CONTEXT, { minVersion: length - n + 1 });
      return { count: events.length, last: events.at(-1)?.version ?? 0 };
    },
  };
}
