import type { DescMessage } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** The one key that a map of a message can't hold: an object takes its value as prototype, and loses the entry. */
const KEY = "__proto__";
const KEY_BYTES = new TextEncoder().encode(KEY);

/** Tells whether a map in an encoded message has the key that decoding loses. The bytes must be valid. */
export function losesMapKey(schema: DescMessage, data: Uint8Array): boolean {
  return includes(data, KEY_BYTES) && hasKey(schema, data);
}

function hasKey(schema: DescMessage, data: Uint8Array): boolean {
  const reader = new BinaryReader(data);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = schema.fields.find((candidate) => candidate.number === number);
    if (wireType !== WireType.LengthDelimited || (field?.fieldKind !== "map" && field?.message === undefined)) {
      reader.skip(wireType, number);
      continue;
    }
    const inner = reader.bytes();
    if (field.fieldKind === "map" ? entryHasKey(field.message, inner) : hasKey(field.message, inner)) return true;
  }
  return false;
}

/** Field 1 of an entry is its key, and field 2 its value. */
function entryHasKey(element: DescMessage | undefined, data: Uint8Array): boolean {
  const reader = new BinaryReader(data);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType, number);
    else if (number === 1 && reader.string() === KEY) return true;
    else if (number === 2) {
      const value = reader.bytes();
      if (element !== undefined && hasKey(element, value)) return true;
    }
  }
  return false;
}

function includes(data: Uint8Array, searched: Uint8Array): boolean {
  for (let at = data.indexOf(searched[0] ?? 0); at >= 0; at = data.indexOf(searched[0] ?? 0, at + 1)) {
    if (searched.every((byte, i) => data[at + i] === byte)) return true;
  }
  return false;
}
