/** The second floor: what one would write by hand with the SDK's commands without protobuf, a JSON text an event. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ensureTables } from "protosource-es/dynamodb";
import type { Answer, Contender } from "./contender.js";
import { floorStream, type Item } from "./floor-stream.js";
import { type PlainEvent, plainEvent } from "./sample.js";

/** Makes a floor of JSON with tables of its own. */
export async function createJsonFloor(client: DynamoDBClient, table: string): Promise<Contender> {
  await ensureTables(client, { eventsTable: table, aggregatesTable: `${table}-rows` });
  const { append, query } = floorStream(client, table, (event) => ({ S: JSON.stringify(plainEvent(event)) }));
  return {
    refuses: true,
    append,
    loadEvents: async (id) => answer(await query(id)),
    tail: async (id, n) => answer((await query(id, { ScanIndexForward: false, Limit: n })).reverse()),
  };
}

function answer(items: readonly Item[]): Answer {
  const events = items.map((item): PlainEvent => JSON.parse(item["d"]?.S ?? "null"));
  return { count: events.length, last: events.at(-1)?.version ?? 0 };
}
