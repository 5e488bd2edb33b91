import { clone, type DescMessage, type Message } from "@bufbuild/protobuf";
import { invalid } from "../errors.js";
import { wrongValue } from "../serializer/wrong-value.js";

/**
 * Copies a message, however deep. Throws `invalid_argument` for a value that its field can't hold, such as 5.5 in an
 * integer: compilers see most of these, but not what came out of `any`.
 */
export function copyMessage<M extends Message>(schema: DescMessage, message: M): M {
  try {
    return clone(schema, message) as M;
  } catch (cause) {
    throw invalid(schema.typeName, `${schema.typeName} has a value that its field can't hold: ${wrongValue(cause)}`);
  }
}
