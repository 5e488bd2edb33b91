/** How fast subscriptions are: catching up, keeping up with a writer, and from an append to its row. */
import { fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBStreams } from "@aws-sdk/client-dynamodb-streams";
import { create, fromBinary } from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { startDynoxide } from "@protosource-es/engines";
import type { EventStore, StoredRecord } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, dynamoDBStream, ensureTables } from "protosource-es/dynamodb";
import { MemoryStore } from "protosource-es/memory";
import { type OpaqueStore, queryClient } from "protosource-es/opaquedata";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { defineReadModel, modelRows, on, type ReadModel, Subscriptions } from "protosource-es/subscriptions";
import {
  type Occupancy,
  OccupancySchema,
} from "../../examples/hotel/gen/example/hotel/occupancy/v1/occupancy_v1_pb.js";
import { ItemAddedSchema } from "../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import { order } from "../../examples/orders/src/order.js";
import { markdownTable } from "./markdown.js";
import { encodeEvent, orderEvents, registry, STREAM_PREFIX } from "./sample.js";
import { median } from "./statistics.js";

const EVENTS_PER_ORDER = 10;
const DAYS = 30;
/** How many events a writer appends beside a worker. */
const APPENDS = 10_000;
const LATENCIES = 40;

/** Counts the items that were ordered, in 30 rows. */
function itemsByDay(): ReadModel<Occupancy> {
  return defineReadModel(OccupancySchema, {
    name: "items",
    version: 1,
    from: [
      on(order, {
        ItemAdded: (_, { id, row }) => row({ month: "2026-11", day: dayOf(id) }, (day) => void day.booked++),
      }),
    ],
  });
}

function dayOf(id: string): string {
  return String(Number(id.slice(1)) % DAYS);
}

/** Measures with so many events, and gives a table for the README. */
export async function measureSubscriptions(events: number, eventsOnDynamoDB: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "bench-subscriptions-"));
  const engine = await startDynoxide();
  try {
    const memory = new MemoryStore();
    const sqlite = new SqliteStore(openSqlite(join(folder, "catch-up.db")));
    const client = engine.client();
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    const streams = new DynamoDBStreams({ endpoint: engine.endpoint, region: "us-east-1", credentials });
    const names = { eventsTable: "events", aggregatesTable: "aggregates", feedsTable: "feeds" };
    await ensureTables(client, names);
    const opaqueStore = new DynamoDBOpaqueStore(client);
    const dynoxide = new DynamoDBStore(client, { opaqueStore });
    const rows: string[][] = [];
    for (const [name, store, count] of [
      ["memory", memory, events],
      ["SQLite", sqlite, events],
      ["Dynoxide", dynoxide, eventsOnDynamoDB],
    ] as const) {
      await fill(store, count);
      const plain = count / (await secondsOf(() => foldPlainly(store)));
      const caughtUp = count / (await secondsOf(() => catchUp(store)));
      rows.push([
        `catch-up of ${count} events, ${name}`,
        perSecond(caughtUp),
        `${perSecond(plain)}, a fold in memory`,
        ratio(caughtUp, plain),
      ]);
    }
    const { appended, handled } = await keepUp(join(folder, "keep-up.db"));
    rows.push([
      "`run` beside one writer, SQLite",
      perSecond(handled),
      `${perSecond(appended)}, the writer`,
      ratio(handled, appended),
    ]);
    const { append, roundTrip } = await latency(dynoxide, opaqueStore, streams);
    rows.push([
      "append to row, Dynoxide",
      `${append.toFixed(1)} ms`,
      `${roundTrip.toFixed(1)} ms, a round trip`,
      ratio(append, roundTrip),
    ]);
    client.destroy();
    streams.destroy();
    return markdownTable(["subscriptions", "measured", "beside", "ratio"], rows);
  } finally {
    await engine.stop();
    rmSync(folder, { recursive: true });
  }
}

async function fill(store: EventStore, events: number): Promise<void> {
  for (let i = 0; i < events / EVENTS_PER_ORDER; i++)
    await store.save(`${STREAM_PREFIX}o${i}`, recordsOf(`o${i}`, 1, EVENTS_PER_ORDER));
}

