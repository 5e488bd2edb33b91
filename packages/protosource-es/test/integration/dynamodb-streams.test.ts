/** Streams of any length, ranges of them, and the packed layout. */
import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { isProtosourceError, type StoredRecord } from "protosource-es";
import { DynamoDBStore, type DynamoDBStoreOptions, ensureTables, type ObservedRequest } from "protosource-es/dynamodb";
import { StoredRecordSchema } from "protosource-es/proto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { engines, freshTables } from "../engines.js";
import { failure } from "../failure.js";

function records(from: number, count: number, bytes = 20, random = false): StoredRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const data = new Uint8Array(bytes).fill(i);
    if (random) for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(data.subarray(at, at + 65_536));
    return create(StoredRecordSchema, { version: BigInt(from + i), data });
  });
}

async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of all) found.push(one);
  return found;
}

describe.each(engines)("streams on $name", (engine) => {
  const { eventsTable, aggregatesTable } = freshTables();
  let client: DynamoDBClient;
  let requests: ObservedRequest[];
  let ids = 0;
  let id: string;

  const store = (options: DynamoDBStoreOptions = {}): DynamoDBStore =>
    new DynamoDBStore(client, { eventsTable, onRequest: (request) => requests.push(request), ...options });
  const versions = async (events: AsyncIterable<StoredRecord>): Promise<number[]> =>
    (await collect(events)).map(({ version }) => Number(version));
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

  beforeAll(async () => {
    client = engine.client();
    await ensureTables(client, { eventsTable, aggregatesTable });
  });
  afterAll(() => client.destroy());
  beforeEach(() => {
    requests = [];
    id = `streams#${ids++}`;
  });

  it("reads a long stream in windows, and gives it in order", async () => {
    await store().save(id, records(1, 400, 12_000));
    requests = [];
    expect(await versions(store().events(id))).toEqual(upTo(400));
    // 5 pages of 1 MB, and one read of the end.
    expect(requests.length).toBeLessThanOrEqual(8);
    expect((await store().load(id)).records.length).toBe(400);
  });

  it("asks for the second page and for the end at once", async () => {
    await store().save(id, records(1, 200, 12_000));
    const asked: string[] = [];
    const watched = engine.client();
    watched.middlewareStack.add(
      (next) => async (args) => {
        const { ScanIndexForward } = args.input as QueryCommandInput;
        asked.push(ScanIndexForward === false ? "end" : "page");
        const answer = await next(args);
        asked.push("answer");
        return answer;
      },
      { step: "initialize" },
    );
    expect(await versions(new DynamoDBStore(watched, { eventsTable }).events(id))).toEqual(upTo(200));
    watched.destroy();
    expect(asked.slice(0, 2)).toEqual(["page", "answer"]);
    expect(asked.slice(2, 4).toSorted()).toEqual(["end", "page"]);
  });

  it("goes on within a window when later records are larger", async () => {
    await store().save(id, records(1, 100, 12_000));
    await store().save(id, records(101, 40, 100_000));
    expect(await versions(store().events(id))).toEqual(upTo(140));
  });

  it("widens its windows when later records are smaller", async () => {
    await store().save(id, records(1, 3, 390_000));
    for (let from = 4; from < 2_000; from += 100) await store().save(id, records(from, 100));
    requests = [];
    expect(await versions(store().events(id))).toEqual(upTo(2_003));
    expect(requests.length).toBeLessThan(50);
  });

  it("finds its way over a gap, and to a last version, that are far away", async () => {
    await store().save(id, records(1, 30, 100_000));
    expect(await versions(store().events(id, { to: 10n ** 15n }))).toEqual(upTo(30));
    await store().save(id, records(10 ** 15, 1));
    const error = await failure(store().load(id));
    expect(isProtosourceError(error, "corrupt_stream") && error.details).toMatchObject({
      problem: "gap",
      version: 31n,
    });
  });

  it("looks behind many expired records in few requests", async () => {
    const expired = records(1, 300).map((record) => ({ ...record, ttl: 1n }));
    await store().save(id, [...expired, ...records(301, 1)]);
    requests = [];
    expect(await versions(store().events(id, { limit: 1 }))).toEqual([301]);
    expect(await versions(store().events(id, { limit: 2, reverse: true }))).toEqual([301]);
    expect(requests.length).toBeLessThan(10);
  });

  it("stops reading when the reader does", async () => {
    await store().save(id, records(1, 400, 12_000));
    for await (const { version } of store().events(id)) if (version === 100n) break;
    requests = [];
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(requests.filter(({ failure }) => failure === undefined)).toEqual([]);
  });

  it("costs half when it may be eventually consistent", async () => {
    await store().save(id, records(1, 100, 200));
    requests = [];
    await store().load(id);
    await store().load(id, { consistency: "eventual" });
    const [strong, eventual] = requests.map(({ readUnits }) => readUnits);
    expect(eventual).toBe((strong ?? 0) / 2);
  });

  it.each(["compatible", "packed"] as const)("reads every range, both ways, with every limit: %s", async (layout) => {
    const packing = store({ layout });
    let end = 0;
    for (const count of [3, 1, 4, 2, 5, 1, 4]) {
      await packing.save(id, records(end + 1, count));
      end += count;
    }
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.integer({ min: 1, max: end + 3 }), { nil: undefined }),
        fc.option(fc.integer({ min: 0, max: end + 3 }), { nil: undefined }),
        fc.boolean(),
        fc.option(fc.integer({ min: 1, max: end + 3 }), { nil: undefined }),
        async (from, length, reverse, limit) => {
          const to = length === undefined ? undefined : (from ?? 1) + length;
          const expected = upTo(end).filter((v) => v >= (from ?? 1) && v <= (to ?? end));
          if (reverse) expected.reverse();
          const bound = (version: number | undefined): bigint | undefined =>
            version === undefined ? undefined : BigInt(version);
          const given = await versions(packing.events(id, { from: bound(from), to: bound(to), reverse, limit }));
          expect(given).toEqual(expected.slice(0, limit));
        },
      ),
      { numRuns: 60 },
    );
    for (const n of [1, 2, 5, end, end + 5]) {
      const tail = (await packing.loadTail(id, n)).records.map(({ version }) => Number(version));
      expect(tail).toEqual(upTo(end).slice(-n));
    }
  });

  it("refuses a range that isn't possible", async () => {
    for (const range of [{ from: 0n }, { from: 3n, to: 2n }, { to: 0n }, { limit: 0 }, { limit: 1.5 }]) {
      expect(isProtosourceError(await failure(collect(store().events(id, range))), "invalid_argument")).toBe(true);
    }
  });

  describe("packed", () => {
    const packed = (options: DynamoDBStoreOptions = {}): DynamoDBStore => store({ layout: "packed", ...options });

    it("writes the records of one save into one item", async () => {
      await packed().save(id, records(1, 5, 250));
      expect(requests.map(({ operation, writeUnits }) => [operation, writeUnits])).toEqual([
        ["Query", 0],
        ["PutItem", 1],
      ]);
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: eventsTable,
          KeyConditionExpression: "a = :a",
          ExpressionAttributeValues: { ":a": { S: id } },
        }),
      );
      expect(Items.map(({ v, n, m }) => ({ v: v?.N, n: n?.N, m: m?.N }))).toEqual([{ v: "1", n: "5", m: undefined }]);
      // A store of the other layout reads it too.
      expect((await store().load(id)).records).toEqual(records(1, 5, 250));
    });

    it("writes one record as it always is", async () => {
      await packed().save(id, records(1, 1));
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: eventsTable,
          KeyConditionExpression: "a = :a",
          ExpressionAttributeValues: { ":a": { S: id } },
        }),
      );
      expect(Items[0]?.["d"]?.B).toEqual(records(1, 1)[0]?.data);
      expect(Items[0]?.["n"]).toBeUndefined();
    });

    it("stores thousands of events, or several items, all or nothing", async () => {
      await packed().save(id, records(1, 5_000, 250));
      expect(requests.map(({ operation }) => operation)).toEqual(["Query", "PutItem"]);
      requests = [];
      // Random bytes don't get shorter: 30 items in one transaction.
      const large = records(5_001, 30, 90_000, true);
      await packed().save(id, large);
      expect(requests.map(({ operation }) => operation)).toEqual(["Query", "TransactWriteItems"]);
      expect((await packed().load(id)).records.length).toBe(5_030);
      expect((await packed().loadTail(id, 30)).records).toEqual(large);
    });

    it("reads an item of more records than a call takes arguments, and goes on behind it", async () => {
      await packed().save(id, records(1, 200_000, 1));
      await packed().save(id, records(200_001, 1));
      expect((await packed().loadTail(id, 190_000)).records[0]?.version).toBe(10_002n);
    });

    it("packs no more than a reader unpacks", async () => {
      const large = new Uint8Array(400_000);
      const many = records(1, 180).map((record) => ({ ...record, data: large }));
      await packed().save(id, many);
      expect((await packed().load(id)).records.length).toBe(180);
    });

    it("looks at the end, and refuses to begin elsewhere", async () => {
      await packed().save(id, records(1, 5));
      expect(requests.map(({ operation }) => operation)).toEqual(["Query", "PutItem"]);
      for (const from of [1, 3, 5, 7]) {
        const error = await failure(packed().save(id, records(from, 2)));
        expect(isProtosourceError(error, "version_conflict") && error.details.version).toBe(BigInt(from));
      }
      await packed().save(id, records(6, 2));
      expect((await packed().load(id)).records.length).toBe(7);
    });

    it.each(["compatible", "packed"] as const)("restores nothing over what a packed item holds: %s", async (layout) => {
      await packed().save(id, records(1, 5));
      for (const [from, count, taken] of [
        [1, 1, 1n],
        [3, 1, 3n],
        [2, 200, 2n],
        [5, 3, 5n],
      ] as const) {
        const error = await failure(store({ layout }).restore(id, records(from, count)));
        expect(isProtosourceError(error, "version_conflict") && error.details.version).toBe(taken);
      }
      await store({ layout }).restore(id, records(6, 150));
      expect(await versions(store().events(id))).toEqual(upTo(155));
    });

    it("lets one of several racing writers win", async () => {
      await packed().save(id, records(1, 3));
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) => packed().save(id, records(4, 2 + i))),
      );
      expect(results.filter(({ status }) => status === "fulfilled").length).toBe(1);
      await packed().load(id);
    });

    it("finds an overlap on load", async () => {
      await packed().save(id, records(1, 5));
      // A writer that doesn't pack doesn't look.
      await store().save(id, records(4, 1));
      const error = await failure(packed().load(id));
      expect(isProtosourceError(error, "corrupt_stream") && error.details).toEqual({
        aggregateId: id,
        problem: "overlap",
        version: 4n,
      });
    });

    it("repeats a save of its own without doubling it", async () => {
      const commitId = crypto.getRandomValues(new Uint8Array(8));
      for (let i = 0; i < 3; i++) await packed().save(id, records(1, 5), { commitId });
      expect((await packed().load(id)).records.length).toBe(5);
    });
  });
});
