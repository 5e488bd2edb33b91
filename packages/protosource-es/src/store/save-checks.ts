/** What every store does with the arguments of a call before it reads or writes: the rules are the same everywhere. */
import { invalid, ProtosourceError } from "../errors.js";
import { MAX_TTL_SECONDS } from "../opaquedata/opaque-data.js";
import { utf8Length } from "../opaquedata/utf8.js";
import { checkMetaBytes } from "./meta.js";
import { checkMoves } from "./positions.js";
import type { Claim, EventsOptions, StoredRecord, StreamWrite, TransactionOptions } from "./store.js";

export { MAX_TTL_SECONDS };

/** The longest aggregate id, in bytes of UTF-8: DynamoDB's limit for a partition key. */
const MAX_AGGREGATE_ID_BYTES = 2048;

/** The longest scope of a claim, in bytes of UTF-8: what a partition key of DynamoDB holds beside the rest of it. */
const MAX_SCOPE_BYTES: number = 2048 - "!claim#".length - "#".length - 64;

/** The length of a commit id, in bytes. */
const COMMIT_ID_BYTES = 8;

const MAX_INT64 = 2n ** 63n - 1n;

/**
 * Checks the arguments of a save. Without records there is nothing to check.
 *
 * Throws `invalid_argument` for an empty id, a version below 1 or above int64, versions that don't follow each other
 * and the record that they come after, and a ttl above int64, and `too_large` for an id of more than 2048 bytes and a
 * meta of more than 256.
 */
export function checkSave(aggregateId: string, records: readonly StoredRecord[], after?: StoredRecord): void {
  if (records.length === 0) return;
  checkAggregateId(aggregateId);
  let expected = after && after.version + 1n;
  for (const { version, ttl, meta } of records) {
    if (typeof version !== "bigint" || version < 1n || version > MAX_INT64) {
      throw invalid(
        "records",
        `version ${version} of ${aggregateId} isn't possible: versions are bigints from 1n to ${MAX_INT64}n`,
      );
    }
    if (expected !== undefined && version !== expected) {
      throw invalid(
        "records",
        `version ${version} of ${aggregateId} comes where ${expected} should: give the records of a save in order, without gaps`,
      );
    }
    if (ttl > MAX_INT64) {
      throw invalid("records", `the ttl ${ttl} of version ${version} is above int64: it is a time in epoch seconds`);
    }
    if (meta !== undefined) checkMetaBytes(meta);
    expected = version + 1n;
  }
}

/**
 * Checks the arguments of a save to several streams: each as {@link checkSave} does, and of the options those that
 * aren't rows. The rows are checked one by one by the store of rows.
 *
 * Throws `invalid_argument` when a stream, a row, a check or a claim occurs twice, for a check of a stream that is
 * written, and for a check or a claim that isn't possible; `too_large` for the scope of a claim that is too long.
 */
export function checkSaveAll(writes: readonly StreamWrite[], options: TransactionOptions = {}): void {
  const { rows = [], check = [], claims = [], positions = [] } = options;
  checkMoves(positions);
  for (const { streamId } of positions) checkAggregateId(streamId);
  const streams = new Set<string>();
  for (const { aggregateId, records, after } of writes) {
    addOnce(streams, aggregateId, "writes", `the stream ${aggregateId}`, "give all of its records in one write");
    checkSave(aggregateId, records, after);
  }
  const seenRows = new Set<string>();
  for (const { row, was, remove } of rows) {
    if (remove && was === undefined) {
      throw invalid("rows", "a row is removed by its version: give as was the one that it was read with");
    }
    const key = `pk=${JSON.stringify(row.pk)}, sk=${JSON.stringify(row.sk)}`;
    addOnce(seenRows, key, "rows", `the row ${key}`, "give its last state");
  }
  const written = new Set(writes.filter(({ records }) => records.length > 0).map(({ aggregateId }) => aggregateId));
  const checked = new Set<string>();
  for (const { aggregateId, version } of check) {
    checkAggregateId(aggregateId);
    if (written.has(aggregateId)) {
      throw invalid("check", `${aggregateId} is written too: its first record says already where the stream must end`);
    }
    addOnce(checked, aggregateId, "check", `the check of ${aggregateId}`, "give the one version that it must be at");
    if (typeof version !== "bigint" || version < 0n || version >= MAX_INT64) {
      throw invalid("check", `${aggregateId} can't end at version ${version}: give a bigint from 0n`);
    }
  }
  const claimed = new Set<string>();
  for (const claim of claims) {
    checkClaim(claim);
    const key = JSON.stringify([claim.scope, claim.value]);
    addOnce(claimed, key, "claims", `a value of ${claim.scope}`, "take it or free it");
  }
}

function addOnce(seen: Set<string>, key: string, argument: string, what: string, advice: string): void {
  if (seen.has(key)) throw invalid(argument, `${what} occurs twice: ${advice}`);
  seen.add(key);
}

function checkClaim({ scope, value, owner, ttl = 0n, version = 0n }: Claim): void {
  checkClaimName(scope, value);
  checkAggregateId(owner);
  for (const [name, number] of Object.entries({ ttl, version })) {
    if (typeof number === "bigint" && number >= 0n && number <= MAX_INT64) continue;
    throw invalid("claims", `the ${name} of a claim of ${scope} can't be ${number}: give a bigint from 0n`);
  }
}

/**
 * Checks what names a claim.
 *
 * Throws `invalid_argument` for an empty scope or value and one that UTF-8 can't hold, `too_large` for a long scope.
 */
