/** JSON in requests: integers keep every digit, in quotes or not. */
import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { parseExactly } from "../serializer/exact-json.js";
import { fileRegistry } from "../serializer/file-registry.js";

/** Numbers that `JSON.parse` may round. */
const LONG_NUMBER = /\d{16}|\d[eE]/;

/** Gives the JSON of a message with all large integers as texts, which lose nothing where they are parsed. */
export function withExactNumbers(schema: DescMessage, bytes: Uint8Array): Uint8Array {
  const isPlain = !LONG_NUMBER.test(new TextDecoder().decode(bytes));
  return isPlain ? bytes : new TextEncoder().encode(JSON.stringify(readJson(schema, bytes)));
}

/** Reads the JSON of a message. Throws for what isn't JSON in UTF-8. */
export function readJson(schema: DescMessage, bytes: Uint8Array): JsonValue {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  if (!LONG_NUMBER.test(text)) return JSON.parse(text) as JsonValue;
  return parseExactly(text).for(schema, fileRegistry(schema.file));
}
