import { create, type DescMessage, type Registry } from "@bufbuild/protobuf";
import type { Serializer } from "../serializer/serializer.js";
import { envelopesOf, erasedEnvelope, setEnvelopes } from "./envelopes.js";

/** Tells whether a serializer keeps what is sealed of a message, which its schema doesn't know. JSON doesn't. */
export function keepsEnvelopes(serializer: Serializer, schema: DescMessage, registry: Registry): boolean {
  const message = create(schema);
  setEnvelopes(message, [erasedEnvelope("probe")]);
  const read = serializer.deserialize(serializer.serialize(schema, message), registry, "a probe");
  return envelopesOf(read).length === 1;
}
