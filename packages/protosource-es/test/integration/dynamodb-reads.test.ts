/** What a read costs, and what it makes of items that aren't as they should be. */
import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { type AttributeValue, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { engineClient } from "@protosource-es/engines";
import { isProtosourceError } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, type ObservedRequest } from "protosource-es/dynamodb";
import { OpaqueDataSchema, type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { FakeClock } from "protosource-es/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { behindProxy, engines } from "../engines.js";
import { failure } from "../failure.js";

type Item = Record<string, AttributeValue>;

describe.each(engines)("reads on $name", async (engine) => {
  const { eventsTable, aggregatesTable, proxy, client, direct } = await behindProxy(engine);
  const clock = new FakeClock();
  let requests: ObservedRequest[];
  let store: DynamoDBStore;
  let opaqueStore: DynamoDBOpaqueStore;
  let ids = 0;
  let id: string;

  const put = (item: Item, table: string = eventsTable): Promise<unknown> =>
    direct.send(new PutItemCommand({ TableName: table, Item: item }));
  const event = (version: number | bigint, more: Item = {}): Item => ({
    a: { S: id },
    v: { N: String(version) },
    d: { B: new Uint8Array([1]) },
    ...more,
  });
  const versions = (history: { records: { version: bigint }[] }): bigint[] => history.records.map((r) => r.version);
  beforeEach(() => {
    requests = [];
    id = `reads#${ids++}`;
    const options = {
      clock,
      timeLimits: { attemptMs: 5_000, totalMs: 15_000 },
      onRequest: (r: ObservedRequest) => requests.push(r),
    };
    opaqueStore = new DynamoDBOpaqueStore(client, { table: aggregatesTable, ...options });
    store = new DynamoDBStore(client, { eventsTable, opaqueStore, ...options });
  });

  it("takes limits that are higher than DynamoDB's", async () => {
    await put(event(1));
    const row = create(OpaqueDataSchema, { pk: id, sk: "AGG" });
    await opaqueStore.put(row);
    const limit = Number.MAX_SAFE_INTEGER;
    expect(versions(await store.loadTail(id, limit))).toEqual([1n]);
    for await (const { version } of store.events(id, { limit })) expect(version).toBe(1n);
    expect((await opaqueStore.query({ partition: id, limit })).rows).toHaveLength(1);
    expect((await store.scan({ aggregateId: id, limit })).records).toHaveLength(1);
    expect((await opaqueStore.scan({ limit })).rows).toContainEqual(row);
  });

  it("loads 1000 items of 250 bytes with at most 62 read units", async () => {
    // 250 bytes with all attributes of an event that is stored alone, commit id and names included.
    const data = new Uint8Array(250 - ("a".length + id.length + "v".length + 3 + "d".length + "c".length + 8));
    const records = Array.from({ length: 1000 }, (_, i) =>
      create(StoredRecordSchema, { version: BigInt(i + 1), data }),
    );
    await store.save(id, records);
    requests = [];
    expect((await store.load(id)).records.length).toBe(1000);
    expect(requests.length).toBe(1);
    expect(requests[0]?.readUnits).toBeLessThanOrEqual(62);
    expect(requests[0]?.readUnits).toBeGreaterThan(50);
  });

  it("reads consistently, and asks for no attribute that it doesn't use", async () => {
    await store.load(id);
    expect(proxy.requests.at(-1)?.body).toMatchObject({
      ConsistentRead: true,
      ProjectionExpression: "#v, #d, #t, #m, #n, #h",
    });
  });

  it("reads streams of several pages", async () => {
    const data = new Uint8Array(300 * 1024);
    await store.save(
      id,
      Array.from({ length: 9 }, (_, i) => create(StoredRecordSchema, { version: BigInt(i + 1), data })),
    );
    requests = [];
    expect(versions(await store.load(id))).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]);
    expect(requests.length).toBeGreaterThan(2);
    expect(versions(await store.loadTail(id, 5))).toEqual([5n, 6n, 7n, 8n, 9n]);
  });

  it("reads versions beyond 2^53 exactly", async () => {
    const first = 2n ** 63n - 3n;
    await put(event(first));
    await put(event(first + 1n));
    await put(event(first + 2n));
    expect(versions(await store.load(id))).toEqual([first, first + 1n, first + 2n]);
    expect(versions(await store.loadTail(id, 2))).toEqual([first + 1n, first + 2n]);
  });

  it.each([
    ["d is a string", { d: { S: "text" } }],
    ["d is missing", { d: { NULL: true } }],
  ] as const)("names the item when %s", async (_, wrong) => {
    await put(event(1));
    await put(event(2, wrong));
    const error = await failure(store.load(id));
    if (!isProtosourceError(error, "corrupt_record")) throw error;
    expect(error.details.version).toBe(2n);
    expect(error.details.key).toContain(id);
  });

  it("names the item when v isn't a number", async () => {
    await put(event(1));
    proxy.decide(({ operation }) =>
      operation === "Query"
        ? { rewrite: (body) => ({ ...body, Items: [{ v: { S: "one" }, d: { B: "AQ==" } }] }) }
        : "pass",
    );
    const error = await failure(store.load(id));
    expect(isProtosourceError(error, "corrupt_record") && error.details.key).toContain(id);
  });

  it("finds a gap", async () => {
    for (const version of [1, 2, 3, 7]) await put(event(version));
    const error = await failure(store.load(id));
    expect(isProtosourceError(error, "corrupt_stream") && error.details).toEqual({
      aggregateId: id,
      problem: "gap",
      version: 4n,
    });
    expect(isProtosourceError(await failure(store.loadTail(id, 2)), "corrupt_stream")).toBe(true);
    expect(versions(await store.loadTail(id, 1))).toEqual([7n]);
  });

  it("finds a transaction whose end is missing", async () => {
    await put(event(1, { m: { N: "2" } }));
    await put(event(2, { m: { N: "1" } }));
    for (const read of [() => store.load(id), () => store.loadTail(id, 1)]) {
      const error = await failure(read());
      expect(isProtosourceError(error, "corrupt_stream") && error.details).toEqual({
        aggregateId: id,
        problem: "torn",
        version: 3n,
      });
    }
  });

  it("reads again when it sees only a part of a transaction", async () => {
    await store.save(
      id,
      [1n, 2n, 3n].map((version) => create(StoredRecordSchema, { version, data: new Uint8Array([1]) })),
    );
    for (const hidden of ["2", "3"]) {
      let torn = true;
      proxy.decide(({ operation }) => {
        if (operation !== "Query" || !torn) return "pass";
        torn = false;
        return {
          rewrite: (body) => ({
            ...body,
            Items: (body["Items"] as { v: { N: string } }[]).filter((item) => item.v.N !== hidden),
          }),
        };
      });
      expect(versions(await store.load(id))).toEqual([1n, 2n, 3n]);
      torn = true;
      expect(versions(await store.loadTail(id, 2))).toEqual([2n, 3n]);
    }
  });

  it("gives a transaction that is torn in any way whole or not at all, on pages of any size", async () => {
    const record = (version: number): StoredRecord =>
      create(StoredRecordSchema, { version: BigInt(version), data: new Uint8Array([version]) });
    const all = Array.from({ length: 13 }, (_, i) => record(i + 1));
    const before = all.slice(0, 9);
    const plain = new DynamoDBStore(direct, { eventsTable });
    const readAll = async (stream: string, reverse: boolean): Promise<StoredRecord[]> => {
      const read: StoredRecord[] = [];
      for await (const one of store.events(stream, { from: 3n, reverse })) read.push(one);
      return reverse ? read.reverse() : read;
    };
    const holdsFrom = async (from: number, read: Promise<readonly StoredRecord[]>): Promise<void> => {
      const records = await read;
      expect([before.slice(from), all.slice(from)]).toContainEqual(records);
    };
    // Each bit says whether one of the four events is hidden at first.
    const hiding = new Map(Array.from({ length: 16 }, (_, bits) => [`${id} ${bits}`, bits]));
    // One by one: the records of one save would say themselves that others follow.
    for (const one of before) await Promise.all([...hiding.keys()].map((stream) => plain.save(stream, [one])));
    const torn = new Set<string>();
    proxy.decide(({ operation, body }) => {
      if (operation === "Query") {
        const { [":a"]: stream } = body["ExpressionAttributeValues"] as Record<string, AttributeValue>;
        return { pageItems: 1 + ((hiding.get(String(stream?.S)) ?? 0) % 3) };
      }
      if (operation !== "TransactWriteItems") return "pass";
      const [first] = body["TransactItems"] as readonly { Put: { Item: Item } }[];
      const stream = String(first?.Put.Item["a"]?.S);
      const bits = hiding.get(stream) ?? 0;
      torn.add(stream);
      return { tornMs: 200, hides: (index) => (bits >> index) % 2 === 1 };
    });
    await Promise.all(
      [...hiding.keys()].map(async (stream) => {
        const saving = store.save(stream, all.slice(9));
        while (!torn.has(stream)) await new Promise((go) => setTimeout(go, 1));
        await Promise.all([
          holdsFrom(
            0,
            store.load(stream).then(({ records }) => records),
          ),
          holdsFrom(2, readAll(stream, false)),
          holdsFrom(2, readAll(stream, true)),
        ]);
        await saving;
      }),
    );
  });

  it("reads again when the beginning of a transaction isn't seen yet", async () => {
    const three = (first: bigint): StoredRecord[] =>
      [first, first + 1n, first + 2n].map((version) =>
        create(StoredRecordSchema, { version, data: new Uint8Array([1]) }),
      );
    await store.save(id, three(1n));
    await store.save(id, three(4n));
    const from4 = async (reverse: boolean): Promise<{ records: { version: bigint }[] }> => {
      const records: StoredRecord[] = [];
      for await (const record of store.events(id, { from: 4n, reverse })) records.push(record);
      return { records };
    };
    for (const [read, hidden, expected] of [
      [() => store.load(id), 2, [1n, 2n, 3n, 4n, 5n, 6n]],
      [() => store.loadTail(id, 9), 2, [1n, 2n, 3n, 4n, 5n, 6n]],
      [() => from4(false), 5, [4n, 5n, 6n]],
      [() => from4(true), 5, [6n, 5n, 4n]],
    ] as const) {
      let torn = 2;
      proxy.decide(({ operation }) => {
        if (operation !== "Query" || torn-- <= 0) return "pass";
        return {
          rewrite: (body) => ({
            ...body,
            Items: (body["Items"] as { v: { N: string } }[]).filter((item) => Number(item.v.N) > hidden),
          }),
        };
      });
      expect(versions(await read())).toEqual(expected);
    }
  });

  it("reads a stream that has lost its beginning", async () => {
    await put(event(4));
    await put(event(5));
    expect(versions(await store.load(id))).toEqual([4n, 5n]);
    expect(versions(await store.loadTail(id, 9))).toEqual([4n, 5n]);
    expect(versions(await store.loadTail(id, 2))).toEqual([4n, 5n]);
  });

  it("takes a transaction of which a part was deleted after it expired for expired, and not for torn", async () => {
    await put(event(1, { m: { N: "1" }, t: { N: "1" } }));
    expect(versions(await store.load(id))).toEqual([]);
    expect(versions(await store.loadTail(id, 2, { includeExpired: true }))).toEqual([1n]);
  });

  it("goes on after pages that are empty or short", async () => {
    await store.save(
      id,
      [1n, 2n, 3n].map((version) => create(StoredRecordSchema, { version, data: new Uint8Array([1]) })),
    );
    const page = (items: unknown[], version: string | undefined): object => ({
      Items: items,
      ...(version ? { LastEvaluatedKey: { a: { S: id }, v: { N: version } } } : {}),
    });
    const item = (version: string): object => ({ v: { N: version }, d: { B: "AQ==" } });
    const pages = [
      page([], "0"),
      page([item("1")], "1"),
      page([], "1"),
      page([item("2"), item("3")], "3"),
      page([], undefined),
    ];
    proxy.decide(() => ({ status: 200, body: pages.shift() ?? {} }));
    expect(versions(await store.load(id))).toEqual([1n, 2n, 3n]);
    expect(pages).toEqual([]);
  });

  it("ends a range where a page ends that says that more follow", async () => {
    for (const version of [1, 2, 3]) await put(event(version));
    proxy.decide(() => ({ pageItems: 2 }));
    const records: StoredRecord[] = [];
    for await (const record of store.events(id, { to: 2n })) records.push(record);
    expect(versions({ records })).toEqual([1n, 2n]);
  });

  it("doesn't see expired records that are still stored, in a load or a tail", async () => {
    const now = clock.now() / 1_000_000n;
    for (const [version, t] of [
      [1, now - 10n],
      [2, now],
      [3, now + 10n],
      [4, now + 20n],
    ] as const) {
      await put(event(version, { t: { N: String(t) } }));
    }
    expect((await store.load(id)).records.map(({ version, ttl }) => ({ version, ttl }))).toEqual([
      { version: 3n, ttl: now + 10n },
      { version: 4n, ttl: now + 20n },
    ]);
    expect(versions(await store.loadTail(id, 3))).toEqual([3n, 4n]);
    expect(versions(await store.load(id, { includeExpired: true }))).toEqual([1n, 2n, 3n, 4n]);
    expect(versions(await store.loadTail(id, 3, { includeExpired: true }))).toEqual([2n, 3n, 4n]);
  });

  it("is cancelled while it waits for an answer", async () => {
    proxy.decide(() => "hang");
    const error = await failure(store.load(id, { signal: AbortSignal.timeout(50) }));
    expect(isProtosourceError(error, "cancelled")).toBe(true);
  });

  it("leaves nothing with a signal that lives longer, whether a stream is read to its end or left", async () => {
    const records = Array.from({ length: 40 }, (_, i) =>
      create(StoredRecordSchema, { version: BigInt(i + 1), data: new Uint8Array(60_000) }),
    );
    await store.save(id, records);
    const { signal } = new AbortController();
    await store.load(id, { signal });
    for await (const { version } of store.events(id, { signal })) if (version === 20n) break;
    // One that nobody reads on, and nobody ends.
    const left = store.events(id, { signal })[Symbol.asyncIterator]();
    for (let i = 0; i < 20; i++) await left.next();
    await sleep(500);
    const kept = Object.getOwnPropertySymbols(signal)
      .map((symbol) => (signal as unknown as Record<symbol, unknown>)[symbol])
      .flatMap((value) => (value instanceof Set ? [...value] : []));
    expect([getEventListeners(signal, "abort"), kept]).toEqual([[], []]);
  });

  it("is unavailable, and never empty, when it is throttled", async () => {
    await store.save(id, [create(StoredRecordSchema, { version: 1n })]);
    proxy.decide(() => ({
      status: 400,
      body: {
        __type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        ThrottlingReasons: [{ reason: "TableReadKeyRangeThroughputExceeded", resource: "table" }],
      },
    }));
    const hasty = engineClient(proxy.endpoint, { maxAttempts: 1 });
    const error = await failure(new DynamoDBStore(hasty, { eventsTable, timeLimits: { totalMs: 500 } }).load(id));
    hasty.destroy();
    if (!isProtosourceError(error, "unavailable")) throw error;
    expect(error.details.reasons).toContain("TableReadKeyRangeThroughputExceeded");
  });

  it("counts 3 write units for a row in 2 indexes", async () => {
    await opaqueStore.put({
      ...create(OpaqueDataSchema),
      pk: `${id}#pk`,
      sk: "AGG",
      gsi1pk: "one",
      gsi1sk: "NA",
      gsi2pk: "two",
      gsi2sk: "NA",
      body: new Uint8Array(100),
    });
    expect(requests.map(({ writeUnits }) => writeUnits)).toEqual([3]);
  });

  it("refuses a row whose attributes have the wrong types", async () => {
    await put({ pk: { S: id }, sk: { S: "AGG" }, body: { S: "text" } }, aggregatesTable);
    const error = await failure(opaqueStore.get({ pk: id, sk: "AGG" }));
    expect(isProtosourceError(error, "corrupt_record") && error.details.key).toContain(id);
  });
});
