/** What a store promises about the order in which it was appended to. */
import type { FeedEntry, FeedStore } from "../../store/feed.js";
import type { EventStore } from "../../store/store.js";
import { expectEqual, expectError, expectTrue } from "./assertions.js";
import type { ConformanceCase, ConformanceContext } from "./conformance-case.js";
import { records } from "./sample-records.js";

/** The cases of feeds. */
export const feedCases: readonly ConformanceCase[] = [
  {
    name: "feed: it gives what was saved in the order of the saves, each at a position of its own",
    needs: ["feed"],
    async run(context) {
      const { store, end, stream } = await open(context);
      await store.save(stream("a"), records(1n, 2n));
      await store.save(stream("b"), records(1n, 1n));
      await store.saveAll([
        { aggregateId: stream("a"), records: records(3n, 3n) },
        { aggregateId: stream("c"), records: records(1n, 2n) },
      ]);
      const found = await readAll(store, end);
      expectEqual(
        found.map(({ aggregateId, record }) => `${aggregateId} ${record.version}`),
        ["a 1", "a 2", "b 1", "a 3", "c 1", "c 2"].map((text) => stream(text)),
        "what the feed gives",
      );
      expectEqual(
        found.map(({ position }) => position),
        found.map((_, i) => end + BigInt(i) + 1n),
        "positions",
      );
      expectEqual(await readAll(store, end, 1), found, "the feed, one by one");
      expectEqual(await store.readFeed(end + 3n), found.slice(3), "the feed behind a position");
    },
  },
  {
    name: "feed: a save that is refused, and one that is repeated, take no position",
    needs: ["feed"],
    async run(context) {
      const { store, end, stream } = await open(context);
      const commitId = Uint8Array.of(9, 8, 7, 6, 5, 4, 3, 2);
      await store.save(stream("a"), records(1n, 2n), { commitId });
      await store.save(stream("a"), records(1n, 2n), { commitId });
      await expectError("version_conflict", store.save(stream("a"), records(2n, 3n)));
      await store.save(stream("a"), records(3n, 3n));
      const found = await readAll(store, end);
      expectEqual(
        found.map(({ position, record }) => [position - end, record.version]),
        [
          [1n, 1n],
          [2n, 2n],
          [3n, 3n],
        ],
        "positions and versions",
      );
    },
  },
  {
    name: "feed: many writers leave no gap, and a reader beside them sees each record once",
    needs: ["feed"],
    async run(context) {
      const { store, end, stream } = await open(context);
      const clients = await Promise.all([context.open(), context.open(), context.open()]);
      const writers = clients.map(async (client, i) => {
        for (let version = 1n; version <= 20n; version++) {
          await client.store.save(stream(`w${i}`), records(version, version));
        }
      });
      const seen: string[] = [];
      let after = end;
      const reader = (async () => {
        while (seen.length < 60) {
          for (const { position, aggregateId, record } of await store.readFeed(after, { limit: 7 })) {
            expectEqual(position, after + 1n, "position");
            seen.push(`${aggregateId} ${record.version}`);
            after = position;
          }
          await new Promise((resolve) => setTimeout(resolve));
        }
      })();
      await Promise.all([...writers, reader]);
      expectEqual(new Set(seen).size, 60, "different records");
    },
  },
  {
    name: "feed: who waits is woken by a save, also by another client's, and by the signal",
    needs: ["feed"],
    async run(context) {
      const { store, end, stream } = await open(context);
      const other = (await context.open()).store;
      await store.save(stream("a"), records(1n, 1n));
      await store.awaitFeed(end);
      for (const [i, client] of [store, other].entries()) {
        const waiting = store.awaitFeed(end + BigInt(i) + 1n);
        await client.save(stream(`b${i}`), records(1n, 1n));
        await waiting;
      }
      const controller = new AbortController();
      const waiting = store.awaitFeed(end + 3n, { signal: controller.signal });
      controller.abort();
      await waiting;
      await store.awaitFeed(end + 3n, { signal: controller.signal });
    },
  },
  {
    name: "feed: its end is a position behind which nothing is stored, but all that is saved from then on",
    needs: ["feed"],
    async run(context) {
      const { store, stream } = await open(context);
      for (const name of ["a", "b"]) {
        const end = await store.feedEnd();
        expectEqual(await store.readFeed(end), [], "what is behind the end");
        await store.save(stream(name), records(1n, 2n));
        const found = await readAll(store, end);
        expectEqual(
          found.map(({ aggregateId }) => aggregateId),
          [stream(name), stream(name)],
          "what was saved since",
        );
        expectEqual(await store.feedEnd(), found.at(-1)?.position, "the end");
      }
    },
  },
  {
    name: "feed: positions and limits that can't be are invalid_argument, and an aborted signal cancels",
    needs: ["feed"],
    async run(context) {
      const { store } = await open(context);
      await expectError("invalid_argument", store.readFeed(-1n), { argument: "after" });
      await expectError("invalid_argument", store.awaitFeed(-1n), { argument: "after" });
      await expectError("invalid_argument", store.readFeed(0n, { limit: 0 }), { argument: "limit" });
      await expectError("cancelled", store.readFeed(0n, { signal: AbortSignal.abort() }));
      await expectError("cancelled", store.feedEnd({ signal: AbortSignal.abort() }));
    },
  },
];

interface Opened {
  readonly store: EventStore & FeedStore;
  /** The last position before the case. */
  readonly end: bigint;
  stream(name: string): string;
}

async function open(context: ConformanceContext): Promise<Opened> {
  const opened = await context.open();
  expectTrue(typeof opened.store.readFeed === "function", "a store with the capability feed has readFeed");
  const store = opened.store as EventStore & FeedStore;
  const before = await readAll(store, 0n, 1000);
  return { store, end: before.at(-1)?.position ?? 0n, stream: (name) => context.id(name) };
}

async function readAll(store: FeedStore, after: bigint, limit?: number): Promise<FeedEntry[]> {
  const found: FeedEntry[] = [];
  for (let last = after; ; ) {
    const page = await store.readFeed(last, { limit });
    found.push(...page);
    const end = page.at(-1)?.position;
    if (end === undefined) return found;
    last = end;
  }
}
