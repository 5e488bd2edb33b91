/** What the tables look like. */
import type { CreateTableCommandInput, GlobalSecondaryIndex } from "@aws-sdk/client-dynamodb";
import { GSI_NUMBERS, indexAttributes, KEY_ATTRIBUTES } from "../opaquedata/key-attribute.js";
import type { GsiNumber } from "../opaquedata/opaque-store.js";
import { indexName } from "./requests.js";

/** The attribute of each table that holds the expiry, in epoch seconds. */
export const TTL_ATTRIBUTE = "t";

export interface EventsTableOptions {
  /** Whether the table has a stream, which subscriptions follow. Off by default. */
  readonly stream?: boolean | undefined;
}

/** The events table: an item for each record, under its stream and version. */
export function eventsTable(name: string, { stream = false }: EventsTableOptions = {}): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    DeletionProtectionEnabled: true,
    KeySchema: [
      { AttributeName: "a", KeyType: "HASH" },
      { AttributeName: "v", KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: "a", AttributeType: "S" },
      { AttributeName: "v", AttributeType: "N" },
    ],
    ...(stream && { StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" } }),
  };
}

/** The feeds table: an item for each thing that subscriptions keep, such as how far one has come in a stream. */
export function feedsTable(name: string): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    DeletionProtectionEnabled: true,
    KeySchema: [
      { AttributeName: "k", KeyType: "HASH" },
      { AttributeName: "s", KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: "k", AttributeType: "S" },
      { AttributeName: "s", AttributeType: "S" },
    ],
  };
}

/** The table of keys: an item for each person of whom something is sealed. */
export function keysTable(name: string): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    DeletionProtectionEnabled: true,
    KeySchema: [{ AttributeName: "k", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "k", AttributeType: "S" }],
  };
}

/** Tells whether a table is one of keys: it has no TTL, and must have no recovery. */
export function isKeysTable({ KeySchema = [] }: Pick<CreateTableCommandInput, "KeySchema">): boolean {
  return KeySchema.length === 1 && KeySchema[0]?.AttributeName === "k";
}

/** The aggregates table: an item for each row, in up to 20 indexes. An index without rows costs nothing. */
export function aggregatesTable(name: string): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    DeletionProtectionEnabled: true,
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ],
    AttributeDefinitions: KEY_ATTRIBUTES.map((key) => ({ AttributeName: key, AttributeType: "S" })),
    GlobalSecondaryIndexes: GSI_NUMBERS.map(aggregatesIndex),
  };
}

function aggregatesIndex(index: GsiNumber): GlobalSecondaryIndex {
  const [pk, sk] = indexAttributes(index);
  return {
    IndexName: indexName(index),
    KeySchema: [
      { AttributeName: pk, KeyType: "HASH" },
      { AttributeName: sk, KeyType: "RANGE" },
    ],
    Projection: { ProjectionType: "ALL" },
  };
}
