/** Stores of every kind, where a test deletes what has expired: at any moment and in any order, as a database may. */
import { randomUUID } from "node:crypto";
import { DeleteItemCommand, type DynamoDBClient, QueryCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { Clock, EventStore } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { MemoryOpaqueStore, type MemoryRows, MemoryStore, type MemoryStreams } from "protosource-es/memory";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { engines, freshTables } from "./engines.js";

/** A store, and the clock and the time to live of one writer. */
export interface OpenOptions {
  readonly clock: Clock;
  readonly ttlSeconds?: number;
}

/** Streams and rows that writers share. */
export interface ExpiringStores {
  open(options: OpenOptions): { readonly store: EventStore; readonly rows: OpaqueStore };
  /** Deletes the records of a stream that have expired at a time in epoch seconds: those of which it says so, or all. */
  sweep(streamId: string, now: bigint, isChosen?: (version: bigint) => boolean): Promise<void>;
  /** Deletes the rows and claims that have expired. */
  sweepRows(now: bigint): Promise<void>;
  /** Deletes records from a version on, expired or not, as a repair does. */
  cut(streamId: string, from: bigint): Promise<void>;
  close(): void;
}

/** The kinds of stores that are tested. */
export const kinds: readonly { readonly name: string; make(): Promise<ExpiringStores> }[] = [
  { name: "MemoryStore", make: async () => inMemory() },
  { name: "SqliteStore", make: async () => inSqlite() },
  ...engines.flatMap((engine) =>
    (["compatible", "packed"] as const).map((layout) => ({
      name: `DynamoDBStore on ${engine.name}, ${layout}`,
      make: () => inDynamoDB(engine.client(), layout),
    })),
  ),
];

/** Keeps all of it in memory. */
function inMemory(): ExpiringStores {
  const streams: MemoryStreams = new Map();
  const rows: MemoryRows = new Map();
  const claims = new Map();
  const remove = (streamId: string, isGone: (version: bigint, ttl: bigint) => boolean): void => {
    const stream = streams.get(streamId) ?? new Map();
    for (const [version, { record }] of stream) if (isGone(version, record.ttl)) stream.delete(version);
  };
  return {
    open({ clock, ttlSeconds }) {
      const opaqueStore = new MemoryOpaqueStore({ clock, rows });
      return { store: new MemoryStore({ clock, ttlSeconds, streams, claims, opaqueStore }), rows: opaqueStore };
    },
    async sweep(streamId, now, isChosen = () => true) {
      remove(streamId, (version, ttl) => ttl > 0n && ttl <= now && isChosen(version));
    },
    async sweepRows(now) {
      for (const [name, { t }] of rows) if (t > 0n && t <= now) rows.delete(name);
    },
    async cut(streamId, from) {
      remove(streamId, (version) => version >= from);
    },
    close: () => {},
  };
}

function inSqlite(): ExpiringStores {
  const database = openSqlite(":memory:");
  const run = (sql: string, ...values: unknown[]): void => void database.prepare(sql).run(...(values as never[]));
  return {
    open({ clock, ttlSeconds }) {
      const store = new SqliteStore(database, { clock, ttlSeconds });
      return { store, rows: store.opaqueStore };
    },
    async sweep(streamId, now, isChosen = () => true) {
      const expired = "SELECT version FROM protosource_events WHERE stream = ? AND ttl > 0 AND ttl <= ?";
      for (const row of database.prepare(expired).all(streamId, now) as { version: number | bigint }[]) {
        const version = BigInt(row.version);
        if (isChosen(version))
          run("DELETE FROM protosource_events WHERE stream = ? AND version = ?", streamId, version);
      }
    },
    async sweepRows(now) {
      run("DELETE FROM protosource_rows WHERE t > 0 AND t <= ?", now);
      run("DELETE FROM protosource_claims WHERE ttl > 0 AND ttl <= ?", now);
    },
    async cut(streamId, from) {
      run("DELETE FROM protosource_events WHERE stream = ? AND version >= ?", streamId, from);
    },
    close: () => database.close(),
  };
}

async function inDynamoDB(client: DynamoDBClient, layout: "compatible" | "packed"): Promise<ExpiringStores> {
  const { eventsTable, aggregatesTable: table } = freshTables();
  const feedsTable = `feeds-${randomUUID()}`;
  await ensureTables(client, { eventsTable, aggregatesTable: table, feedsTable });
  const remove = async (streamId: string, isGone: (version: bigint, expiry: bigint) => boolean): Promise<void> => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: eventsTable,
        ConsistentRead: true,
        KeyConditionExpression: "a = :a",
        ExpressionAttributeValues: { ":a": { S: streamId } },
      }),
    );
    for (const { a, v, t } of Items) {
      if (!a || !v?.N || !isGone(BigInt(v.N), BigInt(t?.N ?? 0))) continue;
      await client.send(new DeleteItemCommand({ TableName: eventsTable, Key: { a, v } }));
    }
  };
  return {
    open({ clock, ttlSeconds }) {
      const opaqueStore = new DynamoDBOpaqueStore(client, { table, clock });
      const store = new DynamoDBStore(client, { eventsTable, feedsTable, opaqueStore, clock, layout, ttlSeconds });
      return { store, rows: opaqueStore };
    },
    sweep: (streamId, now, isChosen = () => true) =>
      remove(streamId, (version, expiry) => expiry > 0n && expiry <= now && isChosen(version)),
    async sweepRows(now) {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: table, ConsistentRead: true }));
      for (const { pk, sk, t } of Items) {
        const isExpired = t?.N !== undefined && BigInt(t.N) <= now;
        if (pk && sk && isExpired) await client.send(new DeleteItemCommand({ TableName: table, Key: { pk, sk } }));
      }
    },
    cut: (streamId, from) => remove(streamId, (version) => version >= from),
    close: () => client.destroy(),
  };
}
