/** What is known of a save beside its events: why it was made, and as a part of what. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { invalid, ProtosourceError } from "../errors.js";
import { type Meta, MetaSchema } from "../gen/protosource_es/meta/v1/meta_v1_pb.js";
import type { StoredRecord } from "./store.js";

/**
 * What is kept with each record of a save, in 256 bytes at most, which are stored and paid for each time. No rule sees it
 * and nothing is decided by it; Go services ignore it.
 */
export interface SaveMeta {
  /** Names what all that follows from one request has in common. */
  readonly correlationId?: string | undefined;
  /** The event that caused the save. A process fills it in. */
  readonly causation?: EventReference | undefined;
  /** The trace that the save is a part of, as the header `traceparent` of W3C Trace Context spells it. */
  readonly traceparent?: string | undefined;
}

/** Names an event. */
export interface EventReference {
  readonly streamId: string;
  readonly version: bigint;
}

/** The longest meta, in bytes: it is stored, and paid for, with each record. */
const MAX_META_BYTES = 256;

/** Tells whether a meta is short enough to be kept. */
export function fitsMeta(meta: SaveMeta): boolean {
  return toBinary(MetaSchema, messageOf(meta)).length <= MAX_META_BYTES;
}

/** Writes a meta as bytes. Throws `invalid_argument` for what isn't text, `too_large` for more than 256 bytes. */
export function encodeMeta({ correlationId = "", causation, traceparent = "" }: SaveMeta): Uint8Array {
  const texts = { correlationId, traceparent, "causation.streamId": causation?.streamId ?? "" };
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text === "string" && !/\p{Surrogate}/u.test(text)) continue;
    throw invalid(`meta.${name}`, `the ${name} of a meta must be a text: give one, or leave it out`);
  }
  const causationVersion = causation?.version ?? 0n;
  if (typeof causationVersion !== "bigint" || causationVersion < 0n || causationVersion >= 2n ** 63n) {
    throw invalid("meta.causation.version", `no event has version ${causationVersion}: give a bigint from 1n`);
  }
  const bytes = toBinary(MetaSchema, messageOf({ correlationId, causation, traceparent }));
  checkMetaBytes(bytes);
  return bytes;
}

function messageOf({ correlationId = "", causation, traceparent = "" }: SaveMeta): Meta {
  const { streamId: causationStream = "", version: causationVersion = 0n } = causation ?? {};
  return create(MetaSchema, { correlationId, causationStream, causationVersion, traceparent });
}

/** Reads what is known of the save that a record is of; undefined where nothing is. Throws `corrupt_record`. */
export function metaOf(record: StoredRecord): SaveMeta | undefined {
  const meta = decodeMeta(record);
  if (meta === undefined || meta.fingerprint !== 0) return undefined;
  const { correlationId, causationStream, causationVersion, traceparent } = meta;
  return {
    ...(correlationId !== "" && { correlationId }),
    ...(causationStream !== "" && { causation: { streamId: causationStream, version: causationVersion } }),
    ...(traceparent !== "" && { traceparent }),
  };
}

/** Writes what made a snapshot as the meta of its record, in 5 bytes. */
export function encodeFingerprint(fingerprint: number): Uint8Array {
  return toBinary(MetaSchema, create(MetaSchema, { fingerprint }));
}

/** Reads what made the snapshot in a record; undefined where that isn't known. */
export function decodeFingerprint(record: StoredRecord): number | undefined {
  return decodeMeta(record)?.fingerprint || undefined;
}

function decodeMeta({ meta, version }: StoredRecord): Meta | undefined {
  if (meta === undefined) return undefined;
  try {
    return fromBinary(MetaSchema, meta);
  } catch (cause) {
    throw new ProtosourceError(
      "corrupt_record",
      `the meta of version ${version} can't be read: it isn't a protosource_es.meta.v1.Meta`,
      { key: `version ${version}`, version },
      { cause },
    );
  }
}

/** Checks the size of an encoded meta. Throws `too_large`. */
export function checkMetaBytes(meta: Uint8Array): void {
  if (meta.length <= MAX_META_BYTES) return;
  throw new ProtosourceError(
    "too_large",
    `the meta of a save has ${meta.length} bytes, and ${MAX_META_BYTES} are possible: keep less, such as an id of what is kept elsewhere`,
    { what: "meta", size: meta.length, limit: MAX_META_BYTES },
  );
}
