import { type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { invalid } from "../errors.js";
import { messagesWithin } from "./messages-within.js";

const nesting = new WeakMap<DescMessage, boolean>();

/**
 * Checks that an event can be read again: readers of protobuf let 100 messages nest, and writers any number.
 *
 * Throws `invalid_argument`. Once stored, a deeper event would keep its stream from ever being loaded.
 */
export function checkNesting(schema: DescMessage, event: Message): void {
  if (!mayNest(schema)) return;
  try {
    fromBinary(schema, toBinary(schema, event));
  } catch (cause) {
    throw invalid(schema.typeName, `${schema.typeName} nests too deep to be read again: 100 levels are possible`, {
      cause,
    });
  }
}

/** Tells whether a message of the schema can hold itself, or another that does, such as `google.protobuf.Struct`. */
function mayNest(schema: DescMessage): boolean {
  let found = nesting.get(schema);
  if (found === undefined) {
    found = [...messagesWithin(schema)].some((inner) =>
      inner.fields.some(({ message }) => message && messagesWithin(message).has(inner)),
    );
    nesting.set(schema, found);
  }
  return found;
}
