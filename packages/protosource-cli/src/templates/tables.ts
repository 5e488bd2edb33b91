/** The tables as `ensureTables` makes them, for those who make tables by a template. */
import type { CreateTableCommandInput, KeySchemaElement } from "@aws-sdk/client-dynamodb";
import type { DynamoDBLocation } from "../store-url.js";

/** What a template says of itself. */
export const DESCRIPTION =
  "The tables of protosource: streams of events, rows with 20 indexes, and what subscriptions keep.";

/** A table, and what is set once it exists. */
export interface TableTemplate {
  /** What the template calls it. */
  readonly id: "Events" | "Aggregates" | "Feeds";
  readonly input: CreateTableCommandInput;
  readonly ttlAttribute: string;
}

/** Gives the tables under the names that a store says. With a feeds table the events table has a stream. */
export async function tableTemplates(location: DynamoDBLocation): Promise<readonly TableTemplate[]> {
  const { aggregatesTable, eventsTable, feedsTable, TTL_ATTRIBUTE } = await import("protosource-es/dynamodb");
  const stream = location.feedsTable !== undefined;
  const inputs: Pick<TableTemplate, "id" | "input">[] = [
    { id: "Events", input: eventsTable(location.eventsTable, { stream }) },
    { id: "Aggregates", input: aggregatesTable(location.aggregatesTable) },
  ];
  if (location.feedsTable !== undefined) inputs.push({ id: "Feeds", input: feedsTable(location.feedsTable) });
  return inputs.map((input) => ({ ...input, ttlAttribute: TTL_ATTRIBUTE }));
}

/** The two keys of a table or an index. */
export interface Keys {
  readonly hash: string;
  readonly range: string;
}

/** Gives the names of the two keys. */
export function keysOf(schema: readonly KeySchemaElement[] = []): Keys {
  const nameOf = (type: string): string => schema.find(({ KeyType }) => KeyType === type)?.AttributeName ?? "";
  return { hash: nameOf("HASH"), range: nameOf("RANGE") };
}

/** Gives the type of an attribute, such as `S`. */
export function typeOf({ AttributeDefinitions = [] }: CreateTableCommandInput, name: string): string {
  return AttributeDefinitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType ?? "";
}
