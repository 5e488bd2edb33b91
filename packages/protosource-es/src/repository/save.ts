/** Step 7: the events as records in the stream. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import type { Behaviour, EventMessage } from "../aggregate/behaviour.js";
import type { Clock } from "../clock.js";
import { isProtosourceError, ProtosourceError } from "../errors.js";
import { RecordSchema } from "../gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
import { compress } from "../gzip/gzip.js";
import type { Logger } from "../logger.js";
import { utf8Length } from "../opaquedata/utf8.js";
import type { Keyring, Sealer } from "../personal/keyring.js";
import { personalPlan } from "../personal/personal-plan.js";
import { eventPlace } from "../personal/places.js";
import { sealForSize } from "../personal/sealing.js";
import type { Serializer } from "../serializer/serializer.js";
import { atEnd } from "../store/at-end.js";
import type {
  Claim,
  RowWrite,
  Store,
  StoredRecord,
  StreamCheck,
  StreamWrite,
  TransactionalStore,
} from "../store/store.js";
import { pause } from "./pause.js";

/** How often a save is repeated of which nobody knows whether it was stored. Each takes as long as the store tries. */
const MAX_REPETITIONS = 3;

/** The failures that tell what became of a save, and of all attempts at it before. */
const SAVE_OUTCOMES = ["version_conflict", "partial_save"] as const;

/** How events become records. */
export interface RecordFormat {
  readonly serializer: Serializer;
  readonly compressThreshold: number;
  readonly clock: Clock;
  /** The meta of the record of each snapshot. */
  readonly snapshotMeta: Uint8Array;
  /** Whether the store keeps the records of a save together, and compresses them itself where it is more than one. */
  readonly packs: boolean;
  /** Seals and opens personal fields. */
  readonly keyring: Keyring | undefined;
}

/** What DynamoDB takes in one transaction. It is the limit on every store that doesn't pack, so that a domain can move. */
const MAX_TRANSACTION_ITEMS = 100;

/** How much a DynamoDB item holds, in bytes, with its key. */
const MAX_ITEM_BYTES = 400 * 1024;

/** What an item takes beside its key and its data: the other attributes, generously. */
const ITEM_OVERHEAD_BYTES = 100;

/** Makes the records of numbered events of an aggregate, each with its expiry. */
export function toRecords(
  behaviour: Behaviour,
  id: string,
  events: readonly EventMessage[],
  expiries: readonly bigint[],
  format: RecordFormat & { readonly sealer: Sealer | undefined },
): readonly StoredRecord[] {
  const packed = format.packs && events.length > 1;
  return events.map((event, i) => {
    const schema = schemaOf(behaviour, event);
    const place = eventPlace(behaviour.streamPrefix + id, event.version);
    const stored = format.sealer === undefined ? event : format.sealer.seal(schema, event, place);
    const data = toData(schema, stored, format, packed);
    const isSnapshot = event.$typeName === behaviour.snapshot?.schema.typeName;
    const record: StoredRecord = create(RecordSchema, { version: event.version, data, ttl: expiries[i] ?? 0n });
    return isSnapshot ? Object.assign(record, { meta: format.snapshotMeta }) : record;
  });
}

/** Gives the schema of an event or a snapshot. Throws `unhandled_event` for one of another aggregate. */
export function schemaOf({ events, snapshot, schema }: Behaviour, { $typeName }: EventMessage): DescMessage {
  const found = events.get($typeName)?.schema ?? snapshot?.schema;
  if (found?.typeName === $typeName) return found;
  throw new ProtosourceError("unhandled_event", `${schema.typeName} has no event ${$typeName}: give its own`, {
    typeName: $typeName,
  });
}

