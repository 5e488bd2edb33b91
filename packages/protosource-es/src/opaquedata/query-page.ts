import { checkQuery } from "./checks.js";
import { decodeCursor, encodeCursor, foreignCursor } from "./cursor.js";
import { hullOf, isInScan, isNegative, type KeyScan, skipLonger } from "./number-scans.js";
import { rowKeys } from "./opaque-data.js";
import type { GsiNumber, OpaquePage, OpaqueRow, OpaqueStore } from "./opaque-store.js";
import type { Page, PageOptions } from "./query-options.js";

/** A query of one partition. */
export interface QueryPlan<M> {
  readonly index: GsiNumber | 0;
  readonly partition: string;
  /** What to read, in the order of the results. */
  readonly scans: readonly KeyScan[];
  /** Whether the scans are for all numbers there are, and cut only for their order. */
  readonly isWhole?: boolean | undefined;
  /** Gives the messages of rows, without those that aren't asked for. */
  readonly read: (rows: readonly OpaqueRow[]) => Promise<readonly Found<M>[]>;
}

/** A message that was found. */
interface Found<M> {
  readonly row: OpaqueRow;
  readonly message: M;
}

/** Sends one query of a plan. */
type Send = (scan: KeyScan, limit?: number, cursor?: string) => Promise<OpaquePage>;

/**
 * Reads a page of a query.
 *
 * Scans for numbers are sent one by one, and the later ones only when the earlier ones don't fill the page. But when one
 * meets numbers of other lengths than its own, the later ones would meet them again and again. So all that is left is
 * then surveyed once. Where the scans are for all numbers, that comes first: most partitions are one page of the store,
 * which is then all that is read.
 */
export async function readPage<M>(
  store: Pick<OpaqueStore, "query">,
  plan: QueryPlan<M>,
  options: PageOptions,
): Promise<Page<M>> {
  const { index, partition } = plan;
  const { limit, consistent, signal } = options;
  checkQuery({ index, partition, limit, consistent });
  const send: Send = ({ sort, reverse }, limit, cursor) =>
    store.query({ index, partition, sort, reverse, limit, cursor, consistent, signal });

  const items: M[] = [];
  /** Adds what is found to the page, and gives the page when it is complete. */
  const take = (found: readonly Found<M>[], isLast: boolean): Page<M> | undefined => {
    const taken = limit === undefined ? found : found.slice(0, limit - items.length);
    items.push(...taken.map(({ message }) => message));
    if (isLast && taken.length === found.length) return { items };
    const last = taken.at(-1);
    const isFull = limit === undefined || items.length === limit;
    return last && isFull ? { items, cursor: encodeCursor(index, last.row) } : undefined;
  };

  let { cursor } = options;
  let scans = cursor === undefined ? plan.scans : scansFrom(plan, cursor);
  let size = limit;
  let isSurveyed = false;
  const probed = new Set<string>();
  if (plan.isWhole && cursor === undefined && scans.length > 1) {
    const survey = await surveyScans(send, index, scans, limit);
    if (survey.rows) return take(await plan.read(survey.rows), true) ?? { items };
    scans = survey.scans;
    isSurveyed = limit === undefined;
  }
  for (;;) {
    const [scan, ...later] = scans;
    if (!scan) return { items };
    // Few keys hold negative numbers, so that one look at all of them comes first.
    if (cursor === undefined && scan.span && isNegative(scan.span) && !probed.has(scan.span.head)) {
      probed.add(scan.span.head);
      const left = await withoutEmpty(send, scans, scan.span.head);
      if (left !== scans) {
        scans = left;
        continue;
      }
    }
    const page = await send(scan, size, cursor);
    const isOwn = (row: OpaqueRow): boolean => isInScan(scan, sortKeyOf(index, row));
    if (cursor === undefined && later.length > 0 && !isSurveyed && !page.rows.every(isOwn)) {
      const survey = await surveyScans(send, index, scans);
      if (survey.rows) return take(await plan.read(survey.rows), true) ?? { items };
      scans = survey.scans;
      isSurveyed = true;
      continue;
    }
    const complete = take(await plan.read(page.rows.filter(isOwn)), page.cursor === undefined && later.length === 0);
    if (complete) return complete;

    size = limit && limit - items.length;
    cursor = page.cursor;
    const last = page.rows.at(-1);
    if (cursor === undefined) {
      const { span } = scan;
      const isEmpty = span !== undefined && page.rows.length === 0 && !probed.has(span.head);
      scans = isEmpty ? await withoutEmpty(send, later, span.head) : later;
      if (isEmpty) probed.add(span.head);
    } else if (last && !isOwn(last)) {
      const rest = skipLonger(scan, sortKeyOf(index, last));
      if (rest) {
        scans = rest === "end" ? later : [rest, ...later];
        cursor = undefined;
      } else {
        // Shorter numbers can't be skipped, so they are passed in pages as large as the store's.
        size = undefined;
      }
    }
  }
}

/** Leaves out the scans behind a head, such as those for negative numbers, when there is no key for any of them. */
async function withoutEmpty(send: Send, scans: readonly KeyScan[], head: string): Promise<readonly KeyScan[]> {
  const same = scans.filter(({ span }) => span?.head === head);
  if (same.length < 2) return scans;
  const { rows } = await send(hullOf(same), 1);
  return rows.length > 0 ? scans : scans.filter((scan) => !same.includes(scan));
}

/**
 * Reads once through all that lies between the ends of several scans. Gives the scans' rows, in their order, when
 * the store has them on one page; else the scans that found something. With a limit it reads no more than that: when
 * there are more rows, all scans are left.
 */
async function surveyScans(
  send: Send,
  index: GsiNumber | 0,
  scans: readonly KeyScan[],
  limit?: number,
): Promise<{ readonly rows: readonly OpaqueRow[] } | { readonly rows?: never; readonly scans: readonly KeyScan[] }> {
  const hull = hullOf(scans);
  let page = await send(hull, limit);
  if (page.cursor === undefined) {
    const ownRows = scans.map((scan) => {
      const own = page.rows.filter((row) => isInScan(scan, sortKeyOf(index, row)));
      return scan.reverse ? own.reverse() : own;
    });
    return { rows: ownRows.flat() };
  }
  if (limit !== undefined) return { scans };
  const missing = new Set(scans);
  for (;;) {
    for (const row of page.rows) {
      const key = sortKeyOf(index, row);
      for (const scan of missing) if (isInScan(scan, key)) missing.delete(scan);
    }
    if (page.cursor === undefined || missing.size === 0) return { scans: scans.filter((scan) => !missing.has(scan)) };
    page = await send(hull, undefined, page.cursor);
  }
}

function sortKeyOf(index: GsiNumber | 0, row: OpaqueRow): string {
  return rowKeys(row, index)?.sk ?? "";
}

/** The scans that are left behind a cursor: the one that its row is of, and those after it. */
function scansFrom<M>({ index, partition, scans }: QueryPlan<M>, cursor: string): readonly KeyScan[] {
  const { indexSk } = decodeCursor(cursor, { index, partition });
  const current = scans.findIndex((scan) => isInScan(scan, indexSk));
  if (current < 0) throw foreignCursor();
  return scans.slice(current);
}
