/** The records of the cases, and how they are compared. */
import { create } from "@bufbuild/protobuf";
import {
  type Record as StoredRecord,
  RecordSchema as StoredRecordSchema,
} from "../../gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
import type { History, Store } from "../../store/store.js";
import { expectEqual } from "./assertions.js";

/** Makes a record. By default its data tells its version, and it never expires. */
export function record(
  version: bigint,
  fields: { data?: Uint8Array; ttl?: bigint; meta?: Uint8Array } = {},
): StoredRecord {
  const data = fields.data ?? new TextEncoder().encode(`event ${version}`);
  return create(StoredRecordSchema, { ...fields, version, data });
}

/** Makes the records of all versions from `first` to `last`. */
export function records(first: bigint, last: bigint, fields: { ttl?: bigint } = {}): StoredRecord[] {
  const made: StoredRecord[] = [];
  for (let version = first; version <= last; version++) made.push(record(version, fields));
  return made;
}

/** Gives bytes that don't repeat soon. */
export function bytes(length: number): Uint8Array {
  const made = new Uint8Array(length);
  for (let i = 0; i < length; i++) made[i] = i * 31 + (i >> 8);
  return made;
}

/** Throws unless a history holds exactly these records, in this order. */
export function expectHistory(history: History, expected: readonly StoredRecord[]): void {
  expectRecords(history.records, expected);
}

/** Throws unless these are exactly the expected records, in this order. */
export function expectRecords(actual: readonly StoredRecord[], expected: readonly StoredRecord[]): void {
  expectEqual(actual.map(plain), expected.map(plain), "records");
}

/** Throws unless a stream holds exactly these records. */
export async function expectStream(
  store: Store,
  aggregateId: string,
  expected: readonly StoredRecord[],
): Promise<void> {
  expectHistory(await store.load(aggregateId), expected);
}

/** Gives the versions of a history. */
export function versions(history: History): bigint[] {
  return history.records.map(({ version }) => version);
}

function plain({ version, data, ttl }: StoredRecord): object {
  return { version, data, ttl };
}
