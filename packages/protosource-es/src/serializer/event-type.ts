/** What both serializers share: how the type of an event is named, found and reported. */
import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { invalid, ProtosourceError } from "../errors.js";
import { wrongValue } from "./wrong-value.js";

/** Gives the type URL under which an event is kept. */
export function typeUrl(schema: DescMessage): string {
  return `type.googleapis.com/${schema.typeName}`;
}

/**
 * Finds the type that follows the last `/` of a type URL.
 *
 * Throws `unhandled_event` when the registry doesn't know it, and `corrupt_record` when the URL names none.
 */
export function findType(url: string, registry: Registry, key: string): DescMessage {
  const typeName = url.slice(url.lastIndexOf("/") + 1);
  if (typeName === "") throw corruptRecord(key, "names no event type");
  const schema = registry.getMessage(typeName);
  if (schema === undefined) {
    throw new ProtosourceError(
      "unhandled_event",
      `${key}: holds an event of the unknown type ${typeName}; was the message renamed, or removed from its .proto?`,
      { typeName },
    );
  }
  return schema;
}

/** Makes the error of a record that can't be read; `problem` continues the sentence "the data …". */
export function corruptRecord(key: string, problem: string, cause?: unknown): ProtosourceError<"corrupt_record"> {
  return new ProtosourceError("corrupt_record", `${key}: the data ${problem}`, { key }, { cause });
}

/** Makes the error of a message with a value that its schema doesn't allow, such as 5.5 in an integer field. */
export function notSerializable(schema: DescMessage, cause: unknown): ProtosourceError<"invalid_argument"> {
  return invalid(schema.typeName, `${schema.typeName} has a value that can't be stored: ${wrongValue(cause)}`);
}
