/** What happens to the tables of a soak beside its workers: the engine deletes what has expired. */
import { DeleteItemCommand, type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { Clock } from "protosource-es";
import { LIFE_IDS, LIFE_PREFIX } from "./lives.js";

/** Deletes items that have expired, each at some time or other, as a table with a time to live does. */
export async function deleteExpired(
  client: DynamoDBClient,
  tables: { readonly eventsTable: string; readonly aggregatesTable: string },
  clock: Clock,
  random: () => number,
): Promise<number> {
  const deleted = await Promise.all(
    LIFE_IDS.flatMap((id) => [
      deleteOf(client, tables.eventsTable, ["a", "v"], `${LIFE_PREFIX}${id}`, clock, random),
      deleteOf(client, tables.aggregatesTable, ["pk", "sk"], `${LIFE_PREFIX}test#id#${id}`, clock, random),
    ]),
  );
  return deleted.reduce((sum, count) => sum + count, 0);
}

async function deleteOf(
  client: DynamoDBClient,
  table: string,
  [hash, range]: readonly [string, string],
  key: string,
  clock: Clock,
  random: () => number,
): Promise<number> {
  const { Items: items = [] } = await client.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: "#k = :k",
      FilterExpression: "#t <= :now",
      ExpressionAttributeNames: { "#k": hash, "#t": "t" },
      ExpressionAttributeValues: { ":k": { S: key }, ":now": { N: String(clock.now() / 1_000_000n) } },
      ConsistentRead: true,
    }),
  );
  let deleted = 0;
  for (const item of items) {
    if (random() < 0.7) continue;
    const { [hash]: hashValue, [range]: rangeValue, t } = item;
    if (hashValue === undefined || rangeValue === undefined || t === undefined) continue;
    const request = new DeleteItemCommand({
      TableName: table,
      Key: { [hash]: hashValue, [range]: rangeValue },
      ConditionExpression: "#t = :t",
      ExpressionAttributeNames: { "#t": "t" },
      ExpressionAttributeValues: { ":t": t },
    });
    // Another life may be in its place by now.
    await client.send(request).then(
      () => deleted++,
      () => undefined,
    );
  }
  return deleted;
}
