/** A serializer of a user's own. To another one, what it writes is a message in which no field that it knows is set. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { ProtosourceError } from "protosource-es";
import type { Serializer } from "protosource-es/serializer";

/** A number that no event uses. */
const SEALED = 1000;

export const serializer: Serializer = {
  serialize(schema, message) {
    const { typeUrl, value } = anyPack(schema, message);
    const sealed = new BinaryWriter().tag(SEALED, WireType.LengthDelimited).bytes(value).finish();
    return toBinary(AnySchema, create(AnySchema, { typeUrl, value: sealed }));
  },
  deserialize(data, registry, key) {
    const { typeUrl, value } = fromBinary(AnySchema, data);
    const typeName = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
    const schema = registry.getMessage(typeName);
    if (!schema) throw new ProtosourceError("unhandled_event", `${key} is a ${typeName}`, { typeName });
    const reader = new BinaryReader(value);
    const [field] = reader.tag();
    if (field !== SEALED) throw new ProtosourceError("corrupt_record", `${key} isn't sealed`, { key });
    return fromBinary(schema, reader.bytes());
  },
};
