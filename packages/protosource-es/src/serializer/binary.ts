import { type DescMessage, type Message, type MessageShape, type Registry, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { decodeMessage } from "./decode-message.js";
import { corruptRecord, findType, notSerializable } from "./event-type.js";
import { losesMapKey } from "./prototype-key.js";
import type { Serializer } from "./serializer.js";

/** Keeps an event as the bytes of a `google.protobuf.Any`: the default, and a third of the size of JSON. */
export const binarySerializer: Serializer = {
  serialize<D extends DescMessage>(schema: D, message: MessageShape<D>): Uint8Array {
    try {
      return toBinary(AnySchema, anyPack(schema, message));
    } catch (cause) {
      throw notSerializable(schema, cause);
    }
  },

  deserialize(data: Uint8Array, registry: Registry, key: string): Message {
    let any: MessageShape<typeof AnySchema>;
    try {
      any = decodeMessage(AnySchema, data);
    } catch (cause) {
      throw corruptRecord(key, "isn't a google.protobuf.Any; was it written by another serializer?", cause);
    }
    const schema = findType(any.typeUrl, registry, key);
    let event: Message;
    try {
      event = decodeMessage(schema, any.value);
    } catch (cause) {
      throw corruptRecord(key, `isn't a ${schema.typeName}`, cause);
    }
    if (losesMapKey(schema, any.value)) throw corruptRecord(key, "holds the key __proto__, which a message can't hold");
    return event;
  },
};