function recordsOf(id: string, from: number, count: number): StoredRecord[] {
  return orderEvents(id, from, count, "alike").map((event) => ({
    $typeName: "funinthecloud.protosource.record.v1.Record",
    version: event.version,
    data: encodeEvent(event),
    ttl: 0n,
  }));
}

/** Does what the read model does by a loop over all events, and keeps the rows in memory. */
async function foldPlainly(store: EventStore): Promise<void> {
  const rows = new Map<string, Occupancy>();
  let cursor: string | undefined;
  do {
    const page = await store.scan({ cursor, limit: 500 });
    for (const { aggregateId, record } of page.records) {
      const event = anyUnpack(fromBinary(AnySchema, record.data), registry);
      if (event?.$typeName !== ItemAddedSchema.typeName) continue;
      const day = dayOf(aggregateId.slice(STREAM_PREFIX.length));
      const row = rows.get(day) ?? create(OccupancySchema, { month: "2026-11", day });
      row.booked++;
      rows.set(day, row);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function catchUp(store: EventStore & { readonly opaqueStore?: OpaqueStore | undefined }): Promise<void> {
  await new Subscriptions({ store, all: [itemsByDay()] }).catchUp();
}

/**
 * Has a process append event by event while a worker of this one handles them. Gives the rates of both until the writer
 * ended, as events a second.
 */
async function keepUp(path: string): Promise<{ readonly appended: number; readonly handled: number }> {
  const store = new SqliteStore(openSqlite(path));
  const end = new AbortController();
  const all = APPENDS - APPENDS / EVENTS_PER_ORDER;
  let handled = 0;
  const subscriptions = new Subscriptions({
    store,
    all: [itemsByDay()],
    observe({ kind, events }) {
      if (kind === "applied") handled += events;
      if (handled === all) end.abort();
    },
  });
  const writer = fork(process.argv[1] ?? "", ["--append", path]);
  await once(writer, "message");
  const start = performance.now();
  const running = subscriptions.run({ signal: end.signal });
  await once(writer, "exit");
  const seconds = (performance.now() - start) / 1000;
  const handledSoFar = handled;
  await running;
  return { appended: all / seconds, handled: handledSoFar / seconds };
}

/** Appends to a file event by event, as fast as it can, and says when it begins to the process that started this one. */
export async function appendAlone(path: string): Promise<void> {
  const store = new SqliteStore(openSqlite(path));
  const orders = APPENDS / EVENTS_PER_ORDER;
  process.send?.("begins");
  for (let i = 0; i < APPENDS; i++) {
    const id = `o${i % orders}`;
    await store.save(STREAM_PREFIX + id, recordsOf(id, 1 + Math.floor(i / orders), 1));
  }
  process.disconnect();
}

/** Gives the median times from an append to its row by a worker, and of one consistent read, in milliseconds. */
async function latency(
  store: DynamoDBStore,
  opaqueStore: DynamoDBOpaqueStore,
  streams: DynamoDBStreams,
): Promise<{ readonly append: number; readonly roundTrip: number }> {
  const end = new AbortController();
  const applied = new EventEmitter();
  const subscriptions = new Subscriptions({
    store,
    opaqueStore,
    all: [itemsByDay()],
    observe: ({ kind, streamId }) => applied.emit(`${kind} ${streamId}`),
  });
  const source = dynamoDBStream(streams, { table: "events", idleMs: 5 });
  const running = subscriptions.run({ source, signal: end.signal });
  const days = queryClient(OccupancySchema, modelRows(opaqueStore, "items@1"));
  const key = { month: "latency", day: "-" };
  const appends: number[] = [];
  const roundTrips: number[] = [];
  for (let i = 0; i < LATENCIES; i++) {
    roundTrips.push(1000 * (await secondsOf(() => days.get(key, { consistent: true }))));
    const id = `o${1_000_000 + i}`;
    const streamId = STREAM_PREFIX + id;
    const brought = once(applied, `applied ${streamId}`);
    const start = performance.now();
    await store.save(streamId, recordsOf(id, 1, 2));
    await brought;
    appends.push(performance.now() - start);
  }
  end.abort();
  await running;
  return { append: median(appends), roundTrip: median(roundTrips) };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function perSecond(rate: number): string {
  return `${Math.round(rate)}/s`;
}

function ratio(measured: number, beside: number): string {
  return (measured / beside).toFixed(2);
}
