/** What a stream holds behind a position: the doorbell may have brought it, and the store tells. */
import { epochSeconds } from "../clock.js";
import { isProtosourceError, type ProtosourceError } from "../errors.js";
import { pause } from "../repository/pause.js";
import type { Doorbell } from "../store/doorbell.js";
import type { StoredPosition } from "../store/positions.js";
import type { StoredRecord } from "../store/store.js";
import type { Engine } from "./engine.js";

/** What is kept as the memo of a position where a life has ended: no JSON begins so. */
const ENDED: Uint8Array = Uint8Array.of(0);

/** How many records are read at once: as many as one transaction could be about. */
export const MAX_RECORDS = 100;

/** How often a stream is read again that doesn't go on where the position is: a transaction may be seen in part. */
const REREADS = 4;

/** What was found behind a position. */
export type Found =
  /** Records that follow each other. The first may be above the next version. */
  | { readonly kind: "records"; readonly records: readonly StoredRecord[]; readonly filled: boolean }
  /** Nothing new. */
  | { readonly kind: "nothing" }
  /** The life that the position is in has ended. `stored` tells whether anything of it is there yet. */
  | { readonly kind: "ended"; readonly stored: boolean }
  /** Everything was deleted, and the id is used again from version 1 on. */
  | { readonly kind: "restarted" }
  /** The stream ends before the position: it was cut, or restored from an earlier time. */
  | { readonly kind: "ahead"; readonly version: bigint }
  /** What comes next can't be read. */
  | { readonly kind: "unreadable"; readonly error: ProtosourceError };

/** Tells whether a position stands behind the end of a life. */
export function isEnded({ memo }: StoredPosition): boolean {
  return memo.length === 1 && memo[0] === ENDED[0];
}

/** The memo behind the end of a life. */
export function endedMemo(): Uint8Array {
  return ENDED.slice();
}

/** Finds what a stream holds behind a position. It reads the store where the doorbell hasn't brought what comes next. */
export async function findEvents(engine: Engine, position: StoredPosition, bell: Doorbell): Promise<Found> {
  const { store, clock, signal } = engine;
  const now = epochSeconds(clock);
  const hasExpired = (expiry: bigint): boolean => expiry > 0n && expiry <= now;
  const isPast = isEnded(position) || hasExpired(position.expiry);
  const isDoubtful = bell.kind === "gone" || (bell.version <= position.version && isPast);
  if (bell.version <= position.version && !isDoubtful) return { kind: "nothing" };

  const brought = isDoubtful ? [] : following(bell.records ?? [], position.version);
  if (brought.length > 0 && !hasExpired(brought.at(-1)?.ttl ?? 0n)) {
    return { kind: "records", records: brought, filled: false };
  }

  for (let reread = 0; ; reread++) {
    const read = await readBehind(engine, position);
    if (read.error && read.records.length === 0) return { kind: "unreadable", error: read.error };
    const [first] = read.records;
    if (first === undefined) break;
    const isWhole = read.records.length < MAX_RECORDS && read.error === undefined;
    if (isWhole && hasExpired(read.records.at(-1)?.ttl ?? 0n)) {
      const hadLife = position.version > 0n && !isEnded(position);
      return hadLife ? { kind: "ended", stored: true } : { kind: "nothing" };
    }
    if (first.version === position.version + 1n || reread === REREADS) {
      return { kind: "records", records: untilGap(read.records), filled: true };
    }
    await pause(reread, signal);
  }

  if (position.version === 0n) return { kind: "nothing" };
  const { records } = await store.loadTail(position.streamId, 1, { includeExpired: true, signal });
  const [last] = records;
  if (last === undefined) return { kind: "ended", stored: false };
  if (last.version > position.version) return findEvents(engine, position, bell);
  if (last.version < position.version) {
    return isPast ? { kind: "restarted" } : { kind: "ahead", version: last.version };
  }
  return hasExpired(last.ttl) && !isEnded(position) ? { kind: "ended", stored: true } : { kind: "nothing" };
}

async function readBehind(
  { store, signal }: Engine,
  { streamId, version }: StoredPosition,
): Promise<{ readonly records: StoredRecord[]; readonly error?: ProtosourceError }> {
  const records: StoredRecord[] = [];
  const options = { from: version + 1n, limit: MAX_RECORDS, includeExpired: true, signal };
  try {
    for await (const record of store.events(streamId, options)) records.push(record);
  } catch (error) {
    const isDamage = isProtosourceError(error, "corrupt_stream") || isProtosourceError(error, "corrupt_record");
    if (!isDamage) throw error;
    return { records, error };
  }
  return { records };
}

/** Gives the records that follow a version without a gap, of those that a doorbell brought. */
function following(records: readonly StoredRecord[], version: bigint): readonly StoredRecord[] {
  const later = records.filter((record) => record.version > version);
  return later[0]?.version === version + 1n ? untilGap(later) : [];
}

function untilGap(records: readonly StoredRecord[]): readonly StoredRecord[] {
  const gap = records.findIndex(({ version }, i) => i > 0 && version !== (records[i - 1]?.version ?? 0n) + 1n);
  return gap < 0 ? records : records.slice(0, gap);
}
