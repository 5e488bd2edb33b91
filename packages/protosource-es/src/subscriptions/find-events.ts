/** What a stream holds behind a position: the doorbell may have brought it, and the store tells. */
import type { EventMessage } from "../aggregate/behaviour.js";
import { epochSeconds } from "../clock.js";
import { isProtosourceError, type ProtosourceError } from "../errors.js";
import { pause } from "../repository/pause.js";
import type { Doorbell } from "../store/doorbell.js";
import type { StoredPosition } from "../store/positions.js";
import type { EventsOptions, StoredRecord } from "../store/store.js";
import { isTombstone } from "../store/tombstone.js";
import type { Engine } from "./engine.js";
import { eventsOf } from "./event-of.js";
import type { SubscriptionSource } from "./subscription.js";

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
export async function findEvents(
  engine: Engine,
  source: SubscriptionSource,
  position: StoredPosition,
  bell: Doorbell,
): Promise<Found> {
  const { clock, signal } = engine;
  const { streamId, version } = position;
  const now = epochSeconds(clock);
  const hasExpired = (expiry: bigint): boolean => expiry > 0n && expiry <= now;
  const hadLife = version > 0n && !isEnded(position);
  // Its id may be used again, from version 1 on where everything was deleted.
  const isPast = isEnded(position) || hasExpired(position.expiry);
  const isDoubtful = bell.kind === "gone" || isPast;
  if (bell.version <= version && !isDoubtful) return { kind: "nothing" };

  const brought = isDoubtful ? [] : following(bell.records ?? [], version);
  if (brought.length > 0 && !hasExpired(brought.at(-1)?.ttl ?? 0n)) {
    return { kind: "records", records: brought, filled: false };
  }

  for (let reread = 0; ; reread++) {
    // Where the id may be used again, the record at the position tells.
    const from = isPast && version > 0n ? version : version + 1n;
    const limit = MAX_RECORDS + Number(from === version);
    const { records, error } = await readRecords(engine, streamId, { from, limit });
    if (error && records.length === 0) return { kind: "unreadable", error };
    if (records[0]?.version === version && isTombstone(records[0])) records.shift();
    else if (records[0]?.version === version) {
      const last = records.shift() as StoredRecord;
      const read = (await eventsOf(engine, source, streamId, [last]))(last);
      if ("error" in read) return { kind: "unreadable", error: read.error };
      if (isOfLaterLife(read.event, position))
        return hadLife ? { kind: "ended", stored: false } : { kind: "restarted" };
    }
    const [next] = records;
    if (next === undefined) break;
    const isWhole = records.length < MAX_RECORDS && error === undefined;
    if (isWhole && hasExpired(records.at(-1)?.ttl ?? 0n)) {
      return hadLife ? { kind: "ended", stored: true } : { kind: "nothing" };
    }
    if (next.version === version + 1n) return { kind: "records", records: untilGap(records), filled: true };
    const last = isWhole ? records.at(-1) : await lastRecord(engine, streamId);
    // Of what was deleted nothing is left to handle but the end, however far the deletion has come.
    if (last !== undefined && isTombstone(last)) return { kind: "records", records: [last], filled: true };
    if (reread === REREADS) return { kind: "records", records: untilGap(records), filled: true };
    await pause(reread, signal);
  }

  if (version === 0n) return { kind: "nothing" };
  const { records, error } = await readRecords(engine, streamId, { reverse: true, limit: 1 });
  const [last] = records;
  if (last === undefined) return error ? { kind: "unreadable", error } : { kind: "ended", stored: false };
  if (last.version > version) return findEvents(engine, source, position, bell);
  if (last.version === version) {
    return hasExpired(last.ttl) && hadLife ? { kind: "ended", stored: true } : { kind: "nothing" };
  }
  if (!isPast) return { kind: "ahead", version: last.version };
  return hadLife ? { kind: "ended", stored: false } : { kind: "restarted" };
}

/** Tells whether an event is of a life that began when the one that the position is in was over. */
function isOfLaterLife({ at }: EventMessage, { expiry }: StoredPosition): boolean {
  return expiry > 0n && at >= expiry * 1_000_000n;
}

/** Reads records, expired ones too, up to damage: that is told beside those before it. */
export async function readRecords(
  { store, signal }: Engine,
  streamId: string,
  range: EventsOptions,
): Promise<{ readonly records: StoredRecord[]; readonly error?: ProtosourceError }> {
  const records: StoredRecord[] = [];
  try {
    for await (const record of store.events(streamId, { ...range, includeExpired: true, signal })) records.push(record);
  } catch (error) {
    const isDamage = isProtosourceError(error, "corrupt_stream") || isProtosourceError(error, "corrupt_record");
    if (!isDamage) throw error;
    return { records, error };
  }
  return { records };
}

async function lastRecord(engine: Engine, streamId: string): Promise<StoredRecord | undefined> {
  const { records } = await readRecords(engine, streamId, { reverse: true, limit: 1 });
  return records[0];
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
