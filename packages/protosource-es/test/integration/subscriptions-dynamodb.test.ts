/** Subscriptions that follow a table's stream: by a worker, and as a function that a mapping calls. */
import { randomUUID } from "node:crypto";
import { DeleteItemCommand, type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBStreams } from "@aws-sdk/client-dynamodb-streams";
import { engineClient } from "@protosource-es/engines";
import { Repository } from "protosource-es";
import {
  DynamoDBOpaqueStore,
  DynamoDBStore,
  dynamoDBStream,
  ensureTables,
  type LambdaEvent,
  lambdaHandler,
} from "protosource-es/dynamodb";
import { queryClient } from "protosource-es/opaquedata";
import { defineHandler, type Happening, modelRows, on, Subscriptions } from "protosource-es/subscriptions";
import {
  FAULT_KINDS,
  type FaultProxy,
  type MappedRecord,
  randomFaults,
  runMapping,
  startFaultProxy,
} from "protosource-es/testing/faults";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { engines, freshTables, streamsClient } from "../engines.js";
import { orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { CustomerSalesSchema } from "../gen/example/app/sales/v1/sales_v1_pb.js";
import { order } from "../order.js";
import { orderEvent, recordOf, sales } from "../subscriptions/sales.js";

const ORDERS = 12;
const ITEMS = 3;
const CUSTOMERS = ["c1", "c2", "c3"];

/** What the stream itself may do; the other requests have tests of their own. */
const STREAM_FAULTS = FAULT_KINDS.filter((kind) => /records|iterator|throttling|500 before|reset/.test(kind));

describe.each(engines)("subscriptions on the stream of $name", (engine) => {
  let direct: DynamoDBClient;
  let client: DynamoDBClient;
  let streams: DynamoDBStreams;
  let proxy: FaultProxy;
  let streamProxy: FaultProxy;
  let table: string;
  let store: DynamoDBStore;
  let counted: DynamoDBStore;
  let countedRows: DynamoDBOpaqueStore;
  let opaqueStore: DynamoDBOpaqueStore;

  beforeAll(async () => {
    direct = engine.client();
    proxy = await startFaultProxy(engine.endpoint);
    streamProxy = await startFaultProxy(engine.endpoint);
    client = engineClient(proxy.endpoint);
    streams = streamsClient(streamProxy.endpoint);
  });
  afterAll(async () => {
    for (const one of [direct, client, streams]) one.destroy();
    await proxy.close();
    await streamProxy.close();
  });
  beforeEach(async () => {
    const names = { ...freshTables(), feedsTable: `feeds-${randomUUID()}` };
    const { eventsTable, feedsTable } = names;
    table = eventsTable;
    await ensureTables(direct, names);
    opaqueStore = new DynamoDBOpaqueStore(direct, { table: names.aggregatesTable });
    store = new DynamoDBStore(direct, { eventsTable, feedsTable, opaqueStore });
    countedRows = new DynamoDBOpaqueStore(client, { table: names.aggregatesTable });
    counted = new DynamoDBStore(client, { eventsTable, feedsTable, opaqueStore: countedRows });
    streamProxy.decide(() => "pass");
  });

  const streamId = (order: number): string => `example_app_order_v1#o${order}`;
  const saveOrder = async (order: number): Promise<void> => {
    const id = `o${order}`;
    const customerId = CUSTOMERS[order % CUSTOMERS.length];
    await store.save(streamId(order), [recordOf(orderEvent("Created", id, 1n, { customerId }), 1n)]);
    for (let version = 2n; version <= BigInt(ITEMS + 1); version++) {
      const item = orderEvent("ItemAdded", id, version, { item: { priceCents: 10n } });
      await store.save(streamId(order), [recordOf(item, version)]);
    }
  };
  const rowsNow = () => {
    const rows = queryClient(CustomerSalesSchema, modelRows(opaqueStore, "sales@1"));
    return Promise.all(CUSTOMERS.map(async (customer) => (await rows.get(customer))?.items ?? 0n));
  };
  const complete = CUSTOMERS.map(() => BigInt((ORDERS / CUSTOMERS.length) * ITEMS));

  /** Runs a worker until the rows are as they must be. */
  const runUntilComplete = async (subscriptions: Subscriptions): Promise<void> => {
    const end = new AbortController();
    const running = subscriptions.run({ source: dynamoDBStream(streams, { table, idleMs: 20 }), signal: end.signal });
    for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
      if (`${await rowsNow()}` === `${complete}`) break;
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 100)), running]);
    }
    end.abort();
    await running;
    expect(await rowsNow()).toEqual(complete);
  };

  it("brings each event once to a worker, whatever the stream doubles, loses by trimming, and brings in disorder", async () => {
    const seed = 7;
    // What is lost without a word is found by the next event of its stream, or by catchUp only.
    const kinds = STREAM_FAULTS.filter((kind) => kind !== "lost records");
    streamProxy.decide(randomFaults({ seed, rate: 0.3, kinds }).fateOf);
    const saved = Promise.all(Array.from({ length: ORDERS }, (_, order) => saveOrder(order)));
    await runUntilComplete(new Subscriptions({ store, opaqueStore, all: [sales()] }));
    await saved;
  });

  it("lets two workers share one stream", async () => {
    await Promise.all(Array.from({ length: ORDERS }, (_, order) => saveOrder(order)));
    const [one, two] = [1, 2].map(() => new Subscriptions({ store, opaqueStore, all: [sales()] }));
    await Promise.all([one, two].map((subscriptions) => subscriptions && runUntilComplete(subscriptions)));
  });

  it("brings each event once through a mapping, in lanes, in disorder, and again; catchUp finds what was thrown away", async () => {
    await Promise.all(Array.from({ length: ORDERS }, (_, order) => saveOrder(order)));
    const records = await recordsOf(streams, table);
    expect(records.length).toBe(ORDERS * (ITEMS + 1));
    const subscriptions = new Subscriptions({ store, opaqueStore, all: [sales()] });
    const handler = lambdaHandler(subscriptions);
    let calls = 0;
    const failing: typeof handler = (event, context) =>
      ++calls % 4 === 0 ? Promise.reject(new Error("out of memory")) : handler(event, context);
    const options = { seed: 3, lanes: 4, batchSize: 5, redelivered: 0.3, shuffled: 0.5, maximumRetryAttempts: 1 };
    await runMapping(records, (event, context) => failing(event as LambdaEvent, context), options);
    await subscriptions.catchUp();
    expect(await rowsNow()).toEqual(complete);
  });

  it("reads no event that the stream brought", async () => {
    await saveOrder(0);
    const records = await recordsOf(streams, table);
    const happened: Happening[] = [];
    const observe = (one: Happening): void => void happened.push(one);
    const subscriptions = new Subscriptions({ store: counted, opaqueStore: countedRows, all: [sales()], observe });
    const before = proxy.requests.length;
    await runMapping(records, (event, context) => lambdaHandler(subscriptions)(event as LambdaEvent, context));
    const made = proxy.requests.slice(before);
    expect(made.filter(({ operation }) => operation === "Query")).toEqual([]);
    // The position and the row are read once, and both are written in one transaction.
    expect(made.map(({ operation }) => operation).toSorted()).toEqual(["GetItem", "GetItem", "TransactWriteItems"]);
    expect(happened.map(({ kind }) => kind)).toEqual(["applied"]);
  });

  it("parks a stream that was cut within a transaction, and one with an item of others, and no other", async () => {
    for (const [order, length] of [
      [0, 4],
      [1, 2],
      [2, 3],
    ] as const) {
      const items = Array.from({ length: length - 1 }, (_, i) => BigInt(i + 2)).map((version) =>
        recordOf(orderEvent("ItemAdded", `o${order}`, version, { item: { priceCents: 10n } }), version),
      );
      const created = recordOf(orderEvent("Created", `o${order}`, 1n, { customerId: `c${order + 1}` }), 1n);
      await store.save(streamId(order), [created, ...items]);
    }
    for (const v of ["3", "4"]) {
      const Key = { a: { S: streamId(0) }, v: { N: v } };
      await direct.send(new DeleteItemCommand({ TableName: table, Key }));
    }
    const foreign = { a: { S: streamId(1) }, v: { N: "3" } };
    await direct.send(new PutItemCommand({ TableName: table, Item: { ...foreign, note: { S: "not ours" } } }));
    const subscriptions = new Subscriptions({ store, opaqueStore, all: [sales()] });
    const bells = [0, 1, 2].map((order) => ({ streamId: streamId(order), version: 3n, kind: "saved" }) as const);
    expect(await subscriptions.deliver(bells)).toMatchObject({ parked: 2, failures: [] });
    // What lies before the damage is handled.
    expect(await rowsNow()).toEqual([1n, 1n, 2n]);
    const parked = [];
    for await (const { streamId, version, parked: why } of subscriptions.parked()) {
      parked.push([streamId, version, why?.version, why?.error]);
    }
    expect(parked.toSorted()).toEqual([
      [streamId(0), 2n, 3n, expect.stringMatching(/corrupt_stream/)],
      [streamId(1), 2n, 3n, expect.stringMatching(/corrupt_record/)],
    ]);
    await direct.send(new DeleteItemCommand({ TableName: table, Key: foreign }));
    const item = orderEvent("ItemAdded", "o1", 3n, { item: { priceCents: 10n } });
    await store.save(streamId(1), [recordOf(item, 3n)]);
    await subscriptions.release({ subscription: "sales@1", streamId: streamId(1) });
    expect(await rowsNow()).toEqual([1n, 2n, 2n]);
  });

  it("says that the table of positions is missing, or not allowed, and stores nothing", async () => {
    await saveOrder(0);
    const feedsTable = `feeds-${randomUUID()}`;
    const without = new DynamoDBStore(client, { eventsTable: table, feedsTable, opaqueStore: countedRows });
    const subscriptions = new Subscriptions({ store: without, opaqueStore: countedRows, all: [sales()] });
    const bell = { streamId: streamId(0), version: 4n, kind: "saved" } as const;
    const fails = async (code: string): Promise<void> => {
      const { failures } = await subscriptions.deliver([bell]);
      expect(failures).toMatchObject([{ doorbell: bell, subscription: "sales@1", error: { code } }]);
      await expect(subscriptions.catchUp()).rejects.toMatchObject({ code });
      await expect(subscriptions.audit()).rejects.toMatchObject({ code });
      const source = dynamoDBStream(streams, { table, idleMs: 20 });
      await expect(subscriptions.run({ source })).rejects.toMatchObject({ code });
    };
    await fails("table_missing");
    proxy.decide(({ body }) =>
      body["TableName"] === feedsTable
        ? { status: 400, body: { __type: "com.amazon.coral.service#AccessDeniedException", message: "no" } }
        : "pass",
    );
    await fails("denied");
    proxy.decide(() => "pass");
    expect(await rowsNow()).toEqual([0n, 0n, 0n]);
  });

  it("brings what was kept with a save, by the stream and by the table", async () => {
    const meta = { correlationId: "request 17", causation: { streamId: "example_app_test_v1#t-1", version: 3n } };
    const orders = new Repository(order, store);
    await orders.apply([orderCommands.Create({}), orderCommands.Place({})], { id: "o", actor: "ann", meta });
    const seen: unknown[] = [];
    const see = (_: unknown, context: { readonly meta: unknown }): void => void seen.push(context.meta);
    const seeing = (version: number) =>
      new Subscriptions({
        store: counted,
        all: [defineHandler({ name: "seeing", version, from: [on(order, { Created: see, Placed: see })] })],
      });
    const before = proxy.requests.length;
    const records = await recordsOf(streams, table);
    await runMapping(records, (event, context) => lambdaHandler(seeing(1))(event as LambdaEvent, context));
    expect(proxy.requests.slice(before).filter(({ operation }) => operation === "Query")).toEqual([]);
    await seeing(2).deliver([{ streamId: "example_app_order_v1#o", version: 2n, kind: "saved" }]);
    expect(seen).toEqual([meta, meta, meta, meta]);
  });
});

/** Reads all records that a table's stream holds. */
async function recordsOf(streams: DynamoDBStreams, TableName: string): Promise<MappedRecord[]> {
  const { Streams: [stream] = [] } = await streams.listStreams({ TableName });
  const StreamArn = stream?.StreamArn;
  const { StreamDescription } = await streams.describeStream({ StreamArn });
  const records: MappedRecord[] = [];
  for (const { ShardId } of StreamDescription?.Shards ?? []) {
    const place = { StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
    const { ShardIterator } = await streams.getShardIterator(place);
    const { Records = [] } = await streams.getRecords({ ShardIterator });
    records.push(...Records);
  }
  return records;
}
