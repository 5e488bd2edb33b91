/** What a save costs, what it stores, and what becomes of it when answers are lost. */
import { GetItemCommand, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { engineClient } from "@protosource-es/engines";
import { isProtosourceError, type StreamWrite } from "protosource-es";
import {
  DynamoDBOpaqueStore,
  DynamoDBStore,
  type DynamoDBStoreOptions,
  type ObservedRequest,
} from "protosource-es/dynamodb";
import { OpaqueDataSchema, type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { beforeEach, describe, expect, it } from "vitest";
import { behindProxy, engines } from "../engines.js";
import { failure } from "../failure.js";

/** Short enough for a test that waits for the end. */
const HASTY = { timeLimits: { attemptMs: 1_000, totalMs: 3_000 } };

/** What the condition of an event's put takes of a transaction. */
const CONDITION_BYTES = "attribute_not_exists(a)".length;

function record(version: bigint | number, bytes = 3): StoredRecord {
  return create(StoredRecordSchema, { version: BigInt(version), data: new Uint8Array(bytes).fill(7) });
}

function records(from: number, count: number, bytes?: number): StoredRecord[] {
  return Array.from({ length: count }, (_, i) => record(from + i, bytes));
}

describe.each(engines)("writes on $name", async (engine) => {
  const { eventsTable, aggregatesTable, proxy, client, direct } = await behindProxy(engine);
  let requests: ObservedRequest[];
  let ids = 0;
  let id: string;

  const store = (options: DynamoDBStoreOptions = {}): DynamoDBStore =>
    new DynamoDBStore(client, {
      eventsTable,
      opaqueStore: new DynamoDBOpaqueStore(client, { table: aggregatesTable }),
      onRequest: (request) => requests.push(request),
      ...options,
    });
  const versions = async (): Promise<bigint[]> => (await store().load(id)).records.map(({ version }) => version);

  beforeEach(() => {
    requests = [];
    id = `writes#${ids++}`;
  });

  it("saves one record with one PutItem of one write unit", async () => {
    await store().save(id, [record(1, 200)]);
    expect(requests.map(({ operation, writeUnits }) => ({ operation, writeUnits }))).toEqual([
      { operation: "PutItem", writeUnits: 1 },
    ]);
  });

  it("stores events though a row in their transaction can't be read", async () => {
    const key = { pk: { S: `row of ${id}` }, sk: { S: "AGG" } };
    const Item = { ...key, version: { S: "of another program" } };
    await direct.send(new PutItemCommand({ TableName: aggregatesTable, Item }));
    const row = create(OpaqueDataSchema, { pk: key.pk.S, sk: key.sk.S, version: 1n });
    await store().saveAll([{ aggregateId: id, records: [record(1)] }], { rows: [{ row }] });
    expect(await versions()).toEqual([1n]);
    const rows = new DynamoDBOpaqueStore(client, { table: aggregatesTable });
    expect(await failure(rows.put(row))).toMatchObject({ code: "corrupt_record" });
  });

  it("saves 2 to 100 records in one transaction", async () => {
    await store().save(id, records(1, 100));
    expect(requests.map(({ operation }) => operation)).toEqual(["TransactWriteItems"]);
    // DynamoDB Local counts only one item of a transaction.
    expect(requests[0]?.writeUnits).toBe(engine.name === "dynoxide" ? 200 : 2);
  });

  it("cuts more records by count and by size", async () => {
    await store().save(id, records(1, 250));
    expect(requests.map(({ operation }) => operation)).toEqual(Array(3).fill("TransactWriteItems"));
    requests = [];
    // 11 records of 390 KB are more than 4 MB.
    await store().save(id, records(251, 11, 390 * 1024));
    expect(requests.map(({ operation }) => operation)).toEqual(["TransactWriteItems", "PutItem"]);
    expect((await versions()).length).toBe(261);
  });

  it("marks each request with its commit id and each record with the number that follows", async () => {
    const commitId = crypto.getRandomValues(new Uint8Array(8));
    await store().save(id, records(1, 102), { commitId });
    const { Items = [] } = await direct.send(
      new QueryCommand({
        TableName: eventsTable,
        KeyConditionExpression: "a = :a",
        ExpressionAttributeValues: { ":a": { S: id } },
      }),
    );
    expect(Items.filter((item) => item["c"]).map((item) => ({ v: item["v"]?.N, c: item["c"]?.B }))).toEqual([
      { v: "1", c: commitId },
      { v: "101", c: commitId },
    ]);
    expect(Items.map((item) => item["m"]?.N)).toEqual([
      ...Array.from({ length: 99 }, (_, i) => String(99 - i)),
      undefined,
      "1",
      undefined,
    ]);
  });

  it.each(["lose answer", "fail after"] as const)("stores one event when its answer is gone: %s", async (fate) => {
    const once = onceOnly();
    proxy.decide(({ operation }) => (operation === "PutItem" && once() ? fate : "pass"));
    await store().save(id, [record(1)]);
    expect(await versions()).toEqual([1n]);
  });

  it.each(["lose answer", "fail after"] as const)(
    "stores a transaction once when its answer is gone: %s",
    async (fate) => {
      const once = onceOnly();
      proxy.decide(({ operation }) => (operation === "TransactWriteItems" && once() ? fate : "pass"));
      await store().save(id, records(1, 5));
      expect(await versions()).toEqual([1n, 2n, 3n, 4n, 5n]);
    },
  );

  it("tells a foreign event of equal bytes from its own", async () => {
    const once = onceOnly();
    const other = new DynamoDBStore(direct, { eventsTable });
    await other.save(id, [record(1)]);
    proxy.decide(({ operation }) => (operation === "PutItem" && once() ? "reset" : "pass"));
    const error = await failure(store().save(id, [record(1)]));
    expect(isProtosourceError(error, "version_conflict") && error.details).toEqual({ aggregateId: id, version: 1n });
  });

  it("takes an event that another writer of the table left without a commit id for foreign", async () => {
    await direct.send(
      new PutItemCommand({ TableName: eventsTable, Item: { a: { S: id }, v: { N: "1" }, d: { B: record(1).data } } }),
    );
    const error = await failure(store().save(id, [record(1)]));
    expect(isProtosourceError(error, "version_conflict")).toBe(true);
  });

  it("says unavailable, with the commit id, when nobody knows, and the same save can be repeated", async () => {
    proxy.decide(({ operation }) =>
      operation === "PutItem" ? "lose answer" : operation === "GetItem" ? "hang" : "pass",
    );
    const error = await failure(store(HASTY).save(id, [record(1)]));
    if (!isProtosourceError(error, "unavailable")) throw error;
    expect(error.details.outcome).toBe("unknown");
    const { commitId } = error.details;
    expect(commitId?.length).toBe(8);
    proxy.decide(() => "pass");
    await store().save(id, [record(1)], { commitId });
    expect(await versions()).toEqual([1n]);
  });

  it("looks up a save whose answers were all lost, and finds it", async () => {
    proxy.decide(({ operation }) => (operation === "PutItem" ? "lose answer" : "pass"));
    await store().save(id, [record(1)]);
    expect(await versions()).toEqual([1n]);
  });

  it("never hangs: a save that is never answered is unavailable within its time limit", async () => {
    proxy.decide(() => "hang");
    const start = performance.now();
    const error = await failure(store({ timeLimits: { attemptMs: 100, totalMs: 400 } }).save(id, [record(1)]));
    expect(isProtosourceError(error, "unavailable") && error.details.outcome).toBe("unknown");
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  it("sends each of many saves once, however long they wait for a socket", async () => {
    // The last ones wait for 2.5 seconds, longer than an attempt may take; an answer of a busy engine doesn't.
    proxy.decide(() => ({ delayMs: 50 }));
    const starved = engineClient(proxy.endpoint, { requestHandler: { httpAgent: { maxSockets: 4 } } });
    const saving = new DynamoDBStore(starved, { eventsTable, timeLimits: { attemptMs: 2_000, totalMs: 2_000 } });
    const before = proxy.requests.length;
    const streams = Array.from({ length: 200 }, (_, i) => `${id}/${i}`);
    await Promise.all(streams.map((stream) => saving.save(stream, [record(1)])));
    expect(proxy.requests.length - before).toBe(streams.length);
    starved.destroy();
    for (const stream of streams) expect((await store().load(stream)).records.length).toBe(1);
  });

  it("reads an answer that arrived while the program was busy for longer than an attempt may take", async () => {
    const timeLimits = { attemptMs: 200, totalMs: 5_000 };
    const onRequest = (request: ObservedRequest): number => requests.push(request);
    const saving = new DynamoDBStore(direct, { eventsTable, timeLimits, onRequest });
    await saving.save(id, [record(1)]);
    const saved = saving.save(id, records(2, 50));
    // It leaves on the connection that is there.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    const busyUntil = performance.now() + 400;
    while (performance.now() < busyUntil);
    await saved;
    expect(requests.map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  it("looks up a save that is aborted under way", async () => {
    const controller = new AbortController();
    proxy.decide(({ operation }) => {
      if (operation !== "PutItem") return "pass";
      setTimeout(() => controller.abort(), 50);
      return "hang";
    });
    const error = await failure(store(HASTY).save(id, [record(1)], { signal: controller.signal }));
    expect(isProtosourceError(error, "unavailable") && error.details.outcome).toBe("unknown");

    const second = new AbortController();
    proxy.decide(({ operation }) => {
      if (operation === "PutItem") setTimeout(() => second.abort(), 0);
      return operation === "PutItem" ? "lose answer" : "pass";
    });
    await store(HASTY).save(id, [record(1)], { signal: second.signal });
    expect(await versions()).toEqual([1n]);
  });

  it.each([
    [
      "TransactionConflictException",
      "PutItem",
      { __type: "com.amazonaws.dynamodb.v20120810#TransactionConflictException" },
    ],
    [
      "TransactionInProgressException",
      "TransactWriteItems",
      { __type: "com.amazonaws.dynamodb.v20120810#TransactionInProgressException" },
    ],
    ["a transaction cancelled by another", "TransactWriteItems", cancelled("TransactionConflict", "None")],
    ["a throttled transaction", "TransactWriteItems", cancelled("ThrottlingError", "None")],
    ["a transaction short of capacity", "TransactWriteItems", cancelled("None", "ProvisionedThroughputExceeded")],
  ])("tries again after %s", async (_, operation, body) => {
    let failures = 0;
    proxy.decide((request) => (request.operation === operation && failures++ < 2 ? { status: 400, body } : "pass"));
    await store().save(id, operation === "PutItem" ? [record(1)] : records(1, 2));
    expect(failures).toBe(3);
    expect((await versions()).length).toBe(operation === "PutItem" ? 1 : 2);
  });

  it("says partial_save once a batch is stored, and completes it with the same commit id", async () => {
    const other = new DynamoDBStore(direct, { eventsTable });
    let transactions = 0;
    proxy.decide(({ operation }) => (operation === "TransactWriteItems" && ++transactions > 1 ? "reset" : "pass"));
    const all = records(1, 250);
    const error = await failure(store().save(id, all));
    if (!isProtosourceError(error, "partial_save")) throw error;
    expect(error.details).toMatchObject({ aggregateId: id, committed: 100n });
    expect(isProtosourceError(error.cause, "unavailable")).toBe(true);
    expect((await other.load(id)).records.length).toBe(100);

    proxy.decide(() => "pass");
    await store().save(id, all, { commitId: error.details.commitId });
    expect((await versions()).length).toBe(250);
  });

  it("says partial_save for a conflict behind a stored batch", async () => {
    const other = new DynamoDBStore(direct, { eventsTable });
    await other.save(id, [record(150)]);
    const error = await failure(store().save(id, records(1, 250)));
    if (!isProtosourceError(error, "partial_save")) throw error;
    expect(error.details.committed).toBe(100n);
    expect(isProtosourceError(error.cause, "version_conflict") && error.cause.details.version).toBe(150n);
  });

  it("names the version in conflict, wherever it is in the transaction", async () => {
    await store().save(id, records(1, 3));
    const error = await failure(store().save(id, records(3, 2)));
    expect(isProtosourceError(error, "version_conflict") && error.details).toEqual({ aggregateId: id, version: 3n });
  });

  it("takes a record of exactly 400 KB and refuses a larger one before anything is sent", async () => {
    const room = 409_600 - ("a".length + id.length + "v".length + 2 + "d".length + "c".length + 8);
    await store().save(id, [record(1, room)]);
    proxy.decide(() => "hang");
    const sent = proxy.requests.length;
    const error = await failure(store().save(id, [record(2, room + 1)]));
    expect(isProtosourceError(error, "too_large") && error.details).toMatchObject({ size: 409_601, limit: 409_600 });
    expect(proxy.requests.length).toBe(sent);
  });

  it("takes a transaction of exactly 4 MB and refuses a larger one before anything is sent", async () => {
    const writes = (version: number, lastBytes: number): StreamWrite[] =>
      [...Array<number>(10).fill(400_000), lastBytes].map((bytes, i) => {
        const aggregateId = `${id}#${String(i).padStart(2, "0")}`;
        const names = "a".length + aggregateId.length + "v".length + 2 + "d".length + "c".length + 8;
        return { aggregateId, records: [record(version, bytes - names - CONDITION_BYTES)] };
      });
    await store().saveAll(writes(1, 194_304));
    expect(requests.map(({ operation }) => operation)).toEqual(["TransactWriteItems"]);
    for (const { aggregateId, records } of writes(1, 194_304)) {
      expect((await store().load(aggregateId)).records[0]?.data.length).toBe(records[0]?.data.length);
    }
    proxy.decide(() => "hang");
    const sent = proxy.requests.length;
    const error = await failure(store().saveAll(writes(2, 194_305)));
    expect(isProtosourceError(error, "too_large") && error.details).toEqual({
      what: "transaction bytes",
      size: 4_194_305,
      limit: 4_194_304,
    });
    expect(proxy.requests.length).toBe(sent);
  });

  it("cuts a save where its items come to more than 4 MB", async () => {
    // The room for the marks is taken from every item, although only the first has all of them.
    const sized = (version: number, bytes: number): StoredRecord => {
      const names = "a".length + id.length + "v".length + 2 + "d".length + "m".length + 2 + "c".length + 8;
      return record(version, bytes - names - CONDITION_BYTES);
    };
    const save = async (from: number, lastBytes: number): Promise<void> => {
      const full = Array.from({ length: 10 }, (_, i) => sized(from + i, 400_000));
      await store().save(id, [...full, sized(from + 10, lastBytes)]);
    };
    await save(1, 194_304);
    expect(requests.map(({ operation }) => operation)).toEqual(["TransactWriteItems"]);
    requests = [];
    await save(12, 194_305);
    expect(requests.map(({ operation }) => operation)).toEqual(["TransactWriteItems", "PutItem"]);
    expect(await versions()).toEqual(Array.from({ length: 22 }, (_, i) => BigInt(i + 1)));
  });

  it("marks the records of one transaction as one, up to its last byte", async () => {
    const names = "a".length + id.length + "v".length + 2 + "d".length + CONDITION_BYTES;
    const full = records(1, 10, 400_000 - names);
    await store().saveAll([{ aggregateId: id, records: [...full, record(11, 194_304 - 60 - names)] }]);
    expect(requests.map(({ operation }) => operation)).toEqual(["TransactWriteItems"]);
    const { Item } = await direct.send(
      new GetItemCommand({ TableName: eventsTable, Key: { a: { S: id }, v: { N: "1" } } }),
    );
    expect(Item?.["m"]?.N).toBe("10");
  });

  it("keeps the bytes that were given, whatever the caller does to them meanwhile", async () => {
    const mine = record(1);
    const saving = store().save(id, [mine]);
    mine.data.fill(0);
    await saving;
    const { Item } = await direct.send(
      new GetItemCommand({ TableName: eventsTable, Key: { a: { S: id }, v: { N: "1" } } }),
    );
    expect(Item?.["d"]?.B).toEqual(record(1).data);
  });
});

function onceOnly(): () => boolean {
  let left = 1;
  return () => left-- > 0;
}

function cancelled(...codes: readonly string[]): object {
  return {
    __type: "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    CancellationReasons: codes.map((Code) => ({ Code })),
  };
}
