import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  isProtosourceError,
  type RebuildFailure,
  type RebuildOptions,
  type RebuildProgress,
  Repository,
  rebuild,
} from "protosource-es";
import { MemoryOpaqueStore, type MemoryRows, MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { decompress } from "protosource-es/serializer";
import { FakeClock } from "protosource-es/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { OrderSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { defineTest, type TestTypes, testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";

const test = defineTest();
const START = 1_800_000_000_000_000n;

let clock: FakeClock;
let streams: MemoryStreams;
let rows: MemoryRows;
let opaqueStore: MemoryOpaqueStore;
let store: MemoryStore;
let orders: Repository<OrderTypes>;
let tests: Repository<TestTypes>;

beforeEach(() => {
  clock = new FakeClock(START);
  streams = new Map();
  rows = new Map();
  opaqueStore = new MemoryOpaqueStore({ clock, rows });
  store = new MemoryStore({ clock, streams, opaqueStore });
  orders = new Repository(order, store, { clock });
  tests = new Repository(test, store, { clock });
});

/** Makes orders of 1 to 4 events, and as many tests with snapshots. */
async function fill(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const id = `${i}`;
    await orders.apply(orderCommands.Create({ id, customerId: `c-${i % 3}`, actor: "ann" }));
    for (let item = 0; item < i % 4; item++) {
      const added = { itemId: `i-${item}`, priceCents: 100n, quantity: item + 1 };
      await orders.apply(orderCommands.AddItem({ id, item: added, actor: "ann" }));
    }
    await tests.apply(testCommands.Create({ id, body: "b", color: "red", actor: "ann" }));
    for (let update = 0; update < i % 5; update++) {
      clock.advanceSeconds(1);
      await tests.apply(testCommands.Update({ id, body: `b${update}`, actor: "ann" }));
    }
  }
}

const run = (options: RebuildOptions = {}): ReturnType<typeof rebuild> =>
  rebuild([order, test], store, opaqueStore, { clock, ...options });

