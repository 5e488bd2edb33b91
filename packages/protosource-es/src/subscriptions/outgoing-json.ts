/** What an outbox tells of an event, as JSON. */
import { isMessage, type JsonValue, type Registry, toJson } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { invalid } from "../errors.js";

/**
 * Gives the JSON of plain data and of messages, also of messages in plain data: those as Protobuf spells them, and
 * bigints and bytes as it spells theirs.
 *
 * Throws `invalid_argument` for what has no JSON, and for a message of a type that the registry hasn't.
 */
export function outgoingJson(data: unknown, registry: Registry): JsonValue {
  const text = JSON.stringify(data, (_, value: unknown) => {
    if (typeof value === "bigint") return value.toString();
    if (value instanceof Uint8Array) return base64Encode(value);
    if (!isMessage(value)) return value;
    const schema = registry.getMessage(value.$typeName);
    if (schema !== undefined) return toJson(schema, value, { registry });
    throw invalid("data", `the file of the aggregate doesn't know ${value.$typeName}: give its JSON, by toJson`);
  }) as string | undefined;
  if (text === undefined) throw invalid("data", `a ${typeof data} has no JSON: give plain data, or a message`);
  return JSON.parse(text) as JsonValue;
}