export function checkClaimName(scope: string, value: string): void {
  for (const [name, text] of Object.entries({ scope, value })) {
    if (typeof text !== "string" || text === "" || /\p{Surrogate}/u.test(text)) {
      throw invalid("claims", `the ${name} of a claim is missing, empty or holds half of a surrogate pair: correct it`);
    }
  }
  const size = utf8Length(scope);
  if (size > MAX_SCOPE_BYTES) {
    throw new ProtosourceError(
      "too_large",
      `the scope of a claim has ${size} bytes, and ${MAX_SCOPE_BYTES} are possible: choose a shorter one`,
      { what: "scope", size, limit: MAX_SCOPE_BYTES },
    );
  }
}

/**
 * Checks the id of a stream.
 *
 * Throws `invalid_argument` for an empty one and one that UTF-8 can't hold, `too_large` for a long one.
 */
export function checkAggregateId(aggregateId: string): void {
  if (typeof aggregateId !== "string" || aggregateId === "") {
    throw invalid("aggregateId", "the aggregate id is empty: give the qualified id of the stream");
  }
  if (/\p{Surrogate}/u.test(aggregateId)) {
    throw invalid("aggregateId", "the aggregate id holds half of a surrogate pair, which can't be stored: correct it");
  }
  const size = utf8Length(aggregateId);
  if (size > MAX_AGGREGATE_ID_BYTES) {
    throw new ProtosourceError(
      "too_large",
      `the aggregate id has ${size} bytes, and ${MAX_AGGREGATE_ID_BYTES} are possible: choose a shorter one`,
      { what: "aggregateId", size, limit: MAX_AGGREGATE_ID_BYTES },
    );
  }
}

/** Checks the number of records asked of a tail. Throws `invalid_argument` for one that isn't an integer. */
export function checkTailLength(n: number): void {
  if (!Number.isSafeInteger(n)) throw invalid("n", `a tail of ${n} records isn't possible: give an integer`);
}

/**
 * Checks the range and the limit of a read.
 *
 * Throws `invalid_argument` for a version that can't be, a range that ends before it begins, and a limit below 1.
 */
export function checkRange({ from, to, limit }: EventsOptions): void {
  for (const [name, version] of Object.entries({ from, to })) {
    if (version !== undefined) checkVersionIn(name, version);
  }
  if (from !== undefined && to !== undefined && to < from) {
    throw invalid("to", `no version lies from ${from} to ${to}: swap them`);
  }
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) {
    throw invalid("limit", `a limit can't be ${limit}: give a whole number from 1, or leave it out`);
  }
}

/** Checks a version that an argument names. Throws `invalid_argument` for one that can't be. */
export function checkVersionIn(argument: string, version: bigint): void {
  if (typeof version === "bigint" && version >= 1n && version <= MAX_INT64) return;
  throw invalid(argument, `there is no version ${version}: versions are bigints from 1n to ${MAX_INT64}n`);
}

/** Checks a commit id. Throws `invalid_argument` for one that doesn't have 8 bytes. */
export function checkCommitId(commitId: Uint8Array): void {
  if (commitId.length !== COMMIT_ID_BYTES) {
    throw invalid(
      "commitId",
      `the commit id has ${commitId.length} bytes: give ${COMMIT_ID_BYTES} random ones, or none for a new id`,
    );
  }
}

/** Makes a commit id. */
export function newCommitId(): Uint8Array {
  // Random bytes are cheap by the kilobyte and dear by the piece.
  if (randomBytesUsed === randomBytes.length) {
    crypto.getRandomValues(randomBytes);
    randomBytesUsed = 0;
  }
  const begin = randomBytesUsed;
  randomBytesUsed += COMMIT_ID_BYTES;
  return randomBytes.slice(begin, randomBytesUsed);
}

const randomBytes = new Uint8Array(128 * COMMIT_ID_BYTES);
let randomBytesUsed: number = randomBytes.length;

/**
 * Checks a time to live that a store is made with.
 *
 * Throws `invalid_argument` for one that isn't an integer or is above {@link MAX_TTL_SECONDS}.
 */
export function checkTtlSeconds(ttlSeconds: number): void {
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds > MAX_TTL_SECONDS) {
    throw invalid(
      "ttlSeconds",
      `a time to live of ${ttlSeconds} seconds isn't possible: give an integer up to ${MAX_TTL_SECONDS}, or 0 for none`,
    );
  }
}

/**
 * Gives the expiry to store for a record, in epoch seconds: its own when it has one, else `now` and the store's time
 * to live when that is above 0, else 0 for never.
 */
export function recordTtl(record: StoredRecord, ttlSeconds: number, now: bigint): bigint {
  if (record.ttl > 0n) return record.ttl;
  return ttlSeconds > 0 ? now + BigInt(ttlSeconds) : 0n;
}

/** Gives the error for a stream that isn't at the version of a check, or doesn't end with the record that was seen. */
export function checkFailed(aggregateId: string, version: bigint): ProtosourceError<"version_conflict"> {
  const where = version === 0n ? "has records" : `doesn't end at version ${version}`;
  return new ProtosourceError(
    "version_conflict",
    `${aggregateId} ${where}, as this save was decided on: load it, decide again and save`,
    { aggregateId, version },
  );
}

/** Gives the error for a version of a copy that a stream holds already. */
export function cantRestore(aggregateId: string, version: bigint): ProtosourceError<"version_conflict"> {
  return new ProtosourceError(
    "version_conflict",
    `version ${version} of ${aggregateId} exists already, and stays: restore what is missing alone`,
    { aggregateId, version },
  );
}

/** Throws `cancelled` when the signal is aborted; `operation` names the call. */
export function throwIfAborted(signal: AbortSignal | undefined, operation: string): void {
  if (!signal?.aborted) return;
  throw new ProtosourceError(
    "cancelled",
    `${operation} was cancelled by its signal before anything was sent`,
    { operation },
    { cause: signal.reason },
  );
}