export interface SaveCommandOptions {
  /** Rows for the same transaction. */
  readonly rows: readonly RowWrite[];
  /** What to take and to free in the same transaction. */
  readonly claims: readonly Claim[];
  /** What must be so of other streams. */
  readonly check: readonly StreamCheck[];
  /** Whether the store may cut the records into several transactions. */
  readonly splitSaves: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Saves what commands come to: all or none, unless it is one stream and may be split. While nobody knows whether it was
 * stored, the very same save is repeated, a few times.
 *
 * Throws `too_large` for more than one transaction holds, and what the store throws.
 */
export async function saveCommand(
  store: Store & Partial<TransactionalStore>,
  writes: readonly StreamWrite[],
  options: SaveCommandOptions,
): Promise<void> {
  const { rows, claims, check, splitSaves, signal } = options;
  const records = writes.reduce((sum, write) => sum + write.records.length, 0);
  const others = claims.length + rows.length + check.length;
  const size = records + others + writes.filter(({ after }) => after !== undefined).length;
  const [first] = writes;
  const isLone = writes.length === 1 && others === 0;
  if (size > MAX_TRANSACTION_ITEMS && !(isLone && splitSaves) && !store.packs) {
    const streams = writes.map(({ aggregateId }) => aggregateId).join(", ");
    throw new ProtosourceError(
      "too_large",
      `the save comes to ${size} records, claims, rows and checks for ${streams}, and one transaction holds ${MAX_TRANSACTION_ITEMS}: save less at once${isLone ? ", or set splitSaves" : ""}`,
      { what: "command", size, limit: MAX_TRANSACTION_ITEMS },
    );
  }
  const isTransaction = !isLone || (records > 1 && !splitSaves);
  // A value may become free before an unanswered attempt arrives. Nobody frees what is taken once.
  const isLasting = (scope: string): boolean => claims.some((claim) => claim.scope === scope && claim.once);
  await untilKnown(signal, isLasting, async (commitId) => {
    if (first === undefined || (isTransaction && store.saveAll !== undefined)) {
      await store.saveAll?.(writes, atEnd({ rows, claims, check, signal, commitId, zeroIsNever: true }));
    } else {
      const { aggregateId, records, after } = first;
      await store.save(aggregateId, records, atEnd({ after, signal, commitId, zeroIsNever: true }));
    }
  });
}

/**
 * Sends a save again while nobody knows whether it was stored, with the commit id by which the store knows its own: so
 * it is stored once, and what was decided isn't decided again.
 *
 * Throws the `unavailable` with that id when it stays unknown. Unless the store tells what became of the save, another
 * failure of a repetition says nothing of the attempt before it.
 */
async function untilKnown(
  signal: AbortSignal | undefined,
  isLasting: (scope: string) => boolean,
  save: (commitId: Uint8Array | undefined) => Promise<void>,
): Promise<void> {
  let doubt: ProtosourceError<"unavailable"> | undefined;
  for (let repetition = 0; ; repetition++) {
    try {
      return await save(doubt?.details.commitId);
    } catch (error) {
      const isOutcome =
        SAVE_OUTCOMES.some((code) => isProtosourceError(error, code)) ||
        (isProtosourceError(error, "claim_taken") && isLasting(error.details.scope));
      if (isDoubt(error)) doubt = error;
      else if (doubt === undefined || isOutcome) throw error;
      if (repetition === MAX_REPETITIONS || signal?.aborted) throw doubt;
      await pause(repetition, signal);
    }
  }
}

function isDoubt(error: unknown): error is ProtosourceError<"unavailable"> {
  if (!isProtosourceError(error, "unavailable")) return false;
  return error.details.outcome === "unknown" && error.details.commitId !== undefined;
}

/** Tells whether a snapshot fits into a DynamoDB item, and warns when it doesn't. */
export function snapshotFits(
  schema: DescMessage,
  snapshot: EventMessage,
  streamId: string,
  format: RecordFormat,
  logger: Logger,
): boolean {
  const plan = personalPlan(schema);
  const stored = plan === undefined ? snapshot : sealForSize(plan, snapshot);
  const data = toData(schema, stored, format, format.packs);
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
  events: readonly EventMessage[],
  { aggregateId: streamId, records }: StreamWrite,
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

function toData(schema: DescMessage, event: Message, format: RecordFormat, packed: boolean): Uint8Array {
  const { serializer, compressThreshold } = format;
  return compress(serializer.serialize(schema, event), packed ? 0 : compressThreshold);
}

function itemBytes(streamId: string, data: Uint8Array): number {
  return utf8Length(streamId) + data.length + ITEM_OVERHEAD_BYTES;
}
