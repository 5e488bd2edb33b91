/** `streams show`: the events of one stream, or its state at a time. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import {
  isProtosourceError,
  metaOf,
  ProtosourceError,
  type RecordPage,
  type SaveMeta,
  type ScannedRecord,
  type SnapshotTailStore,
} from "protosource-es";
import { type Action, type SchemaOptions, useStore } from "../command.js";
import { derivedFields } from "../derived-fields.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { isoSeconds, isoTime, shortName, wholeNumber } from "../format.js";
import { type Change, jsonDiff, pathText } from "../json-diff.js";
import { loadSchemas } from "../load-schemas.js";
import { messageJson } from "../message-json.js";
import { parseMoment } from "../moment.js";
import { type Output, prettyJson, printable } from "../output.js";
import { type Payload, readPayload } from "../payload.js";
import { type Retirement, retirementOf } from "../retirement.js";
import { recordPages } from "../scanning.js";
import { aggregateOf, type KnownAggregate, type Schemas, streamPrefix } from "../schemas.js";
import { followState } from "../state-follower.js";
import { stateJson } from "../state-json.js";
import { createTurns } from "../turns.js";

export interface ShowOptions extends SchemaOptions {
  readonly at?: string;
  readonly diff?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
  readonly tail?: string;
}

/** Which events are printed. All of those before are read too, since what a later one changed depends on them. */
interface Selection {
  readonly from: bigint;
  readonly to: bigint | undefined;
  readonly limit: number;
  /** Only the last ones of the others. */
  readonly tail: number | undefined;
}

/** An event to print, and what it changed. */
interface Printed {
  readonly shown: Shown;
  readonly changes: readonly Change[] | undefined;
}

/** A record as it is shown. */
interface Shown {
  readonly scanned: ScannedRecord;
  readonly payload: Payload;
  readonly json: JsonValue | undefined;
  readonly retirement: Retirement | undefined;
  readonly at: bigint | undefined;
  readonly actor: string | undefined;
  /** What was kept with its save; the bytes of what can't be read. */
  readonly meta: SaveMeta | Uint8Array | undefined;
  readonly expired: boolean;
}

/** How much of an event that can't be decoded is shown to people. With --json it is all. */
const MAX_RAW_BYTES = 90;

const TITLES = ["VERSION", "TIME", "TYPE", "ACTOR", "EVENT"];

export const showStream: Action<ShowOptions> = async ({ output, signal }, options, streamId = "") => {
  const moment = options.at === undefined ? undefined : parseMoment(options.at, "--at");
  const selection = parseSelection(options);
  const schemas = await loadSchemas(options);
  for (const problem of schemas.problems) output.note(`warning: ${problem}`);
  const known = aggregateOf(schemas, streamId);
  if ((moment || options.diff) && !known) throw unknownAggregate(options, streamId);
  const follower = known && (moment || options.diff) ? followState(known) : undefined;
  if (follower && known) noteDerived(output, known);

  return useStore(options, async ({ store }) => {
    const lacking = new Set<string>();
    const turns = createTurns(signal);
    let printed: Printed[] = [];
    let count = 0;
    let last: Shown | undefined;
    let before: JsonValue | undefined;
    let isPast = false;
    let isRead = false;
    const now = BigInt(Math.floor(Date.now() / 1000));
    const pages = (!follower && (await tailPages(store, streamId, selection, signal))) || undefined;
    for await (const page of pages ?? recordPages(store, { aggregateId: streamId, signal })) {
      for (const error of page.unreadable) output.note(`warning: ${error.rawMessage}`);
      for (const scanned of page.records) {
        await turns();
        const shown = show(scanned, schemas, known, now);
        const { version } = scanned.record;
        isPast = moment?.isPast(scanned.record, shown.at) === true;
        isRead = isPast || count >= selection.limit || (selection.to !== undefined && version > selection.to);
        if (isRead) break;
        last = shown;
        const { typeName, problem } = shown.payload;
        if (problem?.kind === "unknown_type" && typeName !== undefined) lacking.add(typeName);
        follower?.next(scanned.record, shown.payload.event?.message);
        if (moment) continue;
        const after = options.diff && follower && known ? stateJson(follower, known, schemas) : undefined;
        const changes = after === undefined ? undefined : jsonDiff(before ?? {}, after);
        before = after;
        if (version < selection.from) continue;
        printed.push({ shown, changes });
        count++;
        if (printed.length > (selection.tail ?? Number.POSITIVE_INFINITY)) printed.shift();
      }
      if (selection.tail === undefined) {
        await printEvents(output, printed, options.diff === true);
        printed = [];
      }
      if (isRead) break;
    }
    await printEvents(output, printed, options.diff === true);
    noteLacking(output, lacking, options);
    if (last === undefined) throw nothing(streamId, schemas, isRead);
    if (moment && follower && known) return printState(output, last, stateJson(follower, known, schemas));
    if (count === 0)
      output.note(`${streamId} holds no such events: it ends at version ${last.scanned.record.version}.`);
    return EXIT.ok;
  });
};

