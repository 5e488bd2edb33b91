/** Sends the items of a save until their fate is known. */

import { isProtosourceError, ProtosourceError } from "../errors.js";
import { claimTaken } from "../store/claims.js";
import { checkFailed } from "../store/save-checks.js";
import type { DynamoDBClientLike } from "./dynamodb-client.js";
import type { Refusal } from "./failures.js";
import { isMarked } from "./items.js";
import { getCommitId, putItem, transaction } from "./requests.js";
import type { RequestOptions, Sent } from "./sending.js";
import { createTableRequests, type TableRequests } from "./table-requests.js";
import { type EventPut, judge, type TransactionItem } from "./writes.js";

/**
 * Commits items in one request, all of them or none, and gives those of rows that were left out because the table holds
 * later versions.
 *
 * Throws `version_conflict` when somebody else wrote one of the versions or a check fails, `claim_taken` when a value
 * belongs to somebody else, and `unavailable` with the commit id when nobody knows. A request whose answer was lost is
 * sent again, and its own items are known by their commit id. Puts of rows alone have none, and need none: they can be
 * repeated.
 *
 * A version that is there stays there, so that a conflict is one for each attempt that is still under way. A value may
 * become free again: after an attempt without an answer, one that is taken leaves the outcome unknown.
 */
export type Committer = (
  items: readonly TransactionItem[],
  commitId: Uint8Array | undefined,
  signal: AbortSignal | undefined,
) => Promise<readonly TransactionItem[]>;

/** How often items are sent anew for rows that are in their way. Each time somebody else has changed a row. */
const MAX_ROUNDS = 20;

/** Makes a committer. */
export function createCommitter(client: DynamoDBClientLike, options: RequestOptions): Committer {
  const requests = createTableRequests(client, options);
  // What is left to do after a save ran out of time gets the time of one attempt.
  const { attemptMs } = options.timeLimits ?? {};
  const once = createTableRequests(client, { ...options, timeLimits: { attemptMs, totalMs: attemptMs ?? 5_000 } });

  const isStored = async (items: readonly TransactionItem[], commitId: Uint8Array | undefined): Promise<boolean> => {
    const first = items.find((item): item is EventPut => item.kind === "event");
    if (!first || !commitId) return false;
    const table = String(first.put.TableName);
    const input = getCommitId(table, first.aggregateId, first.version);
    const { output } = await once.getItem(input, undefined);
    if (output?.Item === undefined) return false;
    if (isMarked(output.Item, commitId)) return true;
    throw versionConflict(first.aggregateId, first.version);
  };

  return async (items, commitId, signal) => {
    let left = items;
    let inDoubt = false;
    for (let round = 1; left.length > 0; round++) {
      let refusals: readonly Refusal[] | undefined;
      try {
        const sent = await sendItems(requests, left, signal);
        ({ refusals } = sent);
        inDoubt ||= sent.inDoubt ?? false;
      } catch (error) {
        if (!isProtosourceError(error, "unavailable")) throw error;
        // A read that fails leaves the save in doubt, and the error to throw is the save's own.
        const stored = error.details.outcome === "unknown" && (await isStored(left, commitId).catch(rethrowConflict));
        if (stored) break;
        throw new ProtosourceError(
          "unavailable",
          error.rawMessage,
          { ...error.details, commitId },
          { cause: error.cause },
        );
      }
      if (refusals === undefined) break;
      const verdict = judge(left, refusals, commitId);
      if (verdict.kind === "stored") break;
      if (verdict.kind === "moved") throw verdict.error;
      if (verdict.kind === "conflict") throw versionConflict(verdict.aggregateId, verdict.version);
      if (verdict.kind === "check failed") throw checkFailed(verdict.aggregateId, verdict.version);
      if (verdict.kind === "taken") {
        const taken = claimTaken(verdict.scope, verdict.owner);
        throw inDoubt ? stillUnderWay(taken, commitId) : taken;
      }
      if (verdict.kind === "rejected") {
        throw new ProtosourceError(
          "invalid_argument",
          `DynamoDB refuses an item of the transaction (${verdict.code}): compare the tables with what ensureTables makes`,
          { argument: "records" },
        );
      }
      if (round === MAX_ROUNDS) {
        throw new ProtosourceError(
          "unavailable",
          "a row of the save changes faster than it can be written: try again",
          {
            operation: "PutItem",
            reasons: ["RowContention"],
            outcome: inDoubt ? "unknown" : "not_applied",
            commitId,
          },
        );
      }
      left = verdict.items;
    }
    return items.filter(
      (item) => item.kind === "row" && !left.some((other) => other.kind === "row" && other.row === item.row),
    );
  };
}

/**
 * Sends one put as PutItem, at half the price of a transaction of one, and anything else as a transaction. A value that
 * may be freed again is taken in a transaction: its token keeps a late copy of the request from taking it once more.
 */
function sendItems(
  requests: TableRequests,
  items: readonly TransactionItem[],
  signal: AbortSignal | undefined,
): Promise<Pick<Sent<object>, "refusals" | "inDoubt">> {
  const [first, ...others] = items;
  const canBeFreed = first?.kind === "claim" && !first.claim.once;
  if (first !== undefined && "put" in first && others.length === 0 && !canBeFreed) {
    return requests.putItem(putItem(first.put), signal);
  }
  const written = items.map((item) => ("put" in item ? { Put: item.put } : item.item));
  return requests.transactWriteItems(transaction(written, crypto.randomUUID()), signal);
}

/** Gives the error of a save that came too late. */
export function versionConflict(aggregateId: string, version: bigint): ProtosourceError<"version_conflict"> {
  return new ProtosourceError(
    "version_conflict",
    `version ${version} of ${aggregateId} exists already: load the stream, decide again and save`,
    { aggregateId, version },
  );
}

/** Gives the error of a save that was refused for a value, while an attempt before may still be carried out. */
function stillUnderWay(
  taken: ProtosourceError<"claim_taken">,
  commitId: Uint8Array | undefined,
): ProtosourceError<"unavailable"> {
  return new ProtosourceError(
    "unavailable",
    `${taken.rawMessage}. An attempt before wasn't answered, and is carried out yet if the value is free when it arrives: load, and decide again`,
    { operation: "TransactWriteItems", reasons: ["claim_taken"], outcome: "unknown", commitId },
    { cause: taken },
  );
}

function rethrowConflict(error: unknown): boolean {
  if (isProtosourceError(error, "version_conflict")) throw error;
  return false;
}
