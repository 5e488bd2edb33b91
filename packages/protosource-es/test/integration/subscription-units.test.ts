/** What subscriptions cost on DynamoDB, by the units that the engines count. */
import { randomUUID } from "node:crypto";
import type { ConsumedCapacity, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Doorbell, Repository } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { queryClient } from "protosource-es/opaquedata";
import {
  defineLedger,
  defineProcess,
  defineReadModel,
  modelRows,
  on,
  type Subscription,
  Subscriptions,
  send,
} from "protosource-es/subscriptions";
import { describe, expect, it, onTestFinished } from "vitest";
import { engines, freshTables, type TestEngine } from "../engines.js";
import { CustomerSalesSchema } from "../gen/example/app/sales/v1/sales_v1_pb.js";
import { testCommands } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../order.js";
import { orderEvent, recordOf, testAggregate } from "../subscriptions/sales.js";

const streamId = (id: string): string => `example_app_order_v1#${id}`;

/** Counts the items of each order in a row of its own, or those of all in one row. */
function counts(rowPerAggregate: boolean) {
  return defineReadModel(CustomerSalesSchema, {
    name: rowPerAggregate ? "own-row" : "one-row",
    version: 1,
    rowPerAggregate,
    from: [
      on(order, {
        ItemAdded: (_, { id, row }) => {
          row(rowPerAggregate ? id : "all", (counts) => {
            counts.items += 1n;
          });
        },
      }),
    ],
  });
}

/** Makes tables of their own, and counts what is spent on them. */
async function open({ client: makeClient }: TestEngine) {
  const names = { ...freshTables(), feedsTable: `feeds-${randomUUID()}` };
  const spent = { write: 0, read: 0 };
  const client = countingClient(makeClient, spent);
  onTestFinished(() => client.destroy());
  await ensureTables(client, names);
  const opaqueStore = new DynamoDBOpaqueStore(client, { table: names.aggregatesTable });
  const { eventsTable, feedsTable } = names;
  const store = new DynamoDBStore(client, { eventsTable, feedsTable, opaqueStore });
  const subscribe = (one: Subscription): Subscriptions => new Subscriptions({ store, opaqueStore, all: [one] });
  const itemsOf = async (model: string, id: string): Promise<bigint | undefined> =>
    (await queryClient(CustomerSalesSchema, modelRows(opaqueStore, model)).get(id, { consistent: true }))?.items;
  /** Brings records that are stored, and gives what that costs. */
  const unitsOf = async (subscriptions: Subscriptions, bells: readonly Doorbell[]) => {
    const before = { ...spent };
    const { failures, parked } = await subscriptions.deliver(bells);
    expect([failures, parked]).toEqual([[], 0]);
    return { write: spent.write - before.write, read: spent.read - before.read };
  };
  return { store, subscribe, itemsOf, unitsOf };
}

/** Makes a client that asks for the units of each request, and adds them up. */
function countingClient(makeClient: TestEngine["client"], spent: { write: number; read: number }): DynamoDBClient {
  const client = makeClient();
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: "TOTAL" } });
        const { ConsumedCapacity = [] } = result.output as { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] };
        const units = [ConsumedCapacity].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
        spent[/^(Query|Get|Scan)/.test(commandName) ? "read" : "write"] += units;
        return result;
      },
    { step: "initialize" },
  );
  return client;
}

/** Saves events of an order behind those that it has, and gives what rings for them. */
async function added(store: DynamoDBStore, id: string, from: bigint, count: number): Promise<Doorbell> {
  const records = Array.from({ length: count }, (_, i) => {
    const version = from + BigInt(i);
    const kind = version === 1n ? "Created" : "ItemAdded";
    const fields = version === 1n ? { customerId: "c" } : { item: { priceCents: 1n } };
    return recordOf(orderEvent(kind, id, version, fields), version);
  });
  await store.save(streamId(id), records);
  return { streamId: streamId(id), version: records.at(-1)?.version ?? 0n, kind: "saved", records };
}

