/** The event in a record, as far as it can be read. */
import { type DescMessage, fromBinary, type Message, type Registry } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { isProtosourceError, type StoredRecord, tombstoneOf } from "protosource-es";
import { TombstoneSchema } from "protosource-es/proto/protosource_es/stream/v1/stream_v1_pb.js";
import { binarySerializer, decompress, jsonSerializer, type Serializer } from "protosource-es/serializer";

/** What a record holds. */
export interface Payload {
  /** The full name of the event's type; undefined when not even that can be read. */
  readonly typeName: string | undefined;
  /** Undefined when its type isn't known, or it can't be read. */
  readonly event: { readonly message: Message; readonly schema: DescMessage } | undefined;
  /** Why there is no event, in words. */
  readonly problem: { readonly kind: "unknown_type" | "undecodable"; readonly message: string } | undefined;
}

/** Takes what either serializer wrote: a JSON object begins with a brace, and no protobuf message does. */
export const eitherSerializer: Serializer = {
  serialize: binarySerializer.serialize,
  deserialize: (data, registry, key) =>
    (isJson(data) ? jsonSerializer : binarySerializer).deserialize(data, registry, key),
};

/** What is needed to read an event. */
export interface PayloadFormat {
  readonly registry: Registry;
  readonly serializer: Serializer;
}

/** Reads the event of a record. It never throws for what is stored. */
export function readPayload(streamId: string, record: StoredRecord, { registry, serializer }: PayloadFormat): Payload {
  const tombstone = tombstoneOf(record);
  if (tombstone !== undefined) {
    return {
      typeName: tombstone.$typeName,
      event: { message: tombstone, schema: TombstoneSchema },
      problem: undefined,
    };
  }
  const { version, data } = record;
  const key = `version ${version} of ${streamId}`;
  let bytes: Uint8Array;
  try {
    bytes = decompress(data, key);
  } catch (error) {
    return { typeName: undefined, event: undefined, problem: { kind: "undecodable", message: messageOf(error) } };
  }
  const typeName = typeNameOf(bytes);
  try {
    const message = serializer.deserialize(bytes, registry, key);
    const schema = registry.getMessage(message.$typeName) as DescMessage;
    return { typeName: message.$typeName, event: { message, schema }, problem: undefined };
  } catch (error) {
    const kind = isProtosourceError(error, "unhandled_event") ? "unknown_type" : "undecodable";
    return { typeName, event: undefined, problem: { kind, message: messageOf(error) } };
  }
}

function typeNameOf(data: Uint8Array): string | undefined {
  try {
    const url = isJson(data)
      ? (JSON.parse(new TextDecoder().decode(data)) as { "@type"?: unknown })["@type"]
      : fromBinary(AnySchema, data).typeUrl;
    return typeof url === "string" && url !== "" ? url.slice(url.lastIndexOf("/") + 1) : undefined;
  } catch {
    return undefined;
  }
}

function isJson(data: Uint8Array): boolean {
  return data[0] === 0x7b;
}

function messageOf(error: unknown): string {
  return isProtosourceError(error) ? error.rawMessage : String(error);
}
