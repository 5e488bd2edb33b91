/** The end of a stream whose aggregate was deleted. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { RecordSchema } from "../gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
import { type Tombstone, TombstoneSchema } from "../gen/protosource_es/stream/v1/stream_v1_pb.js";
import type { StoredRecord } from "./store.js";

/** What every tombstone's record begins with: the Any's type, as no serializer of events writes it. */
const HEAD: Uint8Array = /*@__PURE__*/ toBinary(AnySchema, anyPack(TombstoneSchema, create(TombstoneSchema)));

/** Makes the record that ends a stream for good. It never expires. */
export function tombstoneRecord(tombstone: Omit<Tombstone, "$typeName" | "$unknown">): StoredRecord {
  const { version } = tombstone;
  const data = toBinary(AnySchema, anyPack(TombstoneSchema, create(TombstoneSchema, tombstone)));
  return create(RecordSchema, { version, data, ttl: 0n });
}

/** Tells whether a record ends its stream for good. It looks at the record alone, so that no schema is needed. */
export function isTombstone({ data }: StoredRecord): boolean {
  return data.length > HEAD.length && HEAD.every((byte, i) => data[i] === byte);
}

/** Reads who deleted the aggregate, and when; undefined for another record. */
export function tombstoneOf(record: StoredRecord): Tombstone | undefined {
  return isTombstone(record) ? fromBinary(TombstoneSchema, fromBinary(AnySchema, record.data).value) : undefined;
}
