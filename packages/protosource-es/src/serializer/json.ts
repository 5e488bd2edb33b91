import {
  createRegistry,
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
import { type ExactJson, isObject, parseExactly } from "./exact-json.js";
import { fileRegistry } from "./file-registry.js";
import type { Serializer } from "./serializer.js";

export interface JsonSerializerOptions {
  /** Knows types that an `Any` in an event may hold, beside those of the event's file and all that it imports. */
  readonly registry?: Registry | undefined;
}

/**
 * Makes a serializer that keeps an event as the canonical JSON of a `google.protobuf.Any`, which people can read in the
 * table.
 *
 * A field that the schema doesn't know is `corrupt_record`, as for the family's other readers: ignoring it would
 * silently lose a value of an event. So update readers before writers. So is a name that stands twice in one object.
 * Integers keep every digit, in quotes or not.
 */
export function createJsonSerializer({ registry: others }: JsonSerializerOptions = {}): Serializer {
  const joined = new WeakMap<Registry, Registry>();
  const withOthers = (registry: Registry): Registry => {
    if (others === undefined) return registry;
    let both = joined.get(registry);
    if (both === undefined) {
      both = createRegistry(registry, others);
      joined.set(registry, both);
    }
    return both;
  };

  return {
    serialize<D extends DescMessage>(schema: D, message: MessageShape<D>): Uint8Array {
      try {
        const fields = toJson(schema, message, { registry: withOthers(fileRegistry(schema.file)) }) as JsonObject;
        return new TextEncoder().encode(JSON.stringify({ "@type": typeUrl(schema), ...fields }));
      } catch (cause) {
        throw notSerializable(schema, cause);
      }
    },

    deserialize(data: Uint8Array, registry: Registry, key: string): Message {
      let exact: ExactJson;
      try {
        exact = parseExactly(new TextDecoder("utf-8", { fatal: true }).decode(data));
      } catch (cause) {
        throw corruptRecord(key, "isn't JSON; was it written by another serializer?", cause);
      }
      const { json, hasRepeatedName } = exact;
      if (hasRepeatedName) throw corruptRecord(key, "is JSON with an object that has the same name twice");
      if (!isObject(json) || typeof json["@type"] !== "string") throw corruptRecord(key, "is JSON without an @type");
      if (hasPrototypeKey(json)) throw corruptRecord(key, "holds the key __proto__, which a message can't hold");
      const schema = findType(json["@type"], registry, key);
      try {
        const all = withOthers(registry);
        const { "@type": _, ...fields } = exact.for(schema, all) as JsonObject;
        return fromJson(schema, fields, { registry: all, recursionLimit: MAX_DEPTH });
      } catch (cause) {
        throw corruptRecord(key, `isn't a ${schema.typeName}`, cause);
      }
    },
  };
}

/** The {@link createJsonSerializer} that knows the types of the event's file and of all that it imports. */
export const jsonSerializer: Serializer = createJsonSerializer();

/** A map would take the value of such a key as its prototype and lose the entry. */
function hasPrototypeKey(json: JsonValue): boolean {
  if (typeof json !== "object" || json === null) return false;
  return Object.hasOwn(json, "__proto__") || Object.values(json).some(hasPrototypeKey);
}
