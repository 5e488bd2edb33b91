import type { DescMessage } from "@bufbuild/protobuf";

/** Gives the schema of a message, and those of all messages that may be inside of it. */
export function messagesWithin(schema: DescMessage, seen: Set<DescMessage> = new Set()): Set<DescMessage> {
  if (!seen.has(schema)) {
    seen.add(schema);
    for (const { message } of schema.fields) if (message !== undefined) messagesWithin(message, seen);
  }
  return seen;
}
