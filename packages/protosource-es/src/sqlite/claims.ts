/** Unique values as the table holds them, and the ends of streams: what a transaction asks of others. */
import { equalBytes } from "../opaquedata/equal-bytes.js";
import { claimTaken, isAliveClaim, keepsOut } from "../store/claims.js";
import { checkFailed } from "../store/save-checks.js";
import type { Claim, StoredClaim, StreamCheck } from "../store/store.js";
import { asBytes, asInteger } from "./columns.js";
import { bytesOf, type Connection, type StoredBytes } from "./connection.js";
import type { Call } from "./failures.js";
import { decodeKey, encodeKey } from "./key-text.js";

interface ClaimRow {
  readonly owner: StoredBytes;
  readonly version: bigint;
  readonly ttl: bigint;
  readonly commit_id: StoredBytes;
  readonly purpose: StoredBytes | null;
}

const LAST_VERSION = "SELECT version FROM protosource_events WHERE stream = ? ORDER BY version DESC LIMIT 1";

const COLUMNS = `${asBytes("owner")}, ${asInteger("version")}, ${asInteger("ttl")}, ${asBytes("commit_id")},
  ${asBytes("purpose")}`;

const SELECT = `SELECT ${COLUMNS}
  FROM protosource_claims WHERE scope = ? AND value = ?`;

const SCAN = `SELECT ${asBytes("scope")}, ${asBytes("value")}, ${COLUMNS}
  FROM protosource_claims WHERE (scope, value) > (?, ?)
  ORDER BY protosource_claims.scope, protosource_claims.value LIMIT ?`;

const FREE_OF_COMMIT = `DELETE FROM protosource_claims
  WHERE scope = ? AND value = ? AND owner = ? AND commit_id = ?`;

const TAKE = `INSERT OR REPLACE INTO protosource_claims (scope, value, owner, version, ttl, commit_id, purpose)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;

const FREE = "DELETE FROM protosource_claims WHERE scope = ? AND value = ? AND owner = ?";

const DELETE_EXPIRED = `DELETE FROM protosource_claims WHERE (scope, value) IN (
  SELECT scope, value FROM protosource_claims WHERE ttl > 0 AND ttl <= ? LIMIT ?)`;

/** Sees that a stream ends at a version. To be called in a transaction. Throws `version_conflict`. */
export function checkStream(connection: Connection, call: Call, { aggregateId, version }: StreamCheck): void {
  const [last] = connection.all<{ version: bigint }>(call, LAST_VERSION, encodeKey(aggregateId));
  if ((last?.version ?? 0n) !== version) throw checkFailed(aggregateId, version);
}

/**
 * Takes or frees a claim. To be called in a transaction; `now` is in epoch seconds.
 *
 * Throws `claim_taken` when the value belongs to somebody else, and not since this very save.
 */
export function writeClaim(connection: Connection, call: Call, claim: Claim, commitId: Uint8Array, now: bigint): void {
  const { owner, version = 0n, ttl = 0n, purpose = null, release } = claim;
  const key = [encodeKey(claim.scope), encodeKey(claim.value)] as const;
  if (release) {
    connection.run(call, FREE, ...key, encodeKey(owner));
    return;
  }
  const [stored] = connection.all<ClaimRow>(call, SELECT, ...key);
  if (stored && !isOf(stored, commitId)) {
    const other = claimOf(stored);
    if (keepsOut(other, claim, now)) throw claimTaken(claim.scope, other.owner);
  }
  connection.run(call, TAKE, ...key, encodeKey(owner), version, ttl, commitId, purpose);
}

/** Reads a claim that hasn't expired. */
export function readClaim(
  connection: Connection,
  call: Call,
  scope: string,
  value: string,
  now: bigint,
): StoredClaim | undefined {
  const [stored] = connection.all<ClaimRow>(call, SELECT, encodeKey(scope), encodeKey(value));
  return stored && isAliveClaim(stored, now) ? claimOf(stored) : undefined;
}

/** A claim with its value. */
export interface ValuedClaim extends StoredClaim {
  readonly scope: string;
  readonly value: string;
  readonly commitId: Uint8Array;
}

/** Reads the first claims behind a position, `limit` of them at most. */
export function scanClaims(
  connection: Connection,
  call: Call,
  after: { readonly scope: string; readonly value: string },
  limit: bigint,
): ValuedClaim[] {
  return connection
    .all<ClaimRow & { readonly scope: StoredBytes; readonly value: StoredBytes }>(
      call,
      SCAN,
      encodeKey(after.scope),
      encodeKey(after.value),
      limit,
    )
    .map((stored) => ({
      ...claimOf(stored),
      scope: decodeKey(stored.scope),
      value: decodeKey(stored.value),
      commitId: bytesOf(stored.commit_id),
    }));
}

/** Frees a claim that the save of an id took, and tells whether it was there. */
export function freeClaim(connection: Connection, call: Call, claim: Omit<ValuedClaim, "version" | "ttl">): boolean {
  const { scope, value, owner, commitId } = claim;
  return connection.run(call, FREE_OF_COMMIT, encodeKey(scope), encodeKey(value), encodeKey(owner), commitId) > 0;
}

/** Deletes expired claims, `limit` of them at most, and gives their number. To be called in a transaction. */
export function deleteExpiredClaims(connection: Connection, call: Call, now: bigint, limit: bigint): number {
  return connection.run(call, DELETE_EXPIRED, now, limit);
}

function claimOf({ owner, version, ttl, purpose }: ClaimRow): StoredClaim {
  const claim = { owner: decodeKey(owner), version, ttl };
  return purpose === null ? claim : { ...claim, purpose: bytesOf(purpose) };
}

function isOf(stored: ClaimRow, commitId: Uint8Array): boolean {
  return equalBytes(bytesOf(stored.commit_id), commitId);
}
