/** The two tables as `ensureTables` makes them, for those who make tables by a template. */
import type { CreateTableCommandInput, KeySchemaElement } from "@aws-sdk/client-dynamodb";
import type { DynamoDBLocation } from "../store-url.js";

/** A table, and what is set once it exists. */
export interface TableTemplate {
  /** What the template calls it. */
  readonly id: "Events" | "Aggregates";
  readonly input: CreateTableCommandInput;
  readonly ttlAttribute: string;
}

/** Gives both tables under the names that a store says. */
export async function tableTemplates(location: DynamoDBLocation): Promise<readonly TableTemplate[]> {
  const { aggregatesTable, eventsTable, TTL_ATTRIBUTE } = await import("protosource-es/dynamodb");
  return [
    { id: "Events", input: eventsTable(location.eventsTable), ttlAttribute: TTL_ATTRIBUTE },
    { id: "Aggregates", input: aggregatesTable(location.aggregatesTable), ttlAttribute: TTL_ATTRIBUTE },
  ];
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
