/** The tables as `ensureTables` makes them, for those who make tables by a template. */
import type { CreateTableCommandInput, KeySchemaElement } from "@aws-sdk/client-dynamodb";
import type { DynamoDBLocation } from "../store-url.js";

/** What a template says of itself. */
export const DESCRIPTION =
  "The tables of protosource: streams of events, rows with 20 indexes, what subscriptions keep, and keys of persons.";

/** A table, and what is set once it exists. */
export interface TableTemplate {
  /** What the template calls it. */
  readonly id: "Events" | "Aggregates" | "Feeds" | "Keys";
  readonly input: CreateTableCommandInput;
  /** The attribute that items expire by; undefined for the table of keys, in which nothing expires. */
  readonly ttlAttribute: string | undefined;
  /** Whether it can be restored to any second. The table of keys can't: that would bring back those that were erased. */
  readonly hasRecovery: boolean;
}

/** Gives the tables under the names that a store says. With a feeds table the events table has a stream. */
export async function tableTemplates(location: DynamoDBLocation): Promise<readonly TableTemplate[]> {
  const { aggregatesTable, eventsTable, feedsTable, keysTable, TTL_ATTRIBUTE } = await import(
    "protosource-es/dynamodb"
  );
  const stream = location.feedsTable !== undefined;
  const settings = { ttlAttribute: TTL_ATTRIBUTE, hasRecovery: true };
  const tables: TableTemplate[] = [
    { id: "Events", input: eventsTable(location.eventsTable, { stream }), ...settings },
    { id: "Aggregates", input: aggregatesTable(location.aggregatesTable), ...settings },
  ];
  if (location.feedsTable !== undefined) {
    tables.push({ id: "Feeds", input: feedsTable(location.feedsTable), ...settings });
  }
  if (location.keysTable !== undefined) {
    tables.push({ id: "Keys", input: keysTable(location.keysTable), ttlAttribute: undefined, hasRecovery: false });
  }
  return tables;
}

/** The keys of a table or an index. */
export interface Keys {
  readonly hash: string;
  readonly range: string | undefined;
}

/** Gives the names of the keys. */
export function keysOf(schema: readonly KeySchemaElement[] = []): Keys {
  const nameOf = (type: string): string | undefined => schema.find(({ KeyType }) => KeyType === type)?.AttributeName;
  return { hash: nameOf("HASH") ?? "", range: nameOf("RANGE") };
}

/** Gives the type of an attribute, such as `S`. */
export function typeOf({ AttributeDefinitions = [] }: CreateTableCommandInput, name: string): string {
  return AttributeDefinitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType ?? "";
}
