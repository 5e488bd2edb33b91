/** What a writer writes that may be killed: the same for the same seed, so that a test can tell what must be there. */
import { create } from "@bufbuild/protobuf";
import { type OpaqueData, OpaqueDataSchema, type StoredRecord, StoredRecordSchema } from "protosource-es/proto";

/** The streams of the writer. The second is written only together with the first, and with the row. */
export const STREAMS = ["killed_v1#one", "killed_v1#two"] as const;

/** One save: how many records it appends to each stream, and the bytes of each. */
export interface Step {
  readonly counts: readonly [one: number, two: number];
  readonly size: number;
}

/** Gives numbers from 0 to 1 that only look random. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Gives the saves of a writer, without an end. */
export function* stepsOf(seed: number): Generator<Step, never, undefined> {
  const next = numbers(seed);
  for (;;) {
    const one = 1 + Math.floor(next() ** 4 * 40);
    const two = next() < 0.3 ? 1 + Math.floor(next() * 10) : 0;
    yield { counts: [one, two], size: Math.floor(next() ** 8 * 20_000) };
  }
}

/** Makes the records of a step, the first of which follows version `end`. */
export function recordsOf(end: number, count: number, size: number): StoredRecord[] {
  return Array.from({ length: count }, (_, i) =>
    create(StoredRecordSchema, {
      version: BigInt(end + i + 1),
      data: new Uint8Array(size).fill(byteOf(end + i + 1)),
    }),
  );
}

/** Gives the byte of which the data of a version is made. */
export function byteOf(version: number): number {
  return version % 251;
}

/** Makes the row that is written with the second stream. */
export function rowOf(version: number): OpaqueData {
  const gsi1sk = version.toString();
  return create(OpaqueDataSchema, { pk: "killed", sk: "AGG", version: BigInt(version), gsi1pk: "killed", gsi1sk });
}
