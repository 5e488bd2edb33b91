/** Follows the shards of a table's streams as they come and go. */
import { ProtosourceError } from "../errors.js";
import { sleep, withEither } from "../signals.js";
import type { Arrivals } from "./arrivals.js";
import { type ChangeRequests, type ShardName, shardProblem } from "./change-requests.js";
import { forgetShard, readLeased, type ShardLeases } from "./shard-leases.js";
import { readShard, type ShardPage } from "./shard-reader.js";

/** Milliseconds between two looks for shards. That one was closed without a known child is seen at once. */
const FIND_SHARDS_MS = 10_000;

/** How shards are followed. */
export interface ShardFollowing {
  /** Milliseconds between two looks at a shard that brings nothing. */
  readonly idleMs: number;
  /** How workers share the shards; without it, each reads all. */
  readonly leases: ShardLeases | undefined;
}

/**
 * Puts what each shard brings, all shards at once, until the signal is aborted and the last request has ended. It never
 * throws: `take` does then, `not_configured` when no stream is on, and otherwise what the first look for shards throws. A
 * later one may fail for now.
 */
export async function followShards(
  requests: ChangeRequests,
  table: string,
  { idleMs, leases }: ShardFollowing,
  arrivals: Arrivals<ShardPage>,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map<string, ShardName>();
  const following = new Set<Promise<void>>();
  let childIsMissing = new AbortController();

  /** Reads a shard, and tells whether it has ended, and all of it has rung. */
  const read = async (shard: ShardName, signal: AbortSignal): Promise<boolean> => {
    for await (const page of readShard(requests, shard, idleMs, signal)) await arrivals.put(page);
    // It is taken when whoever listens has done with what was taken before.
    if (!signal.aborted) await arrivals.put({ records: [], missed: false });
    return !signal.aborted;
  };

  const follow = async (key: string, shard: ShardName): Promise<void> => {
    if (leases === undefined) await read(shard, signal);
    else
      await readLeased(
        shard,
        leases,
        signal,
        () => known.has(key),
        (signal) => read(shard, signal),
      );
    if (![...known.values()].some((one) => isChild(one, shard))) childIsMissing.abort();
  };

  const look = async (): Promise<void> => {
    const { isOn, shards } = await requests.findShards(signal);
    if (!isOn) throw streamIsOff(table);
    const found = new Map(shards.map((shard) => [`${shard.streamArn} ${shard.shardId}`, shard]));
    for (const [key, shard] of known) {
      if (found.has(key)) continue;
      known.delete(key);
      if (leases) await forgetShard(shard, leases);
    }
    for (const [key, shard] of found) {
      if (known.has(key)) continue;
      known.set(key, shard);
      const followed = follow(key, shard)
        .catch(arrivals.fail)
        .finally(() => following.delete(followed));
      following.add(followed);
    }
  };

  try {
    await look();
    while (!signal.aborted) {
      await withEither(signal, childIsMissing.signal, (either) => sleep(FIND_SHARDS_MS, either));
      childIsMissing = new AbortController();
      await look().catch((error: unknown) => {
        if (shardProblem(error) !== "busy") throw error;
      });
    }
  } catch (error) {
    arrivals.fail(error);
  }
  await Promise.all(following);
}

function isChild({ streamArn, parentId }: ShardName, parent: ShardName): boolean {
  return parentId === parent.shardId && streamArn === parent.streamArn;
}

function streamIsOff(table: string): ProtosourceError<"not_configured"> {
  return new ProtosourceError(
    "not_configured",
    `the table ${table} has no stream that is on, or doesn't exist, so nothing rings: call ensureTables with a feedsTable and repair`,
    { option: "stream" },
  );
}
