/** Subscriptions that follow what the Go code wrote: items without any attribute of ours, and snapshots among them. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { type AttributeValue, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { type EventStore, Repository } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables, lambdaHandler } from "protosource-es/dynamodb";
import { MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer, jsonSerializer, type Serializer } from "protosource-es/serializer";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { defineHandler, on, type Subscription, Subscriptions } from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { afterAll, describe, expect, test } from "vitest";
import { engines, freshTables } from "../engines.js";
import { order } from "../order.js";
import { testAggregate } from "../subscriptions/sales.js";

/** An item as the JSON of a Lambda event has it. */
type Item = { readonly [name: string]: { readonly S?: string; readonly N?: string; readonly B?: string } };

interface Follower {
  readonly subscription: Subscription;
  readonly seen: string[];
}

const cases = [
  { name: "order_v1", follow: followOrder, serializer: binarySerializer },
  { name: "test_v1", follow: followTest, serializer: binarySerializer },
  { name: "test_v1_jsonserializer", follow: followTest, serializer: jsonSerializer },
];

const stores = [
  { name: "memory", open: openMemory },
  { name: "SQLite", open: openFile },
  ...engines.map((engine) => ({ name: engine.name, open: (clock: FakeClock) => openTables(engine, clock) })),
];

const ends: (() => void)[] = [];
afterAll(() => {
  for (const end of ends) end();
});

describe.each(stores)("what Go wrote, on $name", ({ open }) => {
  test.each(cases)("is followed event by event: $name", async ({ name, follow, serializer }) => {
    const file = new URL(`../golden/${name}.json`, import.meta.url);
    const { events: items } = JSON.parse(readFileSync(file, "utf8")) as { readonly events: readonly Item[] };
    // The items' own day: their ttl has not passed.
    const expiry = BigInt(items[0]?.["t"]?.N ?? 0);
    const clock = new FakeClock(((expiry || 1_795_351_177n) - 86_400n) * 1_000_000n);
    const { store, put } = await open(clock);
    const streamId = items[0]?.["a"]?.S as string;
    const version = BigInt(items.at(-1)?.["v"]?.N as string);
    const bell = { streamId, version, kind: "saved" } as const;
    for (const item of items) await put(item);
    const expected = await historyOf(store, streamId, { serializer, clock });

    const brought = follow(1);
    const byImages = lambdaHandler(new Subscriptions({ store, all: [brought.subscription], serializer, clock }));
    const Records = items.toReversed().map((item, i) => changeOf(item, i));
    expect(await byImages({ Records }, { getRemainingTimeInMillis: () => 60_000 })).toEqual({ batchItemFailures: [] });
    const found = follow(2);
    const byTable = new Subscriptions({ store, all: [found.subscription], serializer, clock });
    expect(await byTable.deliver([bell])).toMatchObject({ handled: expected.length, parked: 0, failures: [] });
    expect([brought.seen, found.seen]).toEqual([expected, expected]);
    expect((await byTable.audit()).behind).toEqual([]);

    if (expiry === 0n) return;
    clock.advanceSeconds(2 * 86_400);
    for (let i = 0; i < 2; i++) await byTable.deliver([{ ...bell, kind: "gone" }]);
    // Snapshots take versions as well, so that the life ends with the last of them.
    expect(found.seen.slice(expected.length)).toEqual([`removed ${version}`]);
  });
});

function followOrder(version: number): Follower {
  const seen: string[] = [];
  const see = noteIn(seen);
  const removed = noteEnd(seen);
  const source = on(order, { Created: see, ItemAdded: see, TagAdded: see, Placed: see, removed });
  return { seen, subscription: defineHandler({ name: "follower", version, tries: 1, from: [source] }) };
}

function followTest(version: number): Follower {
  const seen: string[] = [];
  const see = noteIn(seen);
  const removed = noteEnd(seen);
  const source = on(testAggregate, { Created: see, Unlocked: see, Updated: see, Locked: see, removed });
  return { seen, subscription: defineHandler({ name: "follower", version, tries: 1, from: [source] }) };
}

interface Seen {
  readonly $typeName: string;
  readonly version: bigint;
  readonly at: bigint;
  readonly actor: string;
}

function lineOf({ $typeName, version, at, actor }: Seen): string {
  return `${$typeName} ${version} ${at} ${actor}`;
}

function noteIn(seen: string[]): (event: Seen) => void {
  return (event) => void seen.push(lineOf(event));
}

function noteEnd(seen: string[]): (version: bigint) => void {
  return (version) => void seen.push(`removed ${version}`);
}

/** Gives the events of a stream as the repository reads them. */
async function historyOf(
  store: EventStore,
  streamId: string,
  options: { readonly serializer: Serializer; readonly clock: FakeClock },
): Promise<string[]> {
  const [prefix = "", ...id] = streamId.split("#");
  const isOrder = prefix === "example_app_order_v1";
  const events = isOrder
    ? await new Repository(order, store, options).history(id.join("#"))
    : await new Repository(testAggregate, store, options).history(id.join("#"));
  return events.filter(({ $typeName }) => !$typeName.endsWith(".Snapshot")).map(lineOf);
}

/** The change that the mapping of a stream tells of, in disorder and with the item's image. */
function changeOf(item: Item, i: number) {
  const { a, v } = item;
  const dynamodb = { Keys: { a, v }, NewImage: item, SequenceNumber: `${i + 1}` };
  return { eventName: "INSERT", dynamodb } as never;
}

interface Opened {
  readonly store: EventStore;
  readonly put: (item: Item) => Promise<unknown>;
}

function putInto(store: EventStore): Opened["put"] {
  return (item) =>
    store.save(item["a"]?.S as string, [
      create(StoredRecordSchema, {
        version: BigInt(item["v"]?.N as string),
        data: new Uint8Array(Buffer.from(item["d"]?.B as string, "base64")),
        ttl: BigInt(item["t"]?.N ?? 0),
      }),
    ]);
}

async function openMemory(clock: FakeClock): Promise<Opened> {
  const store = new MemoryStore({ clock });
  return { store, put: putInto(store) };
}

async function openFile(clock: FakeClock): Promise<Opened> {
  const database = openSqlite(":memory:");
  ends.push(() => database.close());
  const store = new SqliteStore(database, { clock, opaqueStore: new SqliteOpaqueStore(database, { clock }) });
  return { store, put: putInto(store) };
}

async function openTables(engine: (typeof engines)[number], clock: FakeClock): Promise<Opened> {
  const client = engine.client();
  ends.push(() => client.destroy());
  const { eventsTable, aggregatesTable } = freshTables();
  const feedsTable = `feeds-${randomUUID()}`;
  await ensureTables(client, { eventsTable, aggregatesTable, feedsTable });
  const opaqueStore = new DynamoDBOpaqueStore(client, { table: aggregatesTable, clock });
  const store = new DynamoDBStore(client, { eventsTable, feedsTable, opaqueStore, clock });
  const put = (item: Item): Promise<unknown> =>
    client.send(new PutItemCommand({ TableName: eventsTable, Item: attributesOf(item) }));
  return { store, put };
}

function attributesOf(item: Item): Record<string, AttributeValue> {
  return Object.fromEntries(
    Object.entries(item).map(([name, { S, N, B }]) => [
      name,
      S !== undefined ? { S } : N !== undefined ? { N } : { B: new Uint8Array(Buffer.from(B ?? "", "base64")) },
    ]),
  );
}
