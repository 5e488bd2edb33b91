/**
 * Where a page ended, as a string to hand out: the keys of the last row that was returned, and of no other row. Every
 * store makes its cursors here, so that a caller who drops rows can put a cursor behind the last one that he keeps.
 */
import { toBinary } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { invalid, type ProtosourceError } from "../errors.js";
import { OpaqueDataSchema } from "../gen/funinthecloud/protosource/opaquedata/v1/opaquedata_v1_pb.js";
import { decodeMessage } from "../serializer/decode-message.js";
import { MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES } from "./checks.js";
import { indexAttributes } from "./key-attribute.js";
import { emptyRow, rowKeys } from "./opaque-data.js";
import type { GsiNumber, OpaqueKey, OpaqueQuery, OpaqueRow } from "./opaque-store.js";
import { matches } from "./sort-condition.js";

/** The row behind which a query goes on: its keys in the table, and in the index that is queried. */
export interface CursorPosition extends OpaqueKey {
  /** The sort key of the index; of the table when that is queried. */
  readonly indexSk: string;
}

/** What the longest keys make: four keys, a few bytes around each, and four characters for three bytes. */
const MAX_CURSOR_LENGTH = Math.ceil(((2 * (MAX_PARTITION_KEY_BYTES + MAX_SORT_KEY_BYTES) + 4 * 5) * 4) / 3);

/** Makes the cursor that continues behind a row of a query of an index, or of the table itself for 0. */
export function encodeCursor(index: GsiNumber | 0, row: OpaqueRow): string {
  const position = emptyRow();
  for (const held of [0, index] as const) {
    const [pk, sk] = indexAttributes(held);
    const keys = rowKeys(row, held);
    if (!keys) throw invalid("row", `the row has no ${pk}, so index ${held} doesn't hold it`);
    position[pk] = keys.pk;
    position[sk] = keys.sk;
  }
  return base64Encode(toBinary(OpaqueDataSchema, position), "url");
}

/**
 * Reads the cursor of a query.
 *
 * Throws `invalid_argument` when it isn't a cursor, or one of another index, partition or range of sort keys.
 */
export function decodeCursor(cursor: string, query: Pick<OpaqueQuery, "index" | "partition" | "sort">): CursorPosition {
  const { index = 0, partition, sort } = query;
  const row = decodeRow(cursor);
  const keys = row && rowKeys(row, index);
  if (!row || !keys || keys.pk !== partition || !matches(sort, keys.sk) || encodeCursor(index, row) !== cursor) {
    throw foreignCursor();
  }
  return { pk: row.pk, sk: row.sk, indexSk: keys.sk };
}

/** Says that a cursor can't continue a query. */
export function foreignCursor(): ProtosourceError<"invalid_argument"> {
  return invalid(
    "cursor",
    "the cursor isn't of this query: give the cursor of an earlier page with the same index, partition and condition",
  );
}

function decodeRow(cursor: string): OpaqueRow | undefined {
  if (typeof cursor !== "string" || cursor.length > MAX_CURSOR_LENGTH) return undefined;
  try {
    const row = decodeMessage(OpaqueDataSchema, base64Decode(cursor));
    return row.pk === "" || row.sk === "" ? undefined : row;
  } catch {
    return undefined;
  }
}