/** Gives the end of a stream without a read of the rest; undefined for a damaged one, and where more is asked for. */
async function tailPages(
  store: SnapshotTailStore,
  aggregateId: string,
  { from, to, limit, tail }: Selection,
  signal: AbortSignal,
): Promise<readonly RecordPage[] | undefined> {
  if (tail === undefined || from > 1n || to !== undefined || limit !== Number.POSITIVE_INFINITY) return undefined;
  try {
    const { records } = await store.loadTail(aggregateId, tail, { includeExpired: true, signal });
    return [{ records: records.map((record) => ({ aggregateId, record, following: 0 })), unreadable: [] }];
  } catch (error) {
    if (!isProtosourceError(error, "corrupt_stream") && !isProtosourceError(error, "corrupt_record")) throw error;
    return undefined;
  }
}

function parseSelection({ at, from, to, limit, tail }: ShowOptions): Selection {
  const given = Object.entries({ from, to, limit, tail }).find(([, text]) => text !== undefined);
  if (at !== undefined && given !== undefined) {
    throw usageError("--at", `--at shows a state, and no events: leave it out, or --${given[0]}`);
  }
  const [first, last] = Object.entries({ from, to }).map(([name, text]) => {
    if (text === undefined || /^[1-9]\d{0,18}$/.test(text)) return text === undefined ? undefined : BigInt(text);
    throw usageError(`--${name}`, `--${name} is ${JSON.stringify(text)}: give a version, from 1`);
  });
  if (first !== undefined && last !== undefined && last < first) {
    throw usageError("--to", `no version lies from ${first} to ${last}: swap them`);
  }
  return {
    from: first ?? 1n,
    to: last,
    limit: limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber(limit, "--limit"),
    tail: tail === undefined ? undefined : wholeNumber(tail, "--tail"),
  };
}

function show(scanned: ScannedRecord, schemas: Schemas, known: KnownAggregate | undefined, now: bigint): Shown {
  const { aggregateId, record } = scanned;
  const payload = readPayload(aggregateId, record, schemas);
  const { message, schema } = payload.event ?? {};
  const { at, actor } = (message ?? {}) as { at?: unknown; actor?: unknown };
  return {
    scanned,
    payload,
    json: message && schema && messageJson(schema, message, schemas.registry),
    retirement: message && retirementOf(known, message, schemas.registry),
    at: typeof at === "bigint" ? at : undefined,
    actor: typeof actor === "string" ? actor : undefined,
    meta: readMeta(record),
    expired: record.ttl > 0n && record.ttl <= now,
  };
}

function readMeta(record: ScannedRecord["record"]): Shown["meta"] {
  try {
    return metaOf(record);
  } catch (error) {
    if (isProtosourceError(error, "corrupt_record")) return record.meta;
    throw error;
  }
}

