import { type DescMessage, equals } from "@bufbuild/protobuf";
import { decompress } from "../gzip/gzip.js";
import { equalBytes } from "../opaquedata/equal-bytes.js";
import { KEY_ATTRIBUTES } from "../opaquedata/key-attribute.js";
import type { OpaqueRow } from "../opaquedata/opaque-store.js";
import { decodeMessage } from "../serializer/decode-message.js";

/**
 * Tells whether a stored row is as it should be. The messages are compared, because writers differ in their bytes: in
 * gzip, and in the order of a map. A row without a version, as Go leaves it, has it in its message.
 */
export function isSameRow(schema: DescMessage, stored: OpaqueRow, row: OpaqueRow): boolean {
  if (stored.version !== 0n && stored.version !== row.version) return false;
  if (stored.t !== row.t || KEY_ATTRIBUTES.some((name) => stored[name] !== row[name])) return false;
  const body = decompress(row.body, row.pk);
  try {
    const other = decompress(stored.body, stored.pk);
    return equalBytes(other, body) || equals(schema, decodeMessage(schema, other), decodeMessage(schema, body));
  } catch {
    // What can't be read isn't as it should be.
    return false;
  }
}
