/** Which workers read a shard, where there are more of them than it serves. */
import { isProtosourceError } from "../errors.js";
import { sleep, withEither } from "../signals.js";
import type { PositionStore } from "../store/positions.js";
import type { ShardName } from "./change-requests.js";

/** How workers share shards. Those of one group have the same subscriptions. */
export interface ShardLeases {
  /** Where it is kept who reads what: the store of the positions. */
  readonly store: Pick<PositionStore, "readMark" | "setMark">;
  /** Names the group: letters, digits, "_", "." and "-". Name it anew when its subscriptions change. */
  readonly group: string;
  /** How many workers of the group read a shard. 2 by default, which is what DynamoDB serves, other readers included. */
  readonly readers?: number | undefined;
  /** Milliseconds after which a worker that doesn't say that it is there loses its place. 30,000 by default. */
  readonly leaseMs?: number | undefined;
}

const READERS = 2;
const LEASE_MS = 30_000;

/** How many times a worker says in that time that it is there, and those without a place look for one. */
const LOOKS = 6;

/** What is kept in a place of a shard that was read to its end, and rung for. A worker's own numbers are above. */
const READ = 1n;

/**
 * Reads a shard once there is a place, and again from its beginning after a place was lost, until `read` tells that the
 * shard has ended and is done. It ends too when another worker has done all of the shard, or it isn't `listed` any more.
 *
 * Nobody's clock is compared with another's: a place is free when what is kept in it hasn't changed for the time of a
 * lease. Whoever loses its place without knowing reads on for a while, which does no harm. Price: a read unit for each look
 * of a worker without a place, and a write unit for each time that one says it is there.
 */
export async function readLeased(
  shard: ShardName,
  leases: ShardLeases,
  signal: AbortSignal,
  isListed: () => boolean,
  read: (signal: AbortSignal) => Promise<boolean>,
): Promise<void> {
  const places = new Places(shard, leases);
  while (!signal.aborted && isListed()) {
    const place = await places.find(signal);
    if (place === "read") return;
    if (place !== undefined && (await whileHeld(place, leases, signal, read))) return;
    await sleep(stepMs(leases) * (0.75 + Math.random() / 2), signal);
  }
}

/** Forgets what is kept of a shard that isn't there any more. */
export async function forgetShard(shard: ShardName, { store, group, ...leases }: ShardLeases): Promise<void> {
  for (const mark of marksOf(shard, leases)) await store.setMark(group, mark, 0n);
}

/** A place that a worker has taken, and the number that it keeps there. */
interface Place {
  readonly mark: string;
  readonly value: bigint;
}

/** The places of a shard, as one worker sees them. */
class Places {
  readonly #shard: ShardName;
  readonly #leases: ShardLeases;
  /** What was kept in each place, and since when it is the same. */
  readonly #seen = new Map<string, { readonly value: bigint; readonly since: number }>();

  constructor(shard: ShardName, leases: ShardLeases) {
    this.#shard = shard;
    this.#leases = leases;
  }

  /** Takes a place, if one is free. Undefined where none is, and where the store doesn't answer for now. */
  async find(signal: AbortSignal): Promise<Place | "read" | undefined> {
    const { store, group } = this.#leases;
    try {
      for (const mark of marksOf(this.#shard, this.#leases)) {
        const was = await store.readMark(group, mark, { signal });
        if (was === READ) return "read";
        if (!this.#isFree(mark, was)) continue;
        const value = newValue();
        if (await store.setMark(group, mark, value, { was, signal })) return { mark, value };
      }
    } catch (error) {
      if (!signal.aborted && !isProtosourceError(error, "unavailable")) throw error;
    }
    return undefined;
  }

  #isFree(mark: string, value: bigint): boolean {
    if (value === 0n) return true;
    const { leaseMs = LEASE_MS } = this.#leases;
    const now = performance.now();
    const seen = this.#seen.get(mark);
    if (seen?.value === value) return now - seen.since >= leaseMs;
    this.#seen.set(mark, { value, since: now });
    return false;
  }
}

/** Reads while a place is held, and tells whether the shard is done. */
async function whileHeld(
  { mark, value }: Place,
  leases: ShardLeases,
  signal: AbortSignal,
  read: (signal: AbortSignal) => Promise<boolean>,
): Promise<boolean> {
  const { store, group, leaseMs = LEASE_MS } = leases;
  const over = new AbortController();
  let held = value;
  const renewing = withEither(signal, over.signal, async (either) => {
    for (let renewed = performance.now(); ; ) {
      await sleep(stepMs(leases), either);
      if (either.aborted) return;
      const next = newValue();
      try {
        if (!(await store.setMark(group, mark, next, { was: held, signal: either }))) return over.abort();
        held = next;
        renewed = performance.now();
      } catch {
        // Others take the place when they have seen it unchanged for that long.
        if (performance.now() - renewed >= leaseMs) return over.abort();
      }
    }
  });
  let isDone = false;
  try {
    isDone = await withEither(signal, over.signal, read);
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    over.abort();
    await renewing;
    // Without this the place is free a little later.
    await store.setMark(group, mark, isDone ? READ : 0n, { was: held }).catch(() => {});
  }
  return isDone;
}

function marksOf({ streamArn, shardId }: ShardName, { readers = READERS }: Pick<ShardLeases, "readers">): string[] {
  return Array.from({ length: readers }, (_, i) => `${streamArn} ${shardId} ${i}`);
}

function stepMs({ leaseMs = LEASE_MS }: ShardLeases): number {
  return leaseMs / LOOKS;
}

/** A number that nobody has kept before. */
function newValue(): bigint {
  const [random = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return (random >> 2n) + READ + 1n;
}
