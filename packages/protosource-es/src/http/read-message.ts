import { type DescMessage, fromBinary, fromJson, type JsonValue, type Message } from "@bufbuild/protobuf";
import { parseExactly } from "../serializer/exact-json.js";
import { fileRegistry } from "../serializer/file-registry.js";
import { Refusal } from "./refusal.js";
import type { Encoding } from "./rpc-protocol.js";

/** Numbers that `JSON.parse` may round. */
const LONG_NUMBER = /\d{16}|\d[eE]/;

/**
 * Reads the message of a request. In JSON integers keep every digit, in quotes or not, and a field that the message hasn't
 * is refused, since its value would be lost without a word.
 *
 * Throws a {@link Refusal} for what isn't that message.
 */
export function readMessage(schema: DescMessage, encoding: Encoding, bytes: Uint8Array): Message {
  return orRefusal(schema, () =>
    encoding === "proto" ? fromBinary(schema, bytes) : messageFrom(schema, parseJson(schema, bytes)),
  );
}

/** Reads the message of a request from the JSON of it. Throws a {@link Refusal} for what isn't that message. */
export function readJson(schema: DescMessage, json: JsonValue): Message {
  return orRefusal(schema, () => messageFrom(schema, json));
}

function messageFrom(schema: DescMessage, json: JsonValue): Message {
  return fromJson(schema, json, { registry: fileRegistry(schema.file), ignoreUnknownFields: false });
}

function parseJson(schema: DescMessage, bytes: Uint8Array): JsonValue {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  if (!LONG_NUMBER.test(text)) return JSON.parse(text) as JsonValue;
  return parseExactly(text).for(schema, fileRegistry(schema.file));
}

function orRefusal(schema: DescMessage, read: () => Message): Message {
  try {
    return read();
  } catch (cause) {
    throw unreadableMessage(schema, cause);
  }
}

/** Makes the refusal of a message that can't be read. */
export function unreadableMessage({ name }: DescMessage, cause: unknown): Refusal {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new Refusal("invalid_argument", `the request isn't a ${name}${why}`, { reason: "unmarshal", cause });
}
