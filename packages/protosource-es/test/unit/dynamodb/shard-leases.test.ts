/** Workers that share the shards of a stream, by a forged clock and a forged stream. */
import { type DynamoDBStreamsLike, dynamoDBStream } from "protosource-es/dynamodb";
import { MemoryStore } from "protosource-es/memory";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const LEASE_MS = 30_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] }));
afterEach(() => void vi.useRealTimers());

/** A stream of some shards, of which it is noted who reads which. */
class ForgedStream {
  readonly open: Set<string>;
  /** Readers of each shard since the last look. */
  readers = new Map<string, Set<string>>();

  constructor(shards: readonly string[]) {
    this.open = new Set(shards);
  }

  clientOf(worker: string): DynamoDBStreamsLike {
    const StreamArn = "arn:forged";
    return {
      listStreams: async () => ({ Streams: [{ StreamArn }] }),
      describeStream: async () => ({
        StreamDescription: { StreamStatus: "ENABLED", Shards: [...this.open].map((ShardId) => ({ ShardId })) },
      }),
      getShardIterator: async ({ ShardId }) => ({ ShardIterator: ShardId }),
      getRecords: async ({ ShardIterator }) => {
        const readers = this.readers.get(ShardIterator) ?? new Set();
        this.readers.set(ShardIterator, readers.add(worker));
        return { Records: [], ...(ShardIterator.startsWith("closed") ? {} : { NextShardIterator: ShardIterator }) };
      },
    };
  }

  /** Lets time pass, and tells who has read which shard meanwhile. */
  async pass(ms: number): Promise<Readonly<Record<string, readonly string[]>>> {
    this.readers = new Map();
    await vi.advanceTimersByTimeAsync(ms);
    return Object.fromEntries([...this.readers].map(([shard, readers]) => [shard, [...readers]]));
  }
}

/** Starts a worker, which ends, or is cut off from its store without a word. */
function start(stream: ForgedStream, store: MemoryStore, worker: string, readers?: number) {
  const end = new AbortController();
  let isCut = false;
  const unlessCut = <T>(answer: () => Promise<T>): Promise<T> => (isCut ? new Promise<T>(() => {}) : answer());
  const marks = {
    readMark: (...args: Parameters<MemoryStore["readMark"]>) => unlessCut(() => store.readMark(...args)),
    setMark: (...args: Parameters<MemoryStore["setMark"]>) => unlessCut(() => store.setMark(...args)),
  };
  const client = stream.clientOf(worker);
  const source = dynamoDBStream(
    { ...client, getRecords: (input) => unlessCut(() => client.getRecords(input)) },
    { idleMs: 1_000, leases: { store: marks, group: "workers", leaseMs: LEASE_MS, readers } },
  );
  const listening = (async () => {
    for await (const _ of source.listen({ signal: end.signal }));
  })();
  return {
    async end() {
      end.abort();
      await listening;
    },
    cut() {
      isCut = true;
    },
  };
}

test.each([
  [undefined, 2],
  [1, 1],
])("each shard has %s readers, however many workers there are", async (readers, most) => {
  const stream = new ForgedStream(["a", "b", "c"]);
  const store = new MemoryStore();
  const workers = ["1", "2", "3", "4", "5"].map((worker) => start(stream, store, worker, readers));
  await stream.pass(LEASE_MS);
  for (let i = 0; i < 10; i++) {
    const reading = await stream.pass(LEASE_MS);
    expect(Object.values(reading).map(({ length }) => length)).toEqual([most, most, most]);
  }
  await Promise.all(workers.map((worker) => worker.end()));
});

test("a worker that ends leaves its place at once, and one that is gone after the time of a lease", async () => {
  const stream = new ForgedStream(["a"]);
  const store = new MemoryStore();
  const one = start(stream, store, "one", 1);
  await stream.pass(1_000);
  const two = start(stream, store, "two", 1);
  expect(await stream.pass(LEASE_MS * 3)).toEqual({ a: ["one"] });
  await one.end();
  expect(await stream.pass(LEASE_MS / 3)).toEqual({ a: ["two"] });
  const three = start(stream, store, "three", 1);
  await stream.pass(LEASE_MS);
  two.cut();
  expect(await stream.pass(LEASE_MS * 0.7)).toEqual({});
  expect(await stream.pass(LEASE_MS)).toEqual({ a: ["three"] });
  await three.end();
});

test("a shard that was read to its end isn't read again, and is forgotten when it is gone", async () => {
  const stream = new ForgedStream(["closed-a", "b"]);
  const store = new MemoryStore();
  const setMark = vi.spyOn(store, "setMark");
  const workers = [start(stream, store, "one", 1)];
  expect(await stream.pass(LEASE_MS)).toEqual({ "closed-a": ["one"], b: ["one"] });
  workers.push(start(stream, store, "two", 1));
  expect(await stream.pass(LEASE_MS * 3)).toEqual({ b: ["one"] });
  stream.open.delete("closed-a");
  await stream.pass(LEASE_MS);
  await Promise.all(workers.map((worker) => worker.end()));
  const kept = new Map(setMark.mock.calls.map(([group, mark]) => [mark, store.readMark(group, mark)]));
  expect(kept.size).toBe(2);
  for (const value of kept.values()) expect(await value).toBe(0n);
});
