import type { DescMessage, Message } from "@bufbuild/protobuf";
import { requireKeyModel } from "../opaquedata/auto-pksk.js";
import { keyParts } from "../opaquedata/key-fields.js";
import type { FieldValues } from "../opaquedata/key-value.js";

/** Gives what a test calls a row: the value of its key, or those of all fields of its key. */
export function rowName(schema: DescMessage, row: Message): string {
  const parts = keyParts(requireKeyModel(schema));
  const values = parts.map(
    ({ field, read }) => [field.localName, String(read(row as unknown as FieldValues))] as const,
  );
  const [only, ...others] = values;
  return only !== undefined && others.length === 0 ? only[1] : JSON.stringify(Object.fromEntries(values));
}
