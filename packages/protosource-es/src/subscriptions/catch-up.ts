/** All streams of a store, each with a ring: how a subscription begins, catches up and is audited. */
import type { CallOptions, ScanSegment } from "../call-options.js";
import { invalid } from "../errors.js";
import type { Doorbell } from "../store/doorbell.js";
import { eachSegment } from "../store/each-segment.js";
import type { ScannedRecord } from "../store/store.js";
import type { Delivery } from "./deliver.js";
import type { SubscriptionStore } from "./subscription.js";

/** How a scan of all streams goes. */
export interface ScanPlan extends CallOptions {
  /** In how many segments the streams are read at once. 4 by default, or as many as `resume` has. */
  readonly segments?: number | undefined;
  /** How many records are read at once, and lost to a stop: progress is told after each page. 500 by default. */
  readonly pageSize?: number | undefined;
  /** Is awaited before each page, and so can slow it down. */
  readonly pace?: ((signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** Goes on where an earlier one stopped: the last progress that it told. */
  readonly resume?: CatchUpProgress | undefined;
  /** Is told at the beginning and after each page how far it has come. */
  readonly onProgress?: ((progress: CatchUpProgress) => void) | undefined;
}

/** How far a scan has come: plain JSON, to be kept until it goes on. */
export interface CatchUpProgress {
  readonly counts: CatchUpCounts;
  readonly segments: readonly SegmentState[];
}

export interface SegmentState {
  readonly segment: ScanSegment;
  /** Where the segment goes on. */
  readonly cursor?: string | undefined;
  readonly done: boolean;
}

/** What was found and done. */
export interface CatchUpCounts {
  /** Records that were read, of any stream. */
  readonly records: number;
  /** Times that a stream was looked at: once for each page that it lies on. */
  readonly rings: number;
  /** Events that were handled, over all subscriptions. */
  readonly handled: number;
  /** Streams of subscriptions that stand still. */
  readonly parked: number;
  /** Streams that end before a position. */
  readonly ahead: number;
  /** Items that are no records. */
  readonly unreadable: number;
}

const NOTHING: CatchUpCounts = { records: 0, rings: 0, handled: 0, parked: 0, ahead: 0, unreadable: 0 };

/**
 * Rings for everything that a store holds, segment by segment. Saves may go on meanwhile: what is stored behind the scan
 * rings by itself.
 *
 * Throws the first failure of a ring, after the page, once the other segments have ended; the progress told before can
 * be resumed from.
 */
export async function ringAll(
  store: SubscriptionStore,
  plan: ScanPlan,
  deliver: (doorbells: readonly Doorbell[], signal: AbortSignal) => Promise<Delivery>,
): Promise<CatchUpCounts> {
  const { segments: of = 4, pageSize = 500, pace, resume, onProgress, signal } = plan;
  if (!Number.isSafeInteger(of) || of < 1) throw invalid("segments", `${of} segments aren't possible: give 1 or more`);
  const states: SegmentState[] = resume
    ? [...resume.segments]
    : Array.from({ length: of }, (_, index) => ({ segment: { index, of }, done: false }));
  let counts = resume?.counts ?? NOTHING;
  const tell = (): void => onProgress?.({ counts, segments: [...states] });
  tell();
  const ringSegment = async (index: number, signal: AbortSignal): Promise<void> => {
    for (;;) {
      const state = states[index] as SegmentState;
      if (state.done) return;
      await pace?.(signal);
      const { segment, cursor } = state;
      const page = await store.scan({ segment, cursor, limit: pageSize, signal });
      const doorbells = doorbellsOf(page.records);
      const delivery = await deliver(doorbells, signal);
      const [failure] = delivery.failures;
      if (failure) throw failure.error;
      counts = {
        records: counts.records + page.records.length,
        rings: counts.rings + doorbells.length,
        handled: counts.handled + delivery.handled,
        parked: counts.parked + delivery.parked,
        ahead: counts.ahead + delivery.ahead,
        unreadable: counts.unreadable + page.unreadable.length,
      };
      states[index] =
        page.cursor === undefined ? { segment, done: true } : { segment, cursor: page.cursor, done: false };
      tell();
    }
  };
  await eachSegment(states.length, "catch-up", signal, ringSegment);
  return counts;
}

/** Makes a doorbell for each stream of a page, with the records that the page has of it. */
export function doorbellsOf(records: readonly Pick<ScannedRecord, "aggregateId" | "record">[]): Doorbell[] {
  const doorbells: (Doorbell & { readonly records: ScannedRecord["record"][] })[] = [];
  for (const { aggregateId, record } of records) {
    const last = doorbells.at(-1);
    if (last?.streamId === aggregateId) {
      last.records.push(record);
      doorbells[doorbells.length - 1] = { ...last, version: record.version };
    } else {
      doorbells.push({ streamId: aggregateId, version: record.version, kind: "saved", records: [record] });
    }
  }
  return doorbells;
}
