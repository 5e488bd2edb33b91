/**
 * The lines of an export: a head, then a line for each event and each row, then an end that says what there was.
 *
 * ```
 * {"protosource":"export","format":1}
 * {"event":{"stream":"example_app_order_v1#o-1","version":"1","data":"CjB0eX…"}}
 * {"row":{"pk":"example_app_order_v1#order#id#o-1","sk":"AGG","version":"1","gsi1pk":"…","gsi1sk":"…","body":"H4sI…"}}
 * {"end":{"events":1,"rows":1,"bytes":391,"digest":"…"}}
 * ```
 *
 * What is 0 or empty is left out. The same content makes the same lines, whichever store it came from.
 */
import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { isProtosourceError, type ScannedRecord, type StoredRecord } from "protosource-es";
import { KEY_ATTRIBUTES } from "protosource-es/model";
import { checkRow, compareUtf8, MAX_PARTITION_KEY_BYTES, type OpaqueRow, utf8Length } from "protosource-es/opaquedata";
import { StoredRecordSchema } from "protosource-es/proto";
import { OpaqueDataSchema } from "protosource-es/proto/funinthecloud/protosource/opaquedata/v1/opaquedata_v1_pb.js";
import { usageError } from "../failure.js";

/** An event as an export has it. */
export interface EventEntry {
  readonly kind: "event";
  readonly streamId: string;
  readonly record: StoredRecord;
}

/** A row as an export has it. */
export interface RowEntry {
  readonly kind: "row";
  readonly row: OpaqueRow;
}

export type Entry = EventEntry | RowEntry;

/** What an export holds. The digest doesn't depend on the order of the lines. */
export interface Totals {
  readonly events: number;
  readonly rows: number;
  /** Bytes of events and of bodies, as they are stored. */
  readonly bytes: number;
  /** The sum of the SHA-256 of the lines, in hex. */
  readonly digest: string;
}

const FORMAT = 1;

/** Gives the first line. Of an archive it says by `before` which event follows: see {@link eventDigest}. */
export function headLine(before?: string): string {
  return JSON.stringify({ protosource: "export", format: FORMAT, before });
}

/** Gives what an event is known again by: no other one has it, also under the same version of another life of the id. */
export function eventDigest(scanned: ScannedRecord): string {
  return createHash("sha256").update(eventLine(scanned)).digest("hex");
}

const MAX_INT64 = 2n ** 63n - 1n;

/** Gives the line of an event. */
export function eventLine({ aggregateId, record }: ScannedRecord): string {
  const { version, ttl, data, meta } = record;
  return JSON.stringify({
    event: {
      stream: aggregateId,
      version: version.toString(),
      // No time below 0 is one at which a record expires.
      ...(ttl <= 0n ? {} : { ttl: ttl.toString() }),
      ...(meta === undefined ? {} : { meta: base64(meta) }),
      data: base64(data),
    },
  });
}

/** Gives the line of a row. */
export function rowLine(row: OpaqueRow): string {
  const keys = KEY_ATTRIBUTES.slice(2).filter((name) => row[name] !== "");
  return JSON.stringify({
    row: {
      pk: row.pk,
      sk: row.sk,
      ...(row.version === 0n ? {} : { version: row.version.toString() }),
      ...(row.t === 0n ? {} : { t: row.t.toString() }),
      ...Object.fromEntries(keys.map((name) => [name, row[name]])),
      ...(row.body.length === 0 ? {} : { body: base64(row.body) }),
    },
  });
}

/** Gives the last line. */
export function endLine(totals: Totals): string {
  return JSON.stringify({ end: totals });
}

/** What a line turns out to be. */
export type Line =
  | { readonly kind: "head"; readonly before: string | undefined }
  | { readonly kind: "end"; readonly totals: Totals }
  | Entry;

/** Reads a line. Throws `invalid_argument`, which says what is wrong; the caller knows which line it is. */
export function parseLine(text: string): Line {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw wrong("isn't JSON", cause);
  }
  if (!isObject(json)) throw wrong("isn't an object");
  if (json["protosource"] === "export") {
    const { format, before } = json;
    if (before !== undefined && !isDigest(before)) throw wrong("doesn't say which event follows");
    if (format === FORMAT) return { kind: "head", before };
    throw wrong(`is of format ${JSON.stringify(format)}, and this version knows ${FORMAT}: update protosource`);
  }
  const [name, ...others] = Object.keys(json);
  const body = name === undefined ? undefined : json[name];
  if (others.length > 0 || !isObject(body)) throw wrong("is neither an event nor a row");
  switch (name) {
    case "event":
      return parseEvent(body);
    case "row":
      return parseRow(body);
    case "end":
      return { kind: "end", totals: parseTotals(body) };
    default:
      throw wrong("is neither an event nor a row");
  }
}

