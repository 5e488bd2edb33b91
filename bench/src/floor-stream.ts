/** A stream as one would write and read it by hand with the SDK's commands, whatever its events are stored as. */
import {
  type AttributeValue,
  type DynamoDBClient,
  type Put,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import type { OrderEvent } from "../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import type { Contender } from "./contender.js";
import { STREAM_PREFIX } from "./sample.js";

export type Item = Record<string, AttributeValue>;

/** The part of a stream that is read: all of it by default. */
export type QueryRange = Pick<QueryCommandInput, "ScanIndexForward" | "Limit">;

/** Puts, appends and queries of a floor. */
export interface FloorStream {
  /** Gives the conditional put of an event. */
  put(id: string, version: number, event: OrderEvent): Put;
  readonly append: Contender["append"];
  /** Reads items with `v`, the version, and `d`, the event. */
  query(id: string, range?: QueryRange): Promise<Item[]>;
}

/** Makes the stream of a floor. `store` gives the attribute that an event is stored as. */
export function floorStream(
  client: DynamoDBClient,
  table: string,
  store: (event: OrderEvent) => AttributeValue,
): FloorStream {
  const put = (id: string, version: number, event: OrderEvent): Put => ({
    TableName: table,
    Item: { a: { S: STREAM_PREFIX + id }, v: { N: String(version) }, d: store(event) },
    ConditionExpression: "attribute_not_exists(a)",
  });
  return {
    put,
    async append(id, from, events) {
      const [first, ...others] = events;
      if (first && others.length === 0) {
        await client.send(new PutItemCommand(put(id, from, first)));
        return;
      }
      for (let start = 0; start < events.length; start += 100) {
        const chunk = events.slice(start, start + 100);
        const TransactItems = chunk.map((event, i) => ({ Put: put(id, from + start + i, event) }));
        await client.send(new TransactWriteItemsCommand({ TransactItems }));
      }
    },
    async query(id, range = {}) {
      const items: Item[] = [];
      let startKey: Item | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: "a = :a",
            ExpressionAttributeValues: { ":a": { S: STREAM_PREFIX + id } },
            ProjectionExpression: "v, d",
            ConsistentRead: true,
            ExclusiveStartKey: startKey,
            ...range,
          }),
        );
        for (const item of page.Items ?? []) items.push(item);
        startKey = range.Limit === undefined ? page.LastEvaluatedKey : undefined;
      } while (startKey);
      return items;
    },
  };
}
