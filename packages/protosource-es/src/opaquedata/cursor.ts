/**
 * Where a page ended, as a string to hand out: the keys of the last row that was returned, and of no other row. Every
 * store makes its cursors here, so that a caller who drops rows can put a cursor behind the last one that he keeps.
 */
import { invalid, type ProtosourceError } from "../errors.js";
import { cursorText, cursorValues } from "./cursor-text.js";
import { indexAttributes } from "./key-attribute.js";
import { MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES } from "./key-limits.js";
import { rowKeys } from "./opaque-data.js";
import type { GsiNumber, OpaqueKey, OpaqueQuery, OpaqueRow } from "./opaque-store.js";
import { matches } from "./sort-condition.js";

/** The row behind which a query goes on: its keys in the table, and in the index that is queried. */
export interface CursorPosition extends OpaqueKey {
  /** The sort key of the index; of the table when that is queried. */
  readonly indexSk: string;
}

/** What the longest keys make: six characters of JSON for a byte, some more around them, and four for three in base64. */
const MAX_CURSOR_LENGTH = (((MAX_PARTITION_KEY_BYTES + MAX_SORT_KEY_BYTES) * 2 * 6 + 20) * 4) / 3;

/** Makes the cursor that continues behind a row of a query of an index, or of the table itself for 0. */
export function encodeCursor(index: GsiNumber | 0, row: OpaqueRow): string {
  const places = index === 0 ? [index] : [0 as const, index];
  const keys = places.flatMap((place) => {
    const { pk, sk } = rowKeys(row, place) ?? {};
    if (pk && sk) return [pk, sk];
    throw invalid("row", `the row has no ${indexAttributes(place)[0]}, so index ${place} doesn't hold it`);
  });
  return cursorText([index, ...keys]);
}

/**
 * Reads the cursor of a query.
 *
 * Throws `invalid_argument` when it isn't a cursor, or one of another index, partition or range of sort keys.
 */
export function decodeCursor(cursor: string, query: Pick<OpaqueQuery, "index" | "partition" | "sort">): CursorPosition {
  const { index = 0, partition, sort } = query;
  const values = typeof cursor === "string" && cursor.length <= MAX_CURSOR_LENGTH ? cursorValues(cursor) : [];
  const [place, ...keys] = values as readonly (string | number)[];
  const isWhole = keys.length === (index === 0 ? 2 : 4) && keys.every((key) => typeof key === "string" && key !== "");
  if (!isWhole || place !== index || cursorText([place, ...keys]) !== cursor) throw foreignCursor();
  const [pk, sk, indexPk = pk, indexSk = sk] = keys as [string, string, string?, string?];
  if (indexPk !== partition || !matches(sort, indexSk)) throw foreignCursor();
  return { pk, sk, indexSk };
}

/** Says that a cursor can't continue a query. */
export function foreignCursor(): ProtosourceError<"invalid_argument"> {
  return invalid(
    "cursor",
    "the cursor isn't of this query: give the cursor of an earlier page with the same index, partition and condition",
  );
}
