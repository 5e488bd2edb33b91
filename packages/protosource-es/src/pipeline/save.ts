/** Step 7: the events as records in the stream. */
import { create, type DescMessage } from "@bufbuild/protobuf";
import type { Behaviour, EventMessage } from "../aggregate/behaviour.js";
import { type Clock, epochSeconds } from "../clock.js";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { RecordSchema } from "../gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
import { compress } from "../gzip/gzip.js";
import type { Logger } from "../logger.js";
import { utf8Length } from "../opaquedata/utf8.js";
import type { Serializer } from "../serializer/serializer.js";
import type { RowWrite, Store, StoredRecord, TransactionalStore } from "../store.js";

/** How events become records. */
export interface RecordFormat {
  readonly serializer: Serializer;
  readonly compressThreshold: number;
  readonly clock: Clock;
  /** Whether the store keeps the records of a save together, and compresses them itself. */
  readonly packs: boolean;
}

/** What DynamoDB takes in one transaction. It is the limit on every store that doesn't pack, so that a domain can move. */
const MAX_COMMAND_RECORDS = 100;

/** How much a DynamoDB item holds, in bytes, with its key. */
const MAX_ITEM_BYTES = 400 * 1024;

/** What an item takes beside its key and its data: the other attributes, generously. */
const ITEM_OVERHEAD_BYTES = 100;

/** Makes the records of numbered events. Where the aggregate has a time to live, each record expires that much later. */
export function toRecords(
  behaviour: Behaviour,
  events: readonly EventMessage[],
  format: RecordFormat,
): readonly StoredRecord[] {
  const ttl = behaviour.ttlSeconds > 0n ? epochSeconds(format.clock) + behaviour.ttlSeconds : 0n;
  return events.map((event) => {
    const { schema } =
      behaviour.events.get(event.$typeName) ?? (behaviour.snapshot as { readonly schema: DescMessage });
    return create(RecordSchema, { version: event.version, data: toData(schema, event, format), ttl });
  });
}

export interface SaveCommandOptions {
  /** Rows for the same transaction. */
  readonly rows: readonly RowWrite[] | undefined;
  /** Whether the store may cut the records into several transactions. */
  readonly splitSaves: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Saves the records of a command: all or none, unless they may be split.
 *
 * Throws `too_large` for more than one transaction holds, and what the store throws.
 */
export async function saveCommand(
  store: Store & Partial<TransactionalStore>,
  streamId: string,
  records: readonly StoredRecord[],
  options: SaveCommandOptions,
): Promise<void> {
  const { rows, splitSaves, signal } = options;
  if (records.length > MAX_COMMAND_RECORDS && !splitSaves && !store.packs) {
    throw new ProtosourceError(
      "too_large",
      `the command comes to ${records.length} records for ${streamId}, and one transaction holds ${MAX_COMMAND_RECORDS}: split the command, or set splitSaves`,
      { what: "command", size: records.length, limit: MAX_COMMAND_RECORDS },
    );
  }
  const isTransaction = rows !== undefined || (records.length > 1 && !splitSaves);
  if (isTransaction && store.saveAll !== undefined) {
    await store.saveAll([{ aggregateId: streamId, records }], { rows, signal, atEnd: true });
  } else {
    await store.save(streamId, records, { signal, atEnd: true });
  }
}

/** Tells whether a snapshot fits into a DynamoDB item, and warns when it doesn't. */
export function snapshotFits(
  schema: DescMessage,
  snapshot: EventMessage,
  streamId: string,
  format: RecordFormat,
  logger: Logger,
): boolean {
  const data = toData(schema, snapshot, format);
  const size = itemBytes(streamId, format.packs ? compress(data) : data);
  if (size <= MAX_ITEM_BYTES) return true;
  logger.warn(
    `The snapshot of ${streamId} after version ${snapshot.version - 1n} would take ${size} bytes of ${MAX_ITEM_BYTES}: it is left out, and loads get longer. Keep less in the aggregate.`,
    { streamId, size, limit: MAX_ITEM_BYTES },
  );
  return false;
}

/**
 * Explains a save that failed because of a snapshot: it would fail at every later command too. Another error comes
 * back as it is.
 */
export function explainTooLarge(
  error: unknown,
  { snapshot }: Behaviour,
  streamId: string,
  events: readonly EventMessage[],
  records: readonly StoredRecord[],
): unknown {
  if (!isProtosourceError(error, "too_large")) return error;
  const oversized = records.findIndex(
    ({ data }, i) => events[i]?.$typeName === snapshot?.schema.typeName && itemBytes(streamId, data) > MAX_ITEM_BYTES,
  );
  const record = records[oversized];
  if (record === undefined) return error;
  const size = itemBytes(streamId, record.data);
  return new ProtosourceError(
    "too_large",
    `the snapshot of ${streamId} takes ${size} bytes, and the store ${MAX_ITEM_BYTES}: keep less in the aggregate or, where no Go service reads the table, set sharedWithGo to false, which leaves it out`,
    { what: "snapshot", size, limit: MAX_ITEM_BYTES },
    { cause: error },
  );
}

function toData(schema: DescMessage, event: EventMessage, format: RecordFormat): Uint8Array {
  const { serializer, compressThreshold, packs } = format;
  return compress(serializer.serialize(schema, event), packs ? 0 : compressThreshold);
}

function itemBytes(streamId: string, data: Uint8Array): number {
  return utf8Length(streamId) + data.length + ITEM_OVERHEAD_BYTES;
}
