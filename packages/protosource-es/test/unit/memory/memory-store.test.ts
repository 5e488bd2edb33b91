import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { isProtosourceError } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore, type MemoryStreams } from "protosource-es/memory";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { OpaqueDataSchema, type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";

function records(first: bigint, count: number): StoredRecord[] {
  return Array.from({ length: count }, (_, i) =>
    create(StoredRecordSchema, { version: first + BigInt(i), data: Uint8Array.of(i) }),
  );
}

describe("MemoryStore", () => {
  test("has an OpaqueStore of its own, on the same clock", async () => {
    const clock = new FakeClock();
    const { opaqueStore } = new MemoryStore({ clock });
    const row = create(OpaqueDataSchema, { pk: "a", sk: "AGG", t: clock.now() / 1_000_000n + 10n });
    await opaqueStore.put(row);
    expect((await opaqueStore.get(row))?.pk).toBe("a");
    clock.advanceSeconds(10);
    expect(await opaqueStore.get(row)).toBeUndefined();
  });

  test("takes another OpaqueStore", () => {
    const opaqueStore = new MemoryOpaqueStore();
    expect(new MemoryStore({ opaqueStore }).opaqueStore).toBe(opaqueStore);
  });

  test("appends behind all that is stored of a stream, also where its beginning or a part is gone", async () => {
    const store = new MemoryStore();
    await store.restore("a", records(5n, 2));
    for (const gone of [1n, 2n]) {
      expect(await failure(store.save("a", records(gone, 1)))).toMatchObject({
        code: "version_conflict",
        details: { aggregateId: "a", version: 5n },
      });
      await store.restore("a", records(gone, 1));
    }
    await store.restore("a", records(3n, 2));
    await store.save("a", records(7n, 1));
  });

  test("scans in order what its streams are now, also where their keeper took one away and put another there", async () => {
    const streams: MemoryStreams = new Map();
    const [one, other] = [new MemoryStore({ streams }), new MemoryStore({ streams })];
    const found = async (): Promise<readonly string[]> =>
      (await other.scan()).records.map(({ aggregateId }) => aggregateId);
    await one.save("b", records(1n, 1));
    await one.save("a", records(1n, 1));
    expect(await found()).toEqual(["a", "b"]);
    streams.delete("a");
    await one.save("c", records(1n, 1));
    expect(await found()).toEqual(["b", "c"]);
    await one.save("a", records(1n, 1));
    expect(await found()).toEqual(["a", "b", "c"]);
    streams.delete("b");
    expect(await found()).toEqual(["a", "c"]);
  });

  test("scans a long stream page by page without copying what lies behind each page", async () => {
    const streams: MemoryStreams = new Map();
    const store = new MemoryStore({ streams });
    await store.save("a", records(1n, 200));
    let copied = 0;
    for (const { record } of streams.get("a")?.values() ?? []) {
      const { data } = record;
      Object.defineProperty(record, "data", {
        get() {
          copied++;
          return data;
        },
      });
    }
    let cursor: string | undefined;
    let found = 0;
    do {
      const page = await store.scan({ aggregateId: "a", limit: 10, cursor });
      found += page.records.length;
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(found).toBe(200);
    expect(copied).toBeLessThan(2 * 200);
  });

  test("refuses a cursor whose version can't be", async () => {
    const store = new MemoryStore();
    await store.save("a", records(1n, 2));
    const { cursor = "" } = await store.scan({ limit: 1 });
    const at = (version: string): string => {
      const [index, of, stream] = JSON.parse(Buffer.from(cursor, "base64url").toString());
      return Buffer.from(JSON.stringify([index, of, stream, version])).toString("base64url");
    };
    const last = 2n ** 63n - 1n;
    expect((await store.scan({ cursor: at("1") })).records).toHaveLength(1);
    expect((await store.scan({ cursor: at(`${last}`) })).records).toEqual([]);
    for (const version of [`${last + 1n}`, "9999999999999999999", "-1", "1.5", ""]) {
      const error = await failure(store.scan({ cursor: at(version) }));
      expect(isProtosourceError(error, "invalid_argument") && error.details.argument).toBe("cursor");
    }
  });

  test("works without options, on the machine's clock", async () => {
    const store = new MemoryStore({ ttlSeconds: 3600 });
    await store.save("a", records(1n, 1));
    const [record] = (await store.load("a")).records;
    const inAnHour = BigInt(Math.floor(Date.now() / 1000)) + 3600n;
    expect(Number(inAnHour - (record?.ttl ?? 0n))).toBeLessThan(60);
    expect((await new MemoryStore().load("a")).records).toEqual([]);
  });

  test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 9_223_372_037])(
    "refuses a time to live of %s",
    (ttlSeconds) => {
      expect(() => new MemoryStore({ ttlSeconds })).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    },
  );

  test("refuses rows in a transaction that another kind of store would keep, and stores nothing", async () => {
    const memory = new MemoryOpaqueStore();
    const foreign: OpaqueStore = {
      put: (row) => memory.put(row),
      get: (key) => memory.get(key),
      delete: (key) => memory.delete(key),
      query: (query) => memory.query(query),
    };
    const store = new MemoryStore({ opaqueStore: foreign });
    const row = create(OpaqueDataSchema, { pk: "a", sk: "AGG" });
    const saved = store.saveAll([{ aggregateId: "a", records: records(1n, 1) }], { rows: [{ row }] });
    await expect(saved).rejects.toMatchObject({ code: "invalid_argument", details: { argument: "rows" } });
    expect((await store.load("a")).records).toEqual([]);
    expect(await memory.get(row)).toBeUndefined();
  });

  test("law: a stream is the sum of the saves that were accepted", async () => {
    const save = fc.record({ first: fc.bigInt({ min: 1n, max: 12n }), count: fc.integer({ min: 0, max: 4 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(save, { maxLength: 20 }), async (saves) => {
        const store = new MemoryStore();
        let end = 0n;
        for (const { first, count } of saves) {
          const isAccepted = await store.save("a", records(first, count)).then(
            () => true,
            (error: unknown) => {
              expect(isProtosourceError(error, "version_conflict")).toBe(true);
              return false;
            },
          );
          expect(isAccepted).toBe(count === 0 || first === end + 1n);
          if (isAccepted) end += BigInt(count);
        }
        const versions = (await store.load("a")).records.map(({ version }) => version);
        expect(versions).toEqual(Array.from({ length: Number(end) }, (_, i) => BigInt(i) + 1n));
      }),
    );
  });

  test("law: a tail is the end of the stream, whatever has expired", async () => {
    const ttls = fc.array(fc.boolean(), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(ttls, fc.integer({ min: -2, max: 15 }), fc.boolean(), async (expires, n, includeExpired) => {
        const clock = new FakeClock();
        const store = new MemoryStore({ clock });
        const ttl = clock.now() / 1_000_000n + 1n;
        // Only a stream's beginning expires: a hole would be corrupt.
        const expired = expires.filter(Boolean).length;
        const saved = records(1n, expires.length).map((record, i) => ({ ...record, ttl: i < expired ? ttl : 0n }));
        await store.save("a", saved);
        clock.advanceSeconds(1);
        const whole = (await store.load("a", { includeExpired })).records;
        expect(whole).toHaveLength(includeExpired ? expires.length : expires.length - expired);
        const tail = (await store.loadTail("a", n, { includeExpired })).records;
        expect(tail).toEqual(n > 0 ? whole.slice(-n) : []);
      }),
    );
  });
});