describe("rebuild", () => {
  it.each([
    ["segments", 0],
    ["segments", -1],
    ["segments", 1.5],
    ["concurrency", 0],
    ["concurrency", Number.NaN],
    ["pageSize", 0],
  ])("doesn't pass over everything with %s of %d", async (option, number) => {
    await fill(2);
    await expect(run({ [option]: number })).rejects.toMatchObject({
      code: "invalid_argument",
      details: { argument: option },
    });
  });

  it("makes the rows that the writers made", async () => {
    await fill(25);
    const expected = new Map(rows);
    rows.clear();
    const counts = await run({ pageSize: 3 });
    expect(rows).toEqual(expected);
    expect(counts).toMatchObject({ streams: 50, written: 75, unchanged: 0, newer: 0, failed: 0, otherStreams: 0 });
    expect(counts.records).toBe([...streams.values()].reduce((sum, { size }) => sum + size, 0));
  });

  it("writes only what isn't as it should be", async () => {
    await fill(6);
    const expected = new Map(rows);
    expect(await run()).toMatchObject({ streams: 12, written: 0, unchanged: 18 });
    const [lost, stale, misplaced] = [...rows.keys()] as [string, string, string];
    rows.delete(lost);
    rows.set(stale, { ...(rows.get(stale) as never as object), version: 0n, body: new Uint8Array() } as never);
    rows.set(misplaced, { ...(rows.get(misplaced) as never as object), gsi9pk: "x", gsi9sk: "y" } as never);
    expect(await run()).toMatchObject({ written: 3, unchanged: 15 });
    expect(rows).toEqual(expected);
  });

  it("takes a row for right that another writer left without a version and in an order of its own", async () => {
    await orders.apply(orderCommands.Create({ id: "o", customerId: "c", actor: "ann" }));
    for (const itemId of ["a", "b"]) {
      await orders.apply(orderCommands.AddItem({ id: "o", item: { itemId, quantity: 1 }, actor: "ann" }));
    }
    const foreign = new Map(
      [...rows].map(([key, row]) => {
        if (!key.includes("AGG")) return [key, { ...row, version: 0n }] as const;
        const message = fromBinary(OrderSchema, decompress(row.body, key));
        const items = Object.fromEntries(Object.entries(message.items).toReversed());
        return [key, { ...row, version: 0n, body: toBinary(OrderSchema, { ...message, items }) }] as const;
      }),
    );
    expect([...foreign.values()].map(({ body }) => body)).not.toEqual([...rows.values()].map(({ body }) => body));
    for (const [key, row] of foreign) rows.set(key, row);
    expect(await run()).toMatchObject({ written: 0, unchanged: 2, newer: 0 });
    expect(rows).toEqual(foreign);
    await orders.apply(orderCommands.RemoveItem({ id: "o", itemId: "a", actor: "ann" }));
    for (const [key, row] of foreign) rows.set(key, row);
    expect(await run()).toMatchObject({ written: 2, unchanged: 0 });
  });

  it("makes the rows of one stream alone, without a look at the others", async () => {
    await fill(5);
    const written = new Map(rows);
    rows.clear();
    const streamId = "example_app_order_v1#3";
    expect(await run({ streamId })).toMatchObject({ records: 4, streams: 1, written: 2, otherStreams: 0 });
    expect(rows).toEqual(new Map([...written].filter(([key]) => key.includes("example_app_order_v1#order#id#3"))));
    const refused = run({ streamId, segments: 2 });
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", details: { argument: "segments" } });
  });

  it("writes a row anew that can't be read", async () => {
    await fill(2);
    const expected = new Map(rows);
    for (const [key, row] of rows) rows.set(key, { ...row, body: Uint8Array.of(0x1f, 0x8b, 1) });
    expect(await run()).toMatchObject({ written: 6, failed: 0 });
    expect(rows).toEqual(expected);
  });

  it("compares and writes nothing in a dry run", async () => {
    await fill(6);
    rows.clear();
    expect(await run({ dryRun: true })).toMatchObject({ streams: 12, written: 18 });
    expect(rows.size).toBe(0);
  });

  it("never replaces a row of a later version", async () => {
    await fill(2);
    const later = new Map([...rows].map(([key, row]) => [key, { ...row, version: 99n }]));
    for (const [key, row] of later) rows.set(key, row);
    expect(await run()).toMatchObject({ written: 0, unchanged: 0, newer: 6 });
    expect(rows).toEqual(later);
  });

  it("loses no race with a writer: the later state stays", async () => {
    await fill(1);
    rows.clear();
    const racing = new Proxy(opaqueStore, {
      get(target, name) {
        if (name !== "put") return Reflect.get(target, name).bind(target);
        return async (...args: Parameters<MemoryOpaqueStore["put"]>) => {
          if (args[0].sk === "AGG" && args[0].pk.includes("order")) {
            await orders.apply(orderCommands.AddItem({ id: "0", item: { itemId: "late" }, actor: "bob" }));
          }
          return target.put(...args);
        };
      },
    });
    const counts = await rebuild([order], store, racing, { clock });
    expect(counts).toMatchObject({ newer: 2, written: 0 });
    const states = [...rows.values()].filter(({ pk }) => pk.includes("#order#")).map(({ version }) => version);
    expect(states).toEqual([2n, 2n]);
  });

  it("goes on where it was stopped, and ends with the same rows", async () => {
    await fill(25);
    const expected = new Map(rows);
    rows.clear();
    let progress: RebuildProgress | undefined;
    for (let stops = 0; ; stops++) {
      const stop = new AbortController();
      let pages = 0;
      const onProgress = (told: RebuildProgress): void => {
        progress = JSON.parse(JSON.stringify(told)) as RebuildProgress;
        if (++pages === 3) stop.abort();
      };
      const outcome = await run({ pageSize: 2, segments: 3, resume: progress, onProgress, signal: stop.signal }).catch(
        (error: unknown) => error,
      );
      if (!isProtosourceError(outcome, "cancelled")) {
        expect(outcome).toMatchObject({ failed: 0 });
        expect(stops).toBeGreaterThan(5);
        break;
      }
    }
    expect(rows).toEqual(expected);
    await expect(run({ segments: 2, resume: progress })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("leaves streams of other aggregates alone, and tells of streams that can't be read", async () => {
    await fill(3);
    rows.clear();
    streams.get("example_app_order_v1#1")?.delete(1n);
    const broken = create(StoredRecordSchema, { version: 1n, data: Uint8Array.of(1, 2, 3) });
    streams.set("example_app_order_v1#broken", new Map([[1n, { record: broken, commitId: "" }]]));
    const failures: RebuildFailure[] = [];
    const counts = await rebuild([order], store, opaqueStore, {
      clock,
      onFailure: (failure) => failures.push(failure),
    });
    expect(counts).toMatchObject({ streams: 2, otherStreams: 3, failed: 2, written: 4 });
    expect(failures.map(({ streamId }) => streamId).toSorted()).toEqual([
      "example_app_order_v1#1",
      "example_app_order_v1#broken",
    ]);
    expect(failures.map(({ error }) => (error as { code: string }).code).toSorted()).toEqual([
      "corrupt_record",
      "corrupt_stream",
    ]);
  });

  it("lets rows expire when their writers would, and makes none of what has expired", async () => {
    await fill(2);
    const expected = new Map([...rows].filter(([key]) => key.includes("#test#")));
    clock.advanceSeconds(3600);
    for (const key of expected.keys()) rows.delete(key);
    await rebuild([test], store, opaqueStore, { clock });
    expect(new Map([...rows].filter(([key]) => key.includes("#test#")))).toEqual(expected);
    for (const key of expected.keys()) rows.delete(key);
    clock.advanceSeconds(90_000);
    expect(await rebuild([test], store, opaqueStore, { clock })).toMatchObject({ streams: 0, expiredStreams: 2 });
  });

  it("ends at once when a store can't be reached, and waits as it is told to", async () => {
    await fill(5);
    let paced = 0;
    const pace = async (): Promise<void> => {
      paced++;
    };
    await run({ pace });
    expect(paced).toBeGreaterThan(10);
    const unreachable = new Proxy(opaqueStore, {
      get: () => async () => {
        throw Object.assign(new Error("[unavailable] down"), { name: "ProtosourceError", code: "unavailable" });
      },
    });
    await expect(rebuild([order, test], store, unreachable, { clock })).rejects.toMatchObject({ code: "unavailable" });
  });

  it("is cancelled, and not unavailable, when its signal ends a request", async () => {
    await fill(5);
    const stop = new AbortController();
    const aborted = new Proxy(opaqueStore, {
      get: () => async () => {
        stop.abort();
        throw Object.assign(new Error("[unavailable] down"), { name: "ProtosourceError", code: "unavailable" });
      },
    });
    const rebuilding = rebuild([order], store, aborted, { clock, signal: stop.signal });
    await expect(rebuilding).rejects.toMatchObject({ code: "cancelled" });
  });

  it("refuses an aggregate that is given twice", async () => {
    await expect(rebuild([order, order], store, opaqueStore)).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("does nothing when it is cancelled before it begins", async () => {
    await expect(run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
  });
});
