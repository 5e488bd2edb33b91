/** event-store-adapter-js: each event in a transaction of its own with the aggregate's row, reads through an index. */
import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Contender } from "../contender.js";
import { type PlainEvent, plainEvent } from "../sample.js";
import { requirePeer } from "./installed.js";

interface AggregateId {
  readonly typeName: string;
  readonly value: string;
  asString(): string;
}

interface StoredEvent extends PlainEvent {
  readonly typeName: string;
  readonly id: string;
  readonly aggregateId: AggregateId;
  readonly sequenceNumber: number;
  readonly occurredAt: Date;
  readonly isCreated: boolean;
}

interface EventStore {
  persistEvent(event: StoredEvent, version: number): Promise<void>;
  persistEventAndSnapshot(event: StoredEvent, aggregate: object): Promise<void>;
  getEventsByIdSinceSequenceNumber(id: AggregateId, sequenceNumber: number): Promise<readonly StoredEvent[]>;
}

/** Makes a store with tables of its own. */
export async function createEventStoreAdapter(client: DynamoDBClient, table: string): Promise<Contender> {
  const snapshots = `${table}-snapshots`;
  for (const name of [table, snapshots]) {
    await client.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [
          { AttributeName: "pkey", KeyType: "HASH" },
          { AttributeName: "skey", KeyType: "RANGE" },
        ],
        AttributeDefinitions: [
          { AttributeName: "pkey", AttributeType: "S" },
          { AttributeName: "skey", AttributeType: "S" },
          { AttributeName: "aid", AttributeType: "S" },
          { AttributeName: "seq_nr", AttributeType: "N" },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: "aid-index",
            KeySchema: [
              { AttributeName: "aid", KeyType: "HASH" },
              { AttributeName: "seq_nr", KeyType: "RANGE" },
            ],
            Projection: { ProjectionType: "ALL" },
          },
        ],
      }),
    );
  }
  const { EventStoreFactory } = requirePeer<{
    readonly EventStoreFactory: { ofDynamoDB(...args: unknown[]): EventStore };
  }>("event-store-adapter-js");
  const fromJson = (json: { readonly data: unknown }): unknown => json.data;
  const store = EventStoreFactory.ofDynamoDB(
    ...[client, table, snapshots, "aid-index", "aid-index", 64, fromJson, fromJson],
  );
  const read = async (id: string, from: number): Promise<{ readonly count: number; readonly last: number }> => {
    const events = await store.getEventsByIdSinceSequenceNumber(aggregateIdOf(id), from);
    return { count: events.length, last: events.at(-1)?.sequenceNumber ?? 0 };
  };

  return {
    refuses: true,
    async append(id, from, events) {
      const aggregateId = aggregateIdOf(id);
      for (const [i, event] of events.entries()) {
        const sequenceNumber = from + i;
        const plain = plainEvent(event);
        const stored: StoredEvent = {
          ...plain,
          typeName: plain.type,
          id: `${id}-${sequenceNumber}`,
          aggregateId,
          sequenceNumber,
          occurredAt: new Date(plain.at),
          isCreated: sequenceNumber === 1,
        };
        if (sequenceNumber > 1) await store.persistEvent(stored, sequenceNumber - 1);
        else
          await store.persistEventAndSnapshot(stored, {
            id: aggregateId,
            typeName: "Order",
            sequenceNumber,
            version: 1,
          });
      }
    },
    loadEvents: (id) => read(id, 1),
    tail: (id, n, length) => read(id, length - n + 1),
  };
}

function aggregateIdOf(value: string): AggregateId {
  return { typeName: "Order", value, asString: () => `Order-${value}` };
}
