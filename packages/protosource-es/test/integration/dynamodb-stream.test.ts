/** What dynamoDBStream brings of a table's changes, whatever the stream does meanwhile. */
import { randomUUID } from "node:crypto";
import { getEventListeners } from "node:events";
import { DeleteItemCommand, type DynamoDBClient, PutItemCommand, UpdateTableCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBStreams } from "@aws-sdk/client-dynamodb-streams";
import { create } from "@bufbuild/protobuf";
import { type Doorbell, type DoorbellBatch, isProtosourceError } from "protosource-es";
import {
  DynamoDBStore,
  type DynamoDBStreamOptions,
  dynamoDBStream,
  ensureTables,
  eventsTableName,
} from "protosource-es/dynamodb";
import { StoredRecordSchema } from "protosource-es/proto";
import { type FaultProxy, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { engines, freshTables, streamsClient } from "../engines.js";

const EXCEPTION = "com.amazonaws.dynamodb.v20120810#";

/** An answer that refuses. */
function refusal(name: string): { readonly status: number; readonly body: object } {
  return { status: 400, body: { __type: `${EXCEPTION}${name}`, message: "injected" } };
}

function records(...versions: readonly bigint[]) {
  return versions.map((version) => create(StoredRecordSchema, { version, data: Uint8Array.of(Number(version)) }));
}

describe.each(engines)("dynamoDBStream on $name", (engine) => {
  let direct: DynamoDBClient;
  let streams: DynamoDBStreams;
  let proxy: FaultProxy;
  let table: string;
  let store: DynamoDBStore;
  let end: AbortController;

  beforeAll(async () => {
    direct = engine.client();
    proxy = await startFaultProxy(engine.endpoint);
    streams = streamsClient(proxy.endpoint);
  });
  afterAll(async () => {
    direct.destroy();
    streams.destroy();
    await proxy.close();
  });
  beforeEach(async () => {
    const names = { ...freshTables(), feedsTable: `feeds-${randomUUID()}` };
    table = names.eventsTable;
    await ensureTables(direct, names);
    store = new DynamoDBStore(direct, { eventsTable: names.eventsTable, feedsTable: names.feedsTable });
    end = new AbortController();
    proxy.decide(() => "pass");
  });
  afterEach(() => end.abort());

  const listen = (options: DynamoDBStreamOptions = {}): AsyncIterator<DoorbellBatch> =>
    dynamoDBStream(streams, { table, idleMs: 10, ...options })
      .listen({ signal: end.signal })
      [Symbol.asyncIterator]();

  /** Pulls batches until so many doorbells rang. */
  const hear = async (
    listening: AsyncIterator<DoorbellBatch>,
    count: number,
  ): Promise<{ readonly doorbells: readonly Doorbell[]; readonly missed: boolean }> => {
    const doorbells: Doorbell[] = [];
    let missed = false;
    while (doorbells.length < count) {
      const { value, done } = await listening.next();
      if (done) break;
      doorbells.push(...value.doorbells);
      missed ||= value.missed ?? false;
    }
    return { doorbells, missed };
  };
  const versionsOf = (doorbells: readonly Doorbell[]): readonly bigint[] => doorbells.map(({ version }) => version);
  const requestsOf = (operation: string): number =>
    proxy.requests.filter((request) => request.operation === operation).length;

  it("brings what was saved before and after it began, with the records", async () => {
    await store.save("a#1", records(1n, 2n));
    const listening = listen();
    const before = await hear(listening, 2);
    await store.save("a#1", records(3n));
    const after = await hear(listening, 1);
    expect([...before.doorbells, ...after.doorbells]).toEqual(
      records(1n, 2n, 3n).map((record) => ({
        streamId: "a#1",
        version: record.version,
        kind: "saved",
        records: [record],
      })),
    );
    expect(before.missed || after.missed).toBe(false);
  });

  it("rings once for a packed item, for its last version", async () => {
    const packed = new DynamoDBStore(direct, { eventsTable: eventsTableName(table), layout: "packed" });
    await packed.save("a#1", records(1n, 2n, 3n));
    const { doorbells } = await hear(listen(), 1);
    expect(doorbells).toEqual([{ streamId: "a#1", version: 3n, kind: "saved", records: records(1n, 2n, 3n) }]);
  });

  it("rings for what was deleted, and for what no record can be read of", async () => {
    const Key = { a: { S: "a#1" }, v: { N: "1" } };
    await direct.send(new PutItemCommand({ TableName: table, Item: Key }));
    await direct.send(new DeleteItemCommand({ TableName: table, Key }));
    const { doorbells } = await hear(listen(), 2);
    expect(doorbells).toEqual([
      { streamId: "a#1", version: 1n, kind: "saved" },
      { streamId: "a#1", version: 1n, kind: "gone" },
    ]);
  });

  it("ends when the signal is aborted, in the middle of a request too, and leaves no listener", async () => {
    await store.save("a#1", records(1n));
    const listening = listen();
    await hear(listening, 1);
    proxy.decide(({ operation }) => (operation === "GetRecords" ? "hang" : "pass"));
    const next = listening.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const start = performance.now();
    end.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(getEventListeners(end.signal, "abort")).toEqual([]);
    expect(await listen().next()).toEqual({ done: true, value: undefined });
  });

  it("ends its requests when the listener leaves", async () => {
    await store.save("a#1", records(1n));
    const listening = listen();
    await hear(listening, 1);
    await listening.return?.();
    const before = proxy.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(proxy.requests.length).toBe(before);
    expect(getEventListeners(end.signal, "abort")).toEqual([]);
  });

  it("lets two of three workers read, and the third when one of them leaves", async () => {
    await store.save("a#1", records(1n));
    const leases = { store, group: "workers", leaseMs: 12_000 };
    const [one, two] = [listen({ leases }), listen({ leases })];
    await Promise.all([hear(one, 1), hear(two, 1)]);
    let isHeard = false;
    const third = hear(listen({ leases }), 1).then(({ doorbells }) => {
      isHeard = true;
      return doorbells;
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(isHeard).toBe(false);
    await one.return?.();
    expect(versionsOf(await third)).toEqual([1n]);
  });

  it("goes on behind the last record when an iterator has expired", async () => {
    await store.save("a#1", records(1n));
    const listening = listen();
    await hear(listening, 1);
    let expired = 0;
    proxy.decide(({ operation }) =>
      operation === "GetRecords" && expired++ === 0 ? refusal("ExpiredIteratorException") : "pass",
    );
    await store.save("a#1", records(2n));
    const { doorbells, missed } = await hear(listening, 1);
    expect({ versions: versionsOf(doorbells), missed }).toEqual({ versions: [2n], missed: false });
    const [last] = proxy.requests.filter(({ operation }) => operation === "GetShardIterator").slice(-1);
    expect(last?.body["ShardIteratorType"]).toBe("AFTER_SEQUENCE_NUMBER");
  });

  it("begins at the oldest record when an iterator has expired before the first", async () => {
    let expired = 0;
    proxy.decide(({ operation }) =>
      operation === "GetRecords" && expired++ === 0 ? refusal("ExpiredIteratorException") : "pass",
    );
    await store.save("a#1", records(1n));
    expect(versionsOf((await hear(listen(), 1)).doorbells)).toEqual([1n]);
  });

  it.each(["GetRecords", "GetShardIterator"])(
    "begins anew, and says that it may have missed something, when %s finds that records were trimmed",
    async (refused) => {
      await store.save("a#1", records(1n));
      const listening = listen();
      await hear(listening, 1);
      let times = 0;
      proxy.decide(({ operation }) => {
        if (operation === "GetRecords" && times === 0) {
          times++;
          return refusal(refused === "GetRecords" ? "TrimmedDataAccessException" : "ExpiredIteratorException");
        }
        if (operation === "GetShardIterator" && refused === operation && times === 1) {
          times++;
          return refusal("TrimmedDataAccessException");
        }
        return "pass";
      });
      const { doorbells, missed } = await hear(listening, 1);
      expect({ versions: versionsOf(doorbells), missed }).toEqual({ versions: [1n], missed: true });
    },
  );

  it("misses nothing by trimming where it had read nothing", async () => {
    let trimmed = 0;
    proxy.decide(({ operation }) =>
      operation === "GetRecords" && trimmed++ === 0 ? refusal("TrimmedDataAccessException") : "pass",
    );
    await store.save("a#1", records(1n));
    expect(await hear(listen(), 1)).toMatchObject({ missed: false });
  });

  it.each(["ProvisionedThroughputExceededException", "LimitExceededException", "InternalServerError"])(
    "waits and tries again after %s of any request",
    async (name) => {
      await store.save("a#1", records(1n));
      const seen = new Set<string>();
      proxy.decide(({ operation }) => {
        if (seen.has(operation)) return "pass";
        seen.add(operation);
        return { ...refusal(name), status: name === "InternalServerError" ? 500 : 400 };
      });
      const observed: string[] = [];
      const listening = listen({ onRequest: ({ operation, attempts }) => observed.push(`${operation} ${attempts}`) });
      expect(versionsOf((await hear(listening, 1)).doorbells)).toEqual([1n]);
      for (const operation of ["ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"]) {
        expect(observed).toContain(`${operation} 2`);
      }
    },
  );

  it("outlives a time without any answer", async () => {
    await store.save("a#1", records(1n));
    const failures: string[] = [];
    const timeLimits = { attemptMs: 500, totalMs: 500 };
    const listening = listen({ timeLimits, onRequest: ({ failure }) => failure && failures.push(failure) });
    await hear(listening, 1);
    proxy.decide(() => "reset");
    await store.save("a#1", records(2n));
    while (failures.length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    proxy.decide(() => "pass");
    expect(versionsOf((await hear(listening, 1)).doorbells)).toEqual([2n]);
  });

  it("reads the shards of all pages of a description", async () => {
    await store.save("a#1", records(1n));
    const ids = Array.from({ length: 230 }, (_, i) => `shardId-none-${String(i).padStart(4, "0")}`);
    const { Streams: [stream] = [] } = await streams.listStreams({ TableName: table });
    const { StreamDescription } = await streams.describeStream({ StreamArn: stream?.StreamArn });
    // The shard that is there comes last.
    const all = [...ids.map((ShardId) => ({ ShardId })), ...(StreamDescription?.Shards ?? [])];
    proxy.decide(({ operation, body }) => {
      if (operation === "GetShardIterator" && ids.includes(String(body["ShardId"]))) {
        return refusal("ResourceNotFoundException");
      }
      if (operation !== "DescribeStream") return "pass";
      const from = all.findIndex(({ ShardId }) => ShardId === body["ExclusiveStartShardId"]) + 1;
      const next = from + 100 < all.length ? { LastEvaluatedShardId: all[from + 99]?.ShardId } : {};
      const page = { StreamStatus: "ENABLED", Shards: all.slice(from, from + 100), ...next };
      return { status: 200, body: { StreamDescription: page } };
    });
    const before = requestsOf("DescribeStream");
    const { doorbells } = await hear(listen(), 1);
    expect(doorbells.map(({ streamId }) => streamId)).toEqual(["a#1"]);
    expect(requestsOf("DescribeStream") - before).toBeGreaterThanOrEqual(3);
  });

  it("says that the stream is off, and goes on with the new one once it is on again", async () => {
    await store.save("a#1", records(1n));
    const off = { StreamSpecification: { StreamEnabled: false } };
    await direct.send(new UpdateTableCommand({ TableName: table, ...off }));
    const error = await hear(listen(), 99).catch((error: unknown) => error);
    expect(isProtosourceError(error, "not_configured") && error.details.option).toBe("stream");
    const on = { StreamSpecification: { StreamEnabled: true, StreamViewType: "KEYS_ONLY" as const } };
    await direct.send(new UpdateTableCommand({ TableName: table, ...on }));
    await store.save("a#2", records(1n));
    const listening = listen();
    const heard: Doorbell[] = [];
    while (!heard.some(({ streamId }) => streamId === "a#2")) heard.push(...(await hear(listening, 1)).doorbells);
    // Any view type rings: without an image there is only less to spare.
    expect(heard.find(({ streamId }) => streamId === "a#2")).toEqual({ streamId: "a#2", version: 1n, kind: "saved" });
  });

  it("throws what no patience helps against", async () => {
    proxy.decide(({ operation }) => (operation === "GetRecords" ? refusal("AccessDeniedException") : "pass"));
    const denied = await hear(listen(), 1).catch((error: unknown) => error);
    expect(isProtosourceError(denied, "denied")).toBe(true);
    proxy.decide(() => "reset");
    const timeLimits = { attemptMs: 500, totalMs: 500 };
    const unavailable = await hear(listen({ timeLimits }), 1).catch((error: unknown) => error);
    expect(isProtosourceError(unavailable, "unavailable")).toBe(true);
  });

  it("costs no request but the look at its shard while nothing happens", async () => {
    const listening = listen({ idleMs: 50 });
    const next = listening.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = proxy.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    const made = proxy.requests.slice(before).map(({ operation }) => operation);
    expect(new Set(made)).toEqual(new Set(["GetRecords"]));
    expect(made.length).toBeLessThanOrEqual(10);
    end.abort();
    await next;
  });
});
