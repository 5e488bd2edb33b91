/** Messages as rows, and back. */
import { type DescMessage, getOption, type Message, type MessageShape, ScalarType, toBinary } from "@bufbuild/protobuf";
import { type Clock, epochSeconds, systemClock } from "../clock.js";
import { invalid, isProtosourceError, ProtosourceError } from "../errors.js";
import { protosource_message_type } from "../gen/funinthecloud/protosource/options/v1/options_v1_pb.js";
import { compress, decompress } from "../gzip/gzip.js";
import { decodeMessage } from "../serializer/decode-message.js";
import { wrongValue } from "../serializer/wrong-value.js";
import { type AutoPKSK, autoPKSK, requireKeyModel } from "./auto-pksk.js";
import { GSI_NUMBERS, indexAttributes, KEY_ATTRIBUTES, type KeyAttribute, NO_KEY } from "./key-attribute.js";
import { MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES } from "./key-limits.js";
import type { KeyModel } from "./key-model.js";
import { type FieldValues, fieldReader } from "./key-value.js";
import type { GsiNumber, OpaqueKey, OpaqueRow } from "./opaque-store.js";
import { utf8Length } from "./utf8.js";

/** The longest time to live in seconds: what fits into the nanoseconds that the family's Go members count in. */
export const MAX_TTL_SECONDS = 9_223_372_036;

export interface OpaqueDataOptions {
  /** Tells the time from which the row's expiry counts. The machine's clock by default. */
  readonly clock?: Clock | undefined;
  /** Seconds after which the row expires; by default the `event_ttl_seconds` of the aggregate. 0 or less for never. */
  readonly ttlSeconds?: number | undefined;
  /** Seconds after which the row of an aggregate without `event_ttl_seconds` expires. 0 or less, the default: never. */
  readonly defaultTtlSeconds?: number | undefined;
  /** When the row expires, in epoch seconds, in place of any of those; 0 for never. */
  readonly expiry?: bigint | undefined;
  /** The version of the state; by default that of the message's own field `version`, if it has one. 0 for unknown. */
  readonly version?: bigint | undefined;
  /** Leaves the row out of each index whose keys are longer than DynamoDB allows. Off by default. */
  readonly omitLongKeys?: boolean | undefined;
  /** What the row keeps in place of the message that its keys are made of: the same one with personal fields sealed. */
  readonly body?: Message | undefined;
  /** The length in bytes from which the body is gzipped; 300 by default. 0 or less for never. */
  readonly compressThreshold?: number | undefined;
}

/** What is written of one kind of message, beside its bytes. */
interface RowPlan {
  readonly keys: AutoPKSK;
  /** The indexes that hold the message, by the names of their keys. */
  readonly indexes: readonly (readonly [pk: KeyAttribute, sk: KeyAttribute])[];
  readonly ttlSeconds: bigint;
  readonly version: (message: FieldValues) => bigint;
}

const plans = new WeakMap<DescMessage, RowPlan>();

/**
 * Makes the row of a message.
 *
 * Throws `not_keyed` for a message without usable key annotations, and `invalid_argument` for one that can't be encoded
 * and for a time to live that isn't a whole number of seconds up to {@link MAX_TTL_SECONDS}.
 */
export function opaqueDataFromMessage<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  options: OpaqueDataOptions = {},
): OpaqueRow {
  const plan = rowPlan(schema);
  const { keys } = plan;
  const { expiry, defaultTtlSeconds = 0 } = options;
  const ttlSeconds = checkTtl(schema, options.ttlSeconds ?? (plan.ttlSeconds || defaultTtlSeconds));
  const row = emptyRow();
  writeKeys(row, "pk", "sk", keys.pk(message), keys.sk(message));
  for (const [pk, sk] of plan.indexes) {
    const [partition, sort] = [keys[pk](message), keys[sk](message)];
    const isOmitted = options.omitLongKeys && !fitsIndex(partition, sort);
    if (!isOmitted) writeKeys(row, pk, sk, partition, sort);
  }
  if (expiry !== undefined) row.t = expiry;
  else if (ttlSeconds > 0n) row.t = epochSeconds(options.clock ?? systemClock) + ttlSeconds;
  row.version = options.version ?? plan.version(message as unknown as FieldValues);
  row.body = compress(encode(schema, (options.body ?? message) as MessageShape<D>), options.compressThreshold);
  return row;
}

/** Names a row, for people. */
export function rowName({ pk, sk }: OpaqueKey): string {
  return `pk=${JSON.stringify(pk)}, sk=${JSON.stringify(sk)}`;
}

/**
 * Gives the message of a row. Its personal fields stay sealed, and so empty.
 *
 * Throws `corrupt_record`, which names the row, when the body isn't such a message or unpacks to more than
 * `inflateLimit` bytes, 64 MiB by default.
 */
