/** Sends the items of a save until their fate is known. */

import { isProtosourceError, ProtosourceError } from "../errors.js";
import { claimTaken } from "../store/claims.js";
import { checkFailed } from "../store/save-checks.js";
import type { DynamoDBClientLike } from "./dynamodb-client.js";
import { isOwnEvent, markedEvents } from "./own-events.js";
import { getEvent, putItem, transaction } from "./requests.js";
import type { RequestOptions, Sent } from "./sending.js";
import { createTableRequests, type TableRequests } from "./table-requests.js";
import { judge, type Refused, type TransactionItem } from "./writes.js";

/**
 * Commits items in one request, all of them or none, and gives those of rows that were left out because the table holds
 * later versions.
 *
 * Throws `version_conflict` when somebody else wrote one of the versions, or the commit id is that of other records, or
 * a check fails; `claim_taken` when a value belongs to somebody else; and `unavailable` with the commit id when nobody
 * knows. A request whose answer was lost is sent again, and its own items are known by their commit id and what they
 * hold. Puts of rows alone have none, and need none: they can be repeated.
 *
 * Another failure than a conflict, after an attempt without an answer, says nothing of that one: a value may become free
 * again, and who is denied now wasn't then. It leaves the outcome unknown.
 */
export type Committer = (
  items: readonly TransactionItem[],
  commitId: Uint8Array | undefined,
  signal: AbortSignal | undefined,
) => Promise<readonly TransactionItem[]>;

/** How often items are sent anew for rows that are in their way. Each time somebody else has changed a row. */
const MAX_ROUNDS = 20;

/** The failures that are those of every attempt that is still under way: versions and positions only grow. */
const OUTCOMES = ["version_conflict", "position_conflict"] as const;

/** Makes a committer. */
export function createCommitter(client: DynamoDBClientLike, options: RequestOptions): Committer {
  const requests = createTableRequests(client, options);
  // What is left to do after a save ran out of time gets the time of one attempt.
  const { attemptMs } = options.timeLimits ?? {};
  const once = createTableRequests(client, { ...options, timeLimits: { attemptMs, totalMs: attemptMs ?? 5_000 } });

  const isStored = async (items: readonly TransactionItem[]): Promise<boolean> => {
    const marked = markedEvents(items);
    for (const event of marked) {
      const input = getEvent(String(event.put.TableName), event.aggregateId, event.version);
      const { output } = await once.getItem(input, undefined);
      if (output?.Item === undefined) return false;
      if (!isOwnEvent(event, output.Item)) throw versionConflict(event.aggregateId, event.version);
    }
    return marked.length > 0;
  };

  return async (items, commitId, signal) => {
    let left = items;
    let inDoubt = false;
    for (let round = 1; left.length > 0; round++) {
      try {
        const sent = await sendItems(requests, left, signal);
        inDoubt ||= sent.inDoubt ?? false;
        if (sent.refusals === undefined) break;
        const verdict = judge(left, sent.refusals, commitId);
        if (verdict.kind === "stored") break;
        if (verdict.kind === "partly seen") {
          inDoubt = true;
          if (await isStored(left)) break;
        }
        if (verdict.kind !== "again") throw refusalOf(verdict);
        if (round === MAX_ROUNDS) throw rowContention();
        left = verdict.items;
      } catch (error) {
        if (OUTCOMES.some((code) => isProtosourceError(error, code))) throw error;
        inDoubt ||= isProtosourceError(error, "unavailable") && error.details.outcome === "unknown";
        // A read that fails leaves the save in doubt, and the error to throw is the save's own.
        if (inDoubt && (await isStored(left).catch(rethrowConflict))) break;
        throw inDoubt ? doubtful(error, commitId) : withCommitId(error, commitId);
      }
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

/** Gives the error of what was refused for good. */
function refusalOf(verdict: Refused): ProtosourceError {
  switch (verdict.kind) {
    case "conflict":
    case "partly seen":
      return versionConflict(verdict.aggregateId, verdict.version);
    case "moved":
      return verdict.error;
    case "check failed":
      return checkFailed(verdict.aggregateId, verdict.version);
    case "taken":
      return claimTaken(verdict.scope, verdict.owner);
    case "rejected":
      return new ProtosourceError(
        "invalid_argument",
        `DynamoDB refuses an item of the transaction (${verdict.code}): compare the tables with what ensureTables makes`,
        { argument: "records" },
      );
  }
}

function rowContention(): ProtosourceError<"unavailable"> {
  return new ProtosourceError("unavailable", "a row of the save changes faster than it can be written: try again", {
    operation: "PutItem",
    reasons: ["RowContention"],
    outcome: "not_applied",
  });
}

function withCommitId(error: unknown, commitId: Uint8Array | undefined): unknown {
  if (!isProtosourceError(error, "unavailable")) return error;
  return new ProtosourceError("unavailable", error.rawMessage, { ...error.details, commitId }, { cause: error.cause });
}

/**
 * Gives the error of a save that failed while an attempt before may still be carried out: whatever the failure says,
 * nobody knows the outcome.
 */
function doubtful(error: unknown, commitId: Uint8Array | undefined): ProtosourceError<"unavailable"> {
  if (isProtosourceError(error, "unavailable")) {
    const details = { ...error.details, outcome: "unknown", commitId } as const;
    return new ProtosourceError("unavailable", error.rawMessage, details, { cause: error.cause });
  }
  const [code, message] = isProtosourceError(error) ? [error.code, error.rawMessage] : ["error", String(error)];
  return new ProtosourceError(
    "unavailable",
    `${message}. An attempt before wasn't answered, and may be carried out yet: load, and decide again`,
    { operation: "TransactWriteItems", reasons: [code], outcome: "unknown", commitId },
    { cause: error },
  );
}

function rethrowConflict(error: unknown): boolean {
  if (isProtosourceError(error, "version_conflict")) throw error;
  return false;
}