describe.each(engines)("a row for each aggregate on $name", (engine) => {
  it("costs 1 write unit an event, reads nothing once its row is known, and once for one that rings twice", async () => {
    const { store, subscribe, itemsOf, unitsOf } = await open(engine);
    const subscriptions = subscribe(counts(true));
    expect(await unitsOf(subscriptions, [await added(store, "o1", 1n, 2)])).toEqual({ write: 1, read: 1 });
    for (const version of [3n, 4n, 5n]) {
      const bell = await added(store, "o1", version, 1);
      expect(await unitsOf(subscriptions, [bell])).toEqual({ write: 1, read: 0 });
      expect(await unitsOf(subscriptions, [bell])).toEqual({ write: 0, read: 1 });
    }
    expect(await unitsOf(subscribe(counts(true)), [await added(store, "o1", 6n, 1)])).toEqual({ write: 1, read: 1 });
    expect(await itemsOf("own-row@1", "o1")).toBe(5n);
  });
});

// DynamoDB Local counts other units for a transaction than DynamoDB charges.
describe.each(engines.filter(({ name }) => name === "dynoxide"))("a transaction on $name", (engine) => {
  it("of a read model costs 4 write units alone, and at most 1.5 an event where streams wait together", async () => {
    const { store, subscribe, itemsOf, unitsOf } = await open(engine);
    const subscriptions = subscribe(counts(false));
    // The first one reads the position, and the row; it knows the position afterwards.
    expect(await unitsOf(subscriptions, [await added(store, "o1", 1n, 2)])).toEqual({ write: 4, read: 2 });
    expect(await unitsOf(subscriptions, [await added(store, "o1", 3n, 1)])).toEqual({ write: 4, read: 1 });

    const ids = Array.from({ length: 48 }, (_, i) => `p${i}`);
    await unitsOf(subscriptions, await Promise.all(ids.map((id) => added(store, id, 1n, 2))));
    const bells = await Promise.all(ids.map((id) => added(store, id, 3n, 2)));
    const { write } = await unitsOf(subscriptions, bells);
    // 2 for the position of each stream, which has two events, and 2 for the row in each transaction.
    expect(write).toBeGreaterThanOrEqual(2 * 48 + 2);
    expect(write / (2 * 48)).toBeLessThanOrEqual(1.5);
    expect(await itemsOf("one-row@1", "all")).toBe(BigInt(2 + 48 * 3));
  });

  it("of a ledger costs 2 write units, and 2 for each stream that arrives with others", async () => {
    const { store, subscribe, unitsOf } = await open(engine);
    const subscriptions = subscribe(defineLedger({ name: "all", of: [order] }));
    expect(await unitsOf(subscriptions, [await added(store, "o1", 1n, 2)])).toEqual({ write: 4, read: 2 });
    const ids = ["p1", "p2", "p3"];
    await unitsOf(subscriptions, await Promise.all(ids.map((id) => added(store, id, 1n, 1))));
    const bells = await Promise.all(ids.map((id) => added(store, id, 2n, 1)));
    // The positions are known, and the last entry is read.
    expect(await unitsOf(subscriptions, bells)).toEqual({ write: 2 + 2 * 3, read: 1 });
  });

  it("of a process that sends one command costs 4 write units", async () => {
    const { store, subscribe, unitsOf } = await open(engine);
    const tests = new Repository(testAggregate, store, { materialize: "off" });
    const process = defineProcess({
      name: "answer",
      since: "beginning",
      from: [
        on(order, {
          Created: (_, { id }) => send(tests, testCommands.Create({ body: "" }), { id }),
          ItemAdded: ({ version }, { id }) => send(tests, testCommands.Update({ body: `${version}` }), { id }),
        }),
      ],
    });
    const subscriptions = subscribe(process);
    await unitsOf(subscriptions, [await added(store, "q1", 1n, 2)]);
    const { write } = await unitsOf(subscriptions, [await added(store, "q1", 3n, 1)]);
    expect(write).toBe(4);
    expect(await tests.load("q1")).toMatchObject({ body: "3" });
  });
});
