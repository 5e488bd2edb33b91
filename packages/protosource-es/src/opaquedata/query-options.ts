/** What a query by fields takes and gives. */
import type { GetOptions } from "./opaque-store.js";

/** How much to read, in what order and from where on. */
export interface PageOptions extends GetOptions {
  /** The number of messages to return at most. By default what one page of the store holds. */
  readonly limit?: number | undefined;
  /** Descending order. */
  readonly reverse?: boolean | undefined;
  /**
   * Takes rows as they lie in the index where no condition says otherwise: whole numbers in the order of their digits,
   * as texts, which is 10, 100, 9. A page then takes one query, whatever lengths the numbers have.
   */
  readonly textOrder?: boolean | undefined;
  /** Where an earlier page of the same query ended. */
  readonly cursor?: string | undefined;
}

/** Some messages, and where to go on. */
export interface Page<M> {
  readonly items: readonly M[];
  /** Continues after the last of these items. Absent at the end, and only there: a page may be short, or empty. */
  readonly cursor?: string | undefined;
}

/**
 * The options of a query whose sort key is made of the fields of `Sort`. The leading ones are given as values and the
 * last as a comparison; those behind may be left out.
 *
 * Results come in the order of the first field without a value: texts by their UTF-8 bytes, whole numbers as numbers.
 * Rows that are equal in it come in the order of the rest of the key, as text; below 0 backwards. Without a comparison, numbers take one
 * query where the page holds all there are. Where it doesn't, the first page takes some queries more, and may read the
 * whole partition once, to find the lengths of digits that occur; `each` over more than a page of the store does. The
 * pages behind a cursor take what a comparison does. `textOrder` takes one query for each page.
 */
export type QueryOptions<Sort> = PageOptions & { readonly [F in keyof Sort]?: Sort[F] | undefined };

/** Exactly one of the members of `T`. */
export type OneOf<T> = {
  [K in keyof T]: { readonly [P in K]: T[P] } & { readonly [P in Exclude<keyof T, K>]?: never };
}[keyof T];

interface Operators<V> {
  eq: V;
  lt: V;
  le: V;
  gt: V;
  ge: V;
  /** Both bounds included. */
  between: readonly [low: V, high: V];
}

interface TextOperators extends Operators<string> {
  beginsWith: string;
}

/** A comparison with a text. Texts compare by their UTF-8 bytes. */
export type TextSort = OneOf<TextOperators>;

/**
 * A comparison with a number. The results come in numeric order, although keys sort as text.
 *
 * Bounds with as many digits as each other, and of one sign, take one query. Otherwise each length of digits takes one,
 * and to find the lengths that occur the whole partition may be read once: prefer `between`.
 *
 * The fields `create_at` and `modify_at` hold microseconds, of 16 digits from 2001 to 2286, and take one query. Beside
 * those times a comparison sees 0 there, and no other number; `eq` sees all.
 *
 * A field with `sorts_as_number`, which may be a float or an enum too, always takes one query.
 */
export type NumberSort<V extends bigint | number> = OneOf<Operators<V>>;

/**
 * The only comparison with a value whose keys have no useful order: a bool, bytes, a list, and a float or an enum without
 * `sorts_as_number`.
 */
export interface ExactSort<V> {
  readonly eq: V;
}