export function rehydrate<D extends DescMessage>(
  schema: D,
  row: OpaqueRow,
  options: { readonly inflateLimit?: number | undefined } = {},
): MessageShape<D> {
  const key = rowName(row);
  const body = decompress(row.body, key, options.inflateLimit);
  try {
    return decodeMessage(schema, body);
  } catch (cause) {
    throw new ProtosourceError(
      "corrupt_record",
      `${key}: the body isn't a ${schema.typeName}: look at what wrote the row, and write it again from its stream`,
      { key },
      { cause },
    );
  }
}

/**
 * Gives the function that tells the version of a row that another writer left without one: what the field `version` of
 * its body says. Undefined when the body has no version or can't be read.
 */
export function versionOf(schema: DescMessage): (row: OpaqueRow) => bigint | undefined {
  const read = versionReader(schema);
  return (row) => {
    if (row.version !== 0n || !read) return row.version || undefined;
    try {
      return read(rehydrate(schema, row) as unknown as FieldValues) || undefined;
    } catch (error) {
      if (isProtosourceError(error, "corrupt_record")) return undefined;
      throw error;
    }
  };
}

/**
 * Gives the keys under which an index holds a row, or the table itself for 0; undefined when it doesn't hold the row.
 * A sort key that is missing reads `NA`.
 */
export function rowKeys(row: OpaqueRow, index: GsiNumber | 0): OpaqueKey | undefined {
  const [pk, sk] = indexAttributes(index);
  // In the table itself NA is a key like any other.
  const isHeld = index === 0 ? row.pk !== "" : isKey(row[pk]);
  return isHeld ? { pk: row[pk], sk: row[sk] === "" ? NO_KEY : row[sk] } : undefined;
}

/** Tells whether a row no longer counts at a time in seconds since the Unix epoch. */
export function isExpired(row: OpaqueRow, nowSeconds: bigint): boolean {
  return row.t !== 0n && row.t <= nowSeconds;
}

/** Makes a row with nothing in it. */
export function emptyRow(): OpaqueRow {
  return { ...EMPTY_ROW };
}

function rowPlan(schema: DescMessage): RowPlan {
  let plan = plans.get(schema);
  if (!plan) {
    const model = requireKeyModel(schema);
    const version = versionReader(schema);
    plan = {
      keys: autoPKSK(schema),
      indexes: GSI_NUMBERS.map(indexAttributes).filter(
        ([pk, sk]) => model.templates.has(pk) || model.templates.has(sk),
      ),
      ttlSeconds: eventTtlSeconds(model),
      version: version ?? (() => 0n),
    };
    plans.set(schema, plan);
  }
  return plan;
}

function writeKeys(row: OpaqueRow, pkName: KeyAttribute, skName: KeyAttribute, pk: string, sk: string): void {
  if (isKey(pk)) {
    row[pkName] = pk;
    row[skName] = sk === "" ? NO_KEY : sk;
  } else if (isKey(sk)) {
    row[skName] = sk;
  }
}

function fitsIndex(pk: string, sk: string): boolean {
  return utf8Length(pk) <= MAX_PARTITION_KEY_BYTES && utf8Length(sk) <= MAX_SORT_KEY_BYTES;
}

function isKey(value: string): boolean {
  return value !== "" && value !== NO_KEY;
}

function eventTtlSeconds({ aggregate }: KeyModel): bigint {
  if (!aggregate) return 0n;
  const { role } = getOption(aggregate, protosource_message_type);
  return role.case === "aggregate" ? role.value.eventTtlSeconds : 0n;
}

function checkTtl(schema: DescMessage, ttlSeconds: number | bigint): bigint {
  const whole = typeof ttlSeconds === "bigint" || Number.isInteger(ttlSeconds);
  if (whole && ttlSeconds <= MAX_TTL_SECONDS) return BigInt(ttlSeconds);
  throw invalid(
    "ttlSeconds",
    `a row of ${schema.typeName} can't live ${ttlSeconds} seconds: give a whole number up to ${MAX_TTL_SECONDS}, or 0 for ever`,
  );
}

function versionReader(schema: DescMessage): ((message: FieldValues) => bigint) | undefined {
  const field = schema.field["version"];
  if (field?.fieldKind !== "scalar" || field.scalar !== ScalarType.INT64) return undefined;
  const read = fieldReader(field);
  return (message) => BigInt(read(message) as bigint | string);
}

function encode<D extends DescMessage>(schema: D, message: MessageShape<D>): Uint8Array {
  try {
    return toBinary(schema, message);
  } catch (cause) {
    throw invalid("message", `this ${schema.typeName} can't be encoded: ${wrongValue(cause)}`);
  }
}

/** A copy of it takes a thirtieth of the time of `create`. */
const EMPTY_ROW = {
  $typeName: "funinthecloud.protosource.opaquedata.v1.OpaqueData",
  t: 0n,
  version: 0n,
  body: new Uint8Array(),
  ...Object.fromEntries(KEY_ATTRIBUTES.map((name) => [name, ""])),
} as OpaqueRow;
