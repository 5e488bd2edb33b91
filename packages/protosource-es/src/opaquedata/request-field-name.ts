import type { DescField } from "@bufbuild/protobuf";

const PAGE_FIELDS: ReadonlySet<string> = new Set(["page_size", "page_token", "reverse"]);

/**
 * The name that a field of an index's key has in a request of a generated service: its own, with `_key` behind it where
 * every request for a page has a field of that name.
 */
export function requestFieldName({ name }: DescField): string {
  return PAGE_FIELDS.has(name) ? `${name}_key` : name;
}
