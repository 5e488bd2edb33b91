import { create } from "@bufbuild/protobuf";
import { type StoredRecord, StoredRecordSchema } from "protosource-es/proto";

/** Makes a record whose data tells its version. */
export function record(version: bigint, ttl = 0n): StoredRecord {
  return create(StoredRecordSchema, { version, data: new TextEncoder().encode(`event ${version}`), ttl });
}

/** Makes the records of all versions from `first` to `last`. */
export function records(first: bigint, last: bigint, ttl = 0n): StoredRecord[] {
  return Array.from({ length: Number(last - first) + 1 }, (_, i) => record(first + BigInt(i), ttl));
}