/** Says what is known of a save, behind its event. */
function describeMeta({ meta }: Shown): string {
  if (meta === undefined) return "";
  if (meta instanceof Uint8Array) return ` (a meta that can't be read: ${meta.length} bytes)`;
  const { correlationId, causation, traceparent } = meta;
  const parts = [
    correlationId && `of ${correlationId}`,
    causation && `caused by ${causation.streamId}:${causation.version}`,
    traceparent && `trace ${traceparent}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

async function printEvents(output: Output, printed: readonly Printed[], diff: boolean): Promise<void> {
  if (diff || output.json) for (const one of printed) await printEvent(output, one, diff);
  else if (printed.length > 0) {
    await output.table(
      TITLES,
      printed.map(({ shown }) => eventRow(shown)),
    );
  }
}

async function printEvent(output: Output, { shown, changes }: Printed, diff: boolean): Promise<void> {
  const { scanned, payload, json, retirement, at, actor, expired } = shown;
  const { aggregateId, record } = scanned;
  if (output.json) {
    await output.value({
      stream: aggregateId,
      version: record.version,
      type: payload.typeName,
      at: at === undefined ? undefined : isoTime(at),
      actor,
      expires: record.ttl > 0n ? isoSeconds(record.ttl) : undefined,
      expired,
      bytes: record.data.length,
      meta: shown.meta,
      event: json,
      retired: retirement?.reason,
      readAs: retirement?.readAs,
      raw: json === undefined ? record.data : undefined,
      problem: payload.problem?.message ?? retirement?.problem,
      changes: changes?.map(({ keys, ...sides }) => ({ path: pathText(keys), ...sides })),
    });
    return;
  }
  await output.table(TITLES, [eventRow(shown)]);
  for (const { keys, before, after } of changes ?? []) {
    const path = pathText(keys);
    const [old, now] = [before, after].map((value) => (value === undefined ? undefined : JSON.stringify(value)));
    const line =
      old === undefined
        ? `+ ${path} = ${now}`
        : now === undefined
          ? `- ${path} = ${old}`
          : `~ ${path}: ${old} → ${now}`;
    const style = old === undefined ? "green" : now === undefined ? "red" : "yellow";
    await output.line(`    ${output.style(style, printable(line))}`);
  }
  if (diff && changes === undefined) await output.line("    (the state isn't known here)");
}

function eventRow(shown: Shown): readonly string[] {
  const { scanned, payload, at, actor, expired } = shown;
  return [
    scanned.record.version.toString(),
    at === undefined ? "" : isoTime(at),
    shortName(payload.typeName ?? "?"),
    actor ?? "",
    `${describe(shown)}${describeRetirement(shown)}${expired ? " (expired)" : ""}${describeMeta(shown)}`,
  ];
}

/** The fields of an event without what the other columns show, or what is known of one that can't be read. */
function describe({ payload, json, scanned }: Shown): string {
  if (json !== undefined) return ownFields(json);
  const { data } = scanned.record;
  const raw = Buffer.from(data.subarray(0, MAX_RAW_BYTES)).toString("base64");
  const type = payload.typeName ?? "data of no known type";
  return `${data.length} bytes of ${type}: ${raw}${data.length > MAX_RAW_BYTES ? "…" : ""}`;
}

/** What a retired event is read as, or why it isn't emitted any more. */
function describeRetirement({ retirement }: Shown): string {
  if (retirement === undefined) return "";
  const { reason, readAs, problem } = retirement;
  if (readAs === "ignored") return " (retired, ignored)";
  if (readAs !== undefined) return ` → ${shortName(readAs.type)} ${ownFields(readAs.event)}`;
  return problem === undefined ? ` (retired: ${reason})` : ` (retired; ${problem})`;
}

function ownFields(json: JsonValue): string {
  const { id, version, at, actor, ...fields } = json as JsonObject;
  return JSON.stringify(fields);
}

/** Says what would have to be known to show more. */
function noteLacking(output: Output, types: ReadonlySet<string>, { descriptors, domain }: ShowOptions): void {
  if (types.size === 0) return;
  const what =
    descriptors || domain ? `The descriptors lack ${[...types].join(", ")}` : "Without descriptors nothing is decoded";
  output.note(`${what}: add --descriptors with an image of the whole domain, made by buf build -o image.binpb.`);
}

async function printState(
  output: Output,
  last: Shown,
  state: JsonValue | undefined,
): Promise<typeof EXIT.ok | typeof EXIT.found> {
  const { aggregateId, record } = last.scanned;
  const at = last.at === undefined ? undefined : isoTime(last.at);
  if (output.json) await output.value({ stream: aggregateId, version: record.version, at, state: state ?? null });
  else {
    const title = `${printable(aggregateId)} at version ${record.version}${at ? `, ${at}` : ""}`;
    await output.line(output.style("bold", title));
    if (state !== undefined) await output.line(prettyJson(state));
  }
  if (state !== undefined) return EXIT.ok;
  output.note("The state isn't known: the records that it was made of have expired, or can't be read.");
  return EXIT.found;
}

function noteDerived(output: Output, { definition, hasRules }: KnownAggregate): void {
  const derived = hasRules ? [] : derivedFields(definition);
  if (derived.length === 0) return;
  output.note(`No event sets ${derived.join(", ")}: what code derives is shown only with --domain.`);
}

function unknownAggregate(options: ShowOptions, streamId: string): Error {
  const option = options.at === undefined ? "--diff" : "--at";
  if (!options.descriptors && !options.domain) {
    return usageError(option, `${option} needs to know the aggregate: add --descriptors image.binpb, or --domain`);
  }
  return usageError(option, `no aggregate in the descriptors has streams like ${streamId}: add those of its package`);
}

function nothing(streamId: string, { aggregates }: Schemas, isTooEarly: boolean): Error {
  const prefixes = aggregates.map(({ definition }) => `${streamPrefix(definition)}<id>`);
  const hint = prefixes.length > 0 ? `: streams are named ${prefixes.join(" or ")}` : "";
  const message = isTooEarly
    ? `the stream ${streamId} begins later: give a later version or time`
    : `there is no stream ${streamId}${hint}`;
  return new ProtosourceError("not_found", message, { aggregateId: streamId, reason: "unknown" });
}
