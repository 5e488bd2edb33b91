/**
 * Ranges of whole numbers over keys that hold them as unpadded digits.
 *
 * As text, 100 lies between 10 and 99. But numbers of one sign and one length sort alike both ways, so a range is cut
 * into such spans; what else the table returns between a span's ends is left out by the reader.
 */
import { between, eq, type SortCondition } from "./sort-condition.js";
import { compareUtf8 } from "./utf8.js";

/** Numbers of one sign and one length. */
export interface NumberSpan {
  /** What stands before the digits: all of the key up to them, a minus sign included. */
  readonly head: string;
  /** What stands behind the digits: the label of the next field, or nothing where the key ends. */
  readonly tail: string;
  /** The least and the greatest, without their sign. */
  readonly low: bigint;
  readonly high: bigint;
}

/** One reading of a part of a partition. */
export interface KeyScan {
  readonly sort: SortCondition | undefined;
  /** Descending order of the keys. */
  readonly reverse: boolean;
  /** The numbers that are looked for, if the scan is for numbers. */
  readonly span?: NumberSpan | undefined;
}

/** Where numbers stand in keys, and in what order they are read. */
export interface NumberPlace extends Pick<NumberSpan, "head" | "tail"> {
  readonly reverse: boolean;
}

/** Cuts the range of all numbers from `low` to `high` into scans, in numeric order. */
export function numberScans({ head, tail, reverse }: NumberPlace, low: bigint, high: bigint): readonly KeyScan[] {
  const negative = low < 0n ? spans({ head: `${head}-`, tail }, high < 0n ? -high : 1n, -low) : [];
  const positive = high >= 0n ? spans({ head, tail }, low > 0n ? low : 0n, high) : [];
  const scans = [
    ...negative.reverse().map((span) => scanOf(span, !reverse)),
    ...positive.map((span) => scanOf(span, reverse)),
  ];
  return reverse ? scans.reverse() : scans;
}

/** Tells whether a key is one of the numbers of a scan. A scan that isn't for numbers takes any key. */
export function isInScan({ span }: KeyScan, sortKey: string): boolean {
  if (!span) return true;
  const digits = digitsOf(span, sortKey);
  return digits?.length === widthOf(span) && BigInt(digits) >= span.low && BigInt(digits) <= span.high;
}

/** Tells whether the numbers of a span are below 0. */
export function isNegative({ head }: NumberSpan): boolean {
  return head.endsWith("-");
}

/** Gives one scan over all keys of several scans, and over the others between them. */
export function hullOf(scans: readonly KeyScan[]): KeyScan {
  const ends = scans.flatMap(({ span }) => (span ? endsOf(span) : []));
  const [low = "", ...others] = ends.sort(compareUtf8);
  return { sort: between(low, others.at(-1) ?? low), reverse: false };
}

/**
 * Gives what is left of a scan behind a key with more digits than those looked for: behind 123 the next number of one
 * digit is 2. Everything between the two is longer still, so it needn't be read. Gives `"end"` when nothing is left,
 * and undefined when the key isn't longer.
 */
export function skipLonger({ span, reverse }: KeyScan, sortKey: string): KeyScan | "end" | undefined {
  const digits = span && digitsOf(span, sortKey);
  if (!span || !digits || digits.length <= widthOf(span)) return undefined;
  const shortened = BigInt(digits.slice(0, widthOf(span)));
  const rest = reverse ? { ...span, high: shortened } : { ...span, low: shortened + 1n };
  return rest.low > rest.high ? "end" : scanOf(rest, reverse);
}

/** A key behind all that begin with a text that ends in `#`, as labels do: `$` is the next character. */
export function lastOf(text: string): string {
  return `${text.slice(0, -1)}$`;
}

function spans(place: Pick<NumberSpan, "head" | "tail">, low: bigint, high: bigint): NumberSpan[] {
  const result: NumberSpan[] = [];
  for (let from = low; from <= high; ) {
    const greatest = 10n ** BigInt(String(from).length) - 1n;
    result.push({ ...place, low: from, high: greatest < high ? greatest : high });
    from = greatest + 1n;
  }
  return result;
}

function scanOf(span: NumberSpan, reverse: boolean): KeyScan {
  const [low, high] = endsOf(span);
  return { sort: low === high ? eq(low) : between(low, high), reverse, span };
}

/** The least and the greatest key that a span can hold. */
function endsOf({ head, tail, low, high }: NumberSpan): readonly [low: string, high: string] {
  return [`${head}${low}${tail}`, `${head}${high}${tail && lastOf(tail)}`];
}

function widthOf({ low }: NumberSpan): number {
  return String(low).length;
}

function digitsOf({ head, tail }: NumberSpan, sortKey: string): string | undefined {
  if (!sortKey.startsWith(head)) return undefined;
  const [digits = ""] = /^\d*/.exec(sortKey.slice(head.length)) ?? [];
  const rest = sortKey.slice(head.length + digits.length);
  return digits !== "" && (tail === "" ? rest === "" : rest.startsWith(tail)) ? digits : undefined;
}
