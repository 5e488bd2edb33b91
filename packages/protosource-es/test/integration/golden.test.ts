/** Items that the Go code wrote: each is read as what it says, and the same records and aggregates make the same items. */
import { readFileSync } from "node:fs";
import { type AttributeValue, type DynamoDBClient, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { create, type DescMessage } from "@bufbuild/protobuf";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { autoPKSK, rehydrate } from "protosource-es/opaquedata";
import { type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engines, freshTables } from "../engines.js";
import { OrderSchema, OrderSummarySchema } from "../gen/example/app/order/v1/order_v1_pb.js";
import { TestSchema } from "../gen/example/app/test/v1/test_v1_pb.js";

type Item = Record<string, AttributeValue>;
type StoredItem = Record<string, { S?: string; N?: string; B?: string }>;
interface Golden {
  readonly events: readonly StoredItem[];
  readonly aggregates: readonly StoredItem[];
}

const cases = [
  { name: "order_v1", schemas: [OrderSchema, OrderSummarySchema] },
  { name: "test_v1", schemas: [TestSchema] },
  { name: "test_v1_jsonserializer", schemas: [TestSchema] },
] as const;

function golden(name: string): Golden {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8")) as Golden;
}

function toItem(stored: StoredItem): Item {
  return Object.fromEntries(
    Object.entries(stored).map(([name, { S, N, B }]) => [
      name,
      S !== undefined ? { S } : N !== undefined ? { N } : { B: new Uint8Array(Buffer.from(B ?? "", "base64")) },
    ]),
  );
}

function toRecord(item: Item): StoredRecord {
  return create(StoredRecordSchema, {
    version: BigInt(item["v"]?.N ?? 0),
    data: item["d"]?.B ?? new Uint8Array(),
    ttl: BigInt(item["t"]?.N ?? 0),
  });
}

function without(item: Item, ...names: readonly string[]): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)));
}

describe.each(engines)("golden items on $name", (engine) => {
  let client: DynamoDBClient;
  beforeAll(() => {
    client = engine.client();
  });
  afterAll(() => client.destroy());

  describe.each(cases)("$name", ({ name, schemas }) => {
    const { events, aggregates } = golden(name);
    const theirs = freshTables();
    const ours = freshTables();
    // The items' own day: their ttl has not passed.
    const now = BigInt(events[0]?.["t"]?.N ?? 1_795_351_177n) - 86_400n;
    const clock = { now: () => now * 1_000_000n };

    const storeOn = ({ eventsTable, aggregatesTable }: typeof theirs): DynamoDBStore =>
      new DynamoDBStore(client, {
        eventsTable,
        clock,
        opaqueStore: new DynamoDBOpaqueStore(client, { table: aggregatesTable, clock }),
      });
    const itemsOf = async (
      table: string,
      names: readonly [hash: string, value: string | undefined],
    ): Promise<Item[]> => {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: "#k = :k",
          ExpressionAttributeNames: { "#k": names[0] },
          ExpressionAttributeValues: { ":k": { S: names[1] ?? "" } },
        }),
      );
      return Items;
    };

    beforeAll(async () => {
      await ensureTables(client, theirs);
      await ensureTables(client, ours);
      for (const item of events) {
        await client.send(new PutItemCommand({ TableName: theirs.eventsTable, Item: toItem(item) }));
      }
      for (const item of aggregates) {
        await client.send(new PutItemCommand({ TableName: theirs.aggregatesTable, Item: toItem(item) }));
      }
    });

    it("loads the records that Go stored", async () => {
      const id = events[0]?.["a"]?.S ?? "";
      const { records } = await storeOn(theirs).load(id);
      expect(records).toEqual(events.map((item) => toRecord(toItem(item))));
      expect((await storeOn(theirs).loadTail(id, 3)).records).toEqual(records.slice(-3));
    });

    it("stores the same records as the same items", async () => {
      const id = events[0]?.["a"]?.S ?? "";
      await storeOn(ours).save(
        id,
        events.map((item) => toRecord(toItem(item))),
      );
      const stored = await itemsOf(ours.eventsTable, ["a", id]);
      expect(stored.map((item) => without(item, "c", "m"))).toEqual(events.map(toItem));
    });

    it("reads the rows that Go stored, and stores the same messages as the same rows", async () => {
      const opaqueStore = new DynamoDBOpaqueStore(client, { table: theirs.aggregatesTable, clock });
      for (const [i, stored] of aggregates.entries()) {
        const item = toItem(stored);
        const schema: DescMessage | undefined = schemas[i];
        const row = await opaqueStore.get({ pk: item["pk"]?.S ?? "", sk: item["sk"]?.S ?? "" });
        if (!schema || !row) throw new Error(`no row ${i}`);
        const message = rehydrate(schema, row);
        expect(autoPKSK(schema).pk(message)).toBe(item["pk"]?.S);
        const outcome = await storeOn(ours).saveAggregate(schema, message);
        expect(outcome).toEqual({ written: true });
        const [again] = (await itemsOf(ours.aggregatesTable, ["pk", item["pk"]?.S])).filter(
          ({ sk }) => sk?.S === item["sk"]?.S,
        );
        const body =
          (await new DynamoDBOpaqueStore(client, { table: ours.aggregatesTable, clock }).get({
            pk: item["pk"]?.S ?? "",
            sk: item["sk"]?.S ?? "",
          })) ?? row;
        // Gzip writers differ in their bytes: what they inflate to must be equal.
        expect(without(again ?? {}, "version", "body")).toEqual(without(item, "body"));
        expect(rehydrate(schema, body)).toEqual(message);
      }
    });
  });
});