/** Sums up lines and what they hold. */
export interface Tally {
  add(line: string, bytes: number, kind: Entry["kind"]): void;
  totals(): Totals;
}

/** Makes a tally that goes on from earlier totals. */
export function createTally(before?: Totals): Tally {
  let { events, rows, bytes } = before ?? { events: 0, rows: 0, bytes: 0 };
  let digest = before ? BigInt(`0x${before.digest}`) : 0n;
  return {
    add(line, size, kind) {
      if (kind === "event") events++;
      else rows++;
      bytes += size;
      digest = BigInt.asUintN(256, digest + BigInt(`0x${createHash("sha256").update(line).digest("hex")}`));
    },
    totals: () => ({ events, rows, bytes, digest: digest.toString(16).padStart(64, "0") }),
  };
}

/** The bytes that an entry holds. */
export function bytesOf(entry: Entry): number {
  return entry.kind === "event" ? entry.record.data.length : entry.row.body.length;
}

/** The order of an export: events by stream and version, then rows by their keys. Texts compare by their UTF-8 bytes. */
export function compareEntries(a: Entry, b: Entry): number {
  if (a.kind === "event" && b.kind === "event") {
    const { record: one, streamId } = a;
    const { record: other } = b;
    return (
      compareUtf8(streamId, b.streamId) || (one.version < other.version ? -1 : Number(one.version > other.version))
    );
  }
  if (a.kind === "row" && b.kind === "row") return compareUtf8(a.row.pk, b.row.pk) || compareUtf8(a.row.sk, b.row.sk);
  return a.kind === "event" ? -1 : 1;
}

function parseEvent(fields: Fields): EventEntry {
  checkNames(fields, ["stream", "version", "ttl", "meta", "data"]);
  const version = int64(fields, "version");
  if (version < 1n) throw wrong("has a version below 1");
  const ttl = int64(fields, "ttl", 0n);
  if (ttl < 0n) throw wrong("has a ttl below 0");
  const record = create(StoredRecordSchema, { version, ttl, data: bytes(fields, "data") });
  if (fields["meta"] !== undefined) record.meta = bytes(fields, "meta");
  const streamId = text(fields, "stream");
  if (utf8Length(streamId) > MAX_PARTITION_KEY_BYTES) throw wrong(`has a stream over ${MAX_PARTITION_KEY_BYTES} bytes`);
  return { kind: "event", streamId, record };
}

function parseRow(fields: Fields): RowEntry {
  checkNames(fields, [...KEY_ATTRIBUTES, "version", "t", "body"]);
  const row = create(OpaqueDataSchema, {
    pk: text(fields, "pk"),
    sk: text(fields, "sk"),
    version: int64(fields, "version", 0n),
    t: int64(fields, "t", 0n),
    body: bytes(fields, "body", ""),
  });
  for (const name of KEY_ATTRIBUTES.slice(2)) if (fields[name] !== undefined) row[name] = text(fields, name);
  try {
    checkRow(row);
  } catch (error) {
    throw wrong(`has a row that no store takes: ${isProtosourceError(error) ? error.rawMessage : error}`, error);
  }
  return { kind: "row", row };
}

function parseTotals(fields: Fields): Totals {
  const { events, rows, bytes, digest } = fields;
  const counts = [events, rows, bytes];
  if (!counts.every(Number.isSafeInteger) || !isDigest(digest)) {
    throw wrong("ends the export without saying what there was");
  }
  return { events: events as number, rows: rows as number, bytes: bytes as number, digest };
}

function isDigest(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

type Fields = Readonly<Record<string, unknown>>;

function checkNames(fields: Fields, known: readonly string[]): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) throw wrong(`has a field ${JSON.stringify(unknown)}, which this version doesn't know`);
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || value === "") throw wrong(`has no ${name}`);
  if (/\p{Surrogate}/u.test(value)) throw wrong(`has half a character in its ${name}`);
  return value;
}

function int64(fields: Fields, name: string, absent?: bigint): bigint {
  const value = fields[name];
  if (value === undefined && absent !== undefined) return absent;
  if (typeof value === "string" && /^-?\d{1,19}$/.test(value)) {
    const number = BigInt(value);
    if (number >= -MAX_INT64 && number <= MAX_INT64) return number;
  }
  throw wrong(`has no whole number as its ${name}: write it as a string of digits`);
}

function bytes(fields: Fields, name: string, absent?: string): Uint8Array {
  const value = fields[name] ?? absent;
  if (typeof value === "string") {
    const decoded = Buffer.from(value, "base64");
    if (base64(decoded) === value) return new Uint8Array(decoded);
  }
  throw wrong(`has no base64 as its ${name}`);
}

function base64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(problem: string, cause?: unknown): Error {
  return usageError("file", problem, cause);
}
