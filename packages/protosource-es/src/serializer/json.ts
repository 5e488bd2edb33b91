import {
  createRegistry,
  type DescFile,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageShape,
  type Registry,
  toJson,
} from "@bufbuild/protobuf";
import { MAX_DEPTH } from "./decode-message.js";
import { corruptRecord, findType, notSerializable, typeUrl } from "./event-type.js";
import type { Serializer } from "./serializer.js";

/**
 * Keeps an event as the canonical JSON of a `google.protobuf.Any`, which people can read in the table.
 *
 * A field that the schema doesn't know is `corrupt_record`, as for the family's other readers: ignoring it would
 * silently lose a value of an event. So update readers before writers.
 */
export const jsonSerializer: Serializer = {
  serialize<D extends DescMessage>(schema: D, message: MessageShape<D>): Uint8Array {
    try {
      const fields = toJson(schema, message, { registry: registryOf(schema.file) }) as JsonObject;
      return new TextEncoder().encode(JSON.stringify({ "@type": typeUrl(schema), ...fields }));
    } catch (cause) {
      throw notSerializable(schema, cause);
    }
  },

  deserialize(data: Uint8Array, registry: Registry, key: string): Message {
    let json: JsonValue;
    try {
      json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data)) as JsonValue;
    } catch (cause) {
      throw corruptRecord(key, "isn't JSON; was it written by another serializer?", cause);
    }
    if (!isObject(json) || typeof json["@type"] !== "string") throw corruptRecord(key, "is JSON without an @type");
    if (hasPrototypeKey(json)) throw corruptRecord(key, "holds the key __proto__, which a message can't hold");
    const { "@type": url, ...fields } = json;
    const schema = findType(url as string, registry, key);
    try {
      return fromJson(schema, fields, { registry, recursionLimit: MAX_DEPTH });
    } catch (cause) {
      throw corruptRecord(key, `isn't a ${schema.typeName}`, cause);
    }
  },
};

const registries = new WeakMap<DescFile, Registry>();

/** Knows the types that an `Any` inside an event of the file may hold. */
function registryOf(file: DescFile): Registry {
  let registry = registries.get(file);
  if (registry === undefined) {
    registry = createRegistry(...file.dependencies, file);
    registries.set(file, registry);
  }
  return registry;
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** A map would take the value of such a key as its prototype and lose the entry. */
function hasPrototypeKey(json: JsonValue): boolean {
  if (typeof json !== "object" || json === null) return false;
  return Object.hasOwn(json, "__proto__") || Object.values(json).some(hasPrototypeKey);
}
