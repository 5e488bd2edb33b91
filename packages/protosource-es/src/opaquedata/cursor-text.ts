/** How cursors of queries and of scans are written: as a JSON array in base64. */
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";

/** Writes the values of a cursor. */
export function cursorText(values: readonly (string | number)[]): string {
  return base64Encode(new TextEncoder().encode(JSON.stringify(values)), "url");
}

/** Gives the values of a cursor; none for what isn't one. */
export function cursorValues(cursor: string): readonly unknown[] {
  try {
    const found: unknown = JSON.parse(new TextDecoder().decode(base64Decode(cursor)));
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}
