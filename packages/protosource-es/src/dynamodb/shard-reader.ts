/** Reads one shard of a stream from its oldest record to its end. */
import { sleep } from "../signals.js";
import { type ChangeRequests, type ShardName, shardProblem } from "./change-requests.js";
import type { ChangeRecord } from "./streams-client.js";

/** Some records of a shard. */
export interface ShardPage {
  readonly records: readonly ChangeRecord[];
  /** Whether records were trimmed between these and those before. */
  readonly missed: boolean;
}

/**
 * Gives a shard's records as they come, until it ends: it was closed and is read, or it isn't there any more. A shard is
 * closed when it says so itself, and not when its description has a last number, which some engines show of open ones.
 *
 * Throws what the requests throw, but for what passes.
 */
export async function* readShard(
  requests: ChangeRequests,
  shard: ShardName,
  idleMs: number,
  signal: AbortSignal,
): AsyncGenerator<ShardPage, void, undefined> {
  let last: string | undefined;
  let iterator: string | undefined;
  let missed = false;
  for (;;) {
    try {
      iterator ??= await requests.openShard(shard, last, signal);
      if (iterator === undefined) return;
      const { records, next } = await requests.readRecords(iterator, signal);
      if (records.length > 0) {
        yield { records, missed };
        last = records.at(-1)?.dynamodb?.SequenceNumber ?? last;
        missed = false;
      }
      if (next === undefined) return;
      iterator = next;
      if (records.length === 0) await sleep(idleMs, signal);
    } catch (error) {
      const problem = shardProblem(error);
      if (problem === undefined) throw error;
      if (problem === "missing") {
        // Nobody knows what was still in it.
        yield { records: [], missed: true };
        return;
      }
      if (problem !== "busy") iterator = undefined;
      if (problem === "trimmed") {
        missed ||= last !== undefined;
        last = undefined;
      }
      if (problem !== "expired") await sleep(idleMs, signal);
    }
  }
}
