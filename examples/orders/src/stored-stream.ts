/** The stream of an order as a table of events holds it: written by a service in Go, read here. */
import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import type { StoredRecord } from "protosource-es";
import { StoredRecordSchema } from "protosource-es/proto";

interface StoredItem {
  readonly a: { readonly S: string };
  readonly v: { readonly N: string };
  readonly d: { readonly B: string };
}

/** Reads the items of one stream, in the JSON that the AWS command line prints. */
export function readStoredStream(file: URL): { readonly streamId: string; readonly records: readonly StoredRecord[] } {
  const { events } = JSON.parse(readFileSync(file, "utf8")) as { readonly events: readonly StoredItem[] };
  const records = events.map(({ v, d }) =>
    create(StoredRecordSchema, { version: BigInt(v.N), data: Buffer.from(d.B, "base64") }),
  );
  return { streamId: events[0]?.a.S ?? "", records };
}
