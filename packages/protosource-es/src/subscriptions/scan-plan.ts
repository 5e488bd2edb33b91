/** Scans of all that a store holds: in segments at once, slowed down, stopped and resumed. */
import type { CallOptions, ScanOptions, ScanSegment } from "../call-options.js";
import { invalid } from "../errors.js";
import { eachSegment } from "../store/each-segment.js";

/** How a scan goes, which counts what it finds and does. */
export interface ScanPlan<C extends Counts<C>> extends CallOptions {
  /** In how many segments is read at once. 4 by default, or as many as `resume` has. */
  readonly segments?: number | undefined;
  /** How many items are read at once, and lost to a stop: progress is told after each page. 500 by default. */
  readonly pageSize?: number | undefined;
  /** Is awaited before each page, and so can slow it down. */
  readonly pace?: ((signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** Goes on where an earlier one stopped: the last progress that it told. */
  readonly resume?: ScanProgress<C> | undefined;
  /** Is told at the beginning and after each page how far it has come. */
  readonly onProgress?: ((progress: ScanProgress<C>) => void) | undefined;
}

/** Numbers by what they count. */
export type Counts<C> = { readonly [K in keyof C]: number };

/** How far a scan has come: plain JSON, to be kept until it goes on. */
export interface ScanProgress<C extends Counts<C>> {
  readonly counts: C;
  readonly segments: readonly SegmentState[];
}

export interface SegmentState {
  readonly segment: ScanSegment;
  /** Where the segment goes on. */
  readonly cursor?: string | undefined;
  readonly done: boolean;
}

/** What came of a page, and where to go on. */
export interface ScannedPage<C> {
  readonly cursor: string | undefined;
  readonly counts: C;
}

/**
 * Has all pages of a scan read and worked on, segment by segment, and gives the sum of what was counted, beginning with
 * `nothing`.
 *
 * Throws the first failure of a page, once the other segments have ended; the progress told before can be resumed from.
 * `cancelled` where the signal ended it.
 */
export async function scanInSegments<C extends Counts<C>>(
  operation: string,
  plan: ScanPlan<C>,
  nothing: C,
  work: (place: ScanOptions & { readonly signal: AbortSignal }) => Promise<ScannedPage<C>>,
): Promise<C> {
  const { segments: of = 4, pageSize = 500, pace, resume, onProgress, signal } = plan;
  if (!Number.isSafeInteger(of) || of < 1) throw invalid("segments", `${of} segments aren't possible: give 1 or more`);
  const states: SegmentState[] = resume
    ? [...resume.segments]
    : Array.from({ length: of }, (_, index) => ({ segment: { index, of }, done: false }));
  let counts = resume?.counts ?? nothing;
  const tell = (): void => onProgress?.({ counts, segments: [...states] });
  tell();
  await eachSegment(states.length, operation, signal, async (index, signal) => {
    for (;;) {
      const { segment, cursor, done } = states[index] as SegmentState;
      if (done) return;
      await pace?.(signal);
      const page = await work({ segment, cursor, limit: pageSize, signal });
      counts = sum(counts, page.counts);
      states[index] =
        page.cursor === undefined ? { segment, done: true } : { segment, cursor: page.cursor, done: false };
      tell();
    }
  });
  return counts;
}

function sum<C extends Counts<C>>(a: C, b: C): C {
  const names = Object.keys(a) as (keyof C)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as C;
}
