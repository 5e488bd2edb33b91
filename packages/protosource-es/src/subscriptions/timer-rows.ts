/** The timers of processes, as rows: they are set, cancelled and taken in the transactions of what they are a part of. */
import { invalid, ProtosourceError } from "../errors.js";
import { emptyRow } from "../opaquedata/opaque-data.js";
import type { OpaqueKey, OpaqueRow, OpaqueStore } from "../opaquedata/opaque-store.js";
import { le } from "../opaquedata/sort-condition.js";
import type { SaveMeta } from "../store/meta.js";
import type { RowWrite } from "../store/store.js";
import { newRevision } from "./row-drafts.js";

/** A timer that is set. */
export interface Timer {
  /** The process and its version. */
  readonly subscription: string;
  readonly streamId: string;
  readonly name: string;
  /** The version of the event that set it. */
  readonly version: bigint;
  /** When it was to go off, in microseconds since the Unix epoch. */
  readonly due: bigint;
  /** When it goes off next: later than that where it went off in vain. */
  readonly next: bigint;
  /** How often it went off in vain. */
  readonly tries: number;
  /** What was kept with the save of that event, without what caused it. */
  readonly meta: Pick<SaveMeta, "correlationId" | "traceparent"> | undefined;
}

/** What the body of a timer's row holds, as JSON. */
interface TimerBody {
  readonly stream: string;
  readonly version: string;
  readonly due: string;
  readonly tries: number;
  readonly correlationId?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** A timer with the version of its row, which says whether it is still as it was read. */
export interface StoredTimer extends Timer {
  readonly was: bigint;
}

/** Into how many partitions the timers of a process are cut, by their streams. */
const SLICES = 4;

const DIGITS = 20;

/** Gives the write of a timer, in the place of what is there. Price: 1 read unit, 2 write units and 2 for its index. */
export async function timerWrite(rows: OpaqueStore, timer: Timer, signal: AbortSignal | undefined): Promise<RowWrite> {
  const stored = await rows.get(keyOf(timer), { consistent: true, signal });
  return rewritten(timer, stored?.version ?? 0n);
}

/** Gives the write that takes a timer away; undefined when it isn't set. Price: 1 read unit, and as many as its write. */
export async function timerRemoval(
  rows: OpaqueStore,
  timer: Pick<Timer, "subscription" | "streamId" | "name">,
  signal: AbortSignal | undefined,
): Promise<RowWrite | undefined> {
  const row = await rows.get(keyOf(timer), { consistent: true, signal });
  return row && { row, was: row.version, remove: true };
}

/**
 * Gives the rows of a transaction in which a timer goes off: it is taken away, or set anew as one of them says, as it was
 * read. `row_conflict` tells that somebody else was first.
 */
export function withoutTimer(timer: StoredTimer, rows: readonly RowWrite[]): readonly RowWrite[] {
  const { was } = timer;
  const anew = rows.find(({ row }) => isOf(timer, row));
  if (anew === undefined) return [...rows, { row: rowOf(timer, 0n), was, remove: true }];
  return rows.map((write) => (write === anew ? { ...write, was } : write));
}

/** Tells whether a key is that of a timer. */
export function isOf(timer: Timer, { pk, sk }: OpaqueKey): boolean {
  const key = keyOf(timer);
  return key.pk === pk && key.sk === sk;
}

/** Gives the write of a timer in the place of one that was read. */
export function rewritten(timer: Timer, was: bigint): RowWrite {
  return { row: rowOf(timer, newRevision(was)), was };
}

/** Reads the timers that have come due. Price: half a read unit a slice, and what their rows take. */
export async function* dueTimers(
  rows: OpaqueStore,
  subscription: string,
  now: bigint,
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredTimer, void, undefined> {
  for (let slice = 0; slice < SLICES; slice++) {
    let cursor: string | undefined;
    do {
      const sort = le(sortKey(now));
      const page = await rows.query({ index: 1, partition: partition(subscription, slice), sort, cursor, signal });
      for (const row of page.rows) yield timerOf(subscription, row);
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
}

function keyOf({ subscription, streamId, name }: Pick<Timer, "subscription" | "streamId" | "name">): OpaqueKey {
  return { pk: `!timer#${subscription}#${streamId}`, sk: name };
}

function rowOf(timer: Timer, version: bigint): OpaqueRow {
  const { subscription, streamId, next, tries, meta } = timer;
  const body: TimerBody = {
    stream: streamId,
    version: timer.version.toString(),
    due: timer.due.toString(),
    tries,
    correlationId: meta?.correlationId,
    traceparent: meta?.traceparent,
  };
  return Object.assign(emptyRow(), keyOf(timer), {
    gsi1pk: partition(subscription, sliceOf(streamId)),
    gsi1sk: sortKey(next),
    version,
    body: new TextEncoder().encode(JSON.stringify(body)),
  });
}

function timerOf(subscription: string, { sk, gsi1sk, body, version }: OpaqueRow): StoredTimer {
  try {
    const found = JSON.parse(new TextDecoder().decode(body)) as TimerBody;
    const { correlationId, traceparent } = found;
    return {
      subscription,
      streamId: found.stream,
      name: sk,
      version: BigInt(found.version),
      due: BigInt(found.due),
      next: BigInt(gsi1sk),
      tries: found.tries,
      meta: { correlationId, traceparent },
      was: version,
    };
  } catch (cause) {
    const key = `the timer ${sk} of ${subscription}`;
    throw new ProtosourceError("corrupt_record", `${key} can't be read: remove its row`, { key }, { cause });
  }
}

function partition(subscription: string, slice: number): string {
  return `!timer#${subscription}#${slice}`;
}

function sortKey(time: bigint): string {
  return time.toString().padStart(DIGITS, "0");
}

/** The slice of a stream. It never changes. */
function sliceOf(streamId: string): number {
  let hash = 0;
  for (let i = 0; i < streamId.length; i++) hash = (Math.imul(hash, 31) + streamId.charCodeAt(i)) >>> 0;
  return hash % SLICES;
}

/** Checks the names of timers. Throws `invalid_argument` for one that can't be a key. */
export function checkTimerNames(process: string, names: readonly string[]): void {
  for (const name of names) {
    if (/^[A-Za-z0-9_.-]{1,255}$/.test(name)) continue;
    throw invalid(
      "timers",
      `${process} can't have a timer ${JSON.stringify(name)}: use letters, digits, "_", "." and "-"`,
    );
  }
}
