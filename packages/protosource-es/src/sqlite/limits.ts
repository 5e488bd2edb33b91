/** What SQLite itself can't hold. */
import { ProtosourceError } from "../errors.js";

/** The most bytes of one record or body: SQLite's limit for a row is 1,000,000,000, and keys take their part. */
const MAX_BYTES = 999_000_000;

/** Throws `too_large` for bytes that don't fit into a row; `what` names them. */
export function checkBytes(what: string, bytes: Uint8Array): void {
  if (bytes.length <= MAX_BYTES) return;
  throw new ProtosourceError(
    "too_large",
    `${what} has ${bytes.length} bytes, and ${MAX_BYTES} fit into a row of SQLite: store less at once`,
    { what, size: bytes.length, limit: MAX_BYTES },
  );
}
