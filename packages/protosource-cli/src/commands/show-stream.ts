/** `streams show`: the events of one stream, or its state at a time. */
import type { JsonValue, Message } from "@bufbuild/protobuf";
import { ProtosourceError, type ScannedRecord } from "protosource-es";
import { type Action, type SchemaOptions, useStore } from "../command.js";
import { derivedFields } from "../derived-fields.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { isoSeconds, isoTime } from "../format.js";
import { type Change, jsonDiff } from "../json-diff.js";
import { type Output, prettyJson, printable } from "../output.js";
import { messageJson, type Payload, readPayload } from "../payload.js";
import { recordPages } from "../scanning.js";
import { aggregateOf, type KnownAggregate, loadSchemas, type Schemas, streamPrefix } from "../schemas.js";
import { followState, type StateFollower } from "../state-follower.js";
import { createTurns } from "../turns.js";

export interface ShowOptions extends SchemaOptions {
  readonly at?: string;
  readonly diff?: boolean;
}

/** Where to stop: after a version, or before the first event later than a time. */
interface Moment {
  isPast(record: { readonly version: bigint }, at: bigint | undefined): boolean;
}

/** A record as it is shown. */
interface Shown {
  readonly scanned: ScannedRecord;
  readonly payload: Payload;
  readonly json: JsonValue | undefined;
  readonly at: bigint | undefined;
  readonly actor: string | undefined;
  readonly expired: boolean;
}

/** How much of an event that can't be decoded is shown to people. With --json it is all. */
const MAX_RAW_BYTES = 90;

const TITLES = ["VERSION", "TIME", "TYPE", "ACTOR", "EVENT"];

export const showStream: Action<ShowOptions> = async ({ output, signal }, options, streamId = "") => {
  const moment = options.at === undefined ? undefined : parseMoment(options.at);
  const schemas = await loadSchemas(options);
  for (const problem of schemas.problems) output.note(`warning: ${problem}`);
  const known = aggregateOf(schemas, streamId);
  if ((moment || options.diff) && !known) throw unknownAggregate(options, streamId);
  const follower = known && (moment || options.diff) ? followState(known) : undefined;
  if (follower && known) noteDerived(output, known);

  return useStore(options, async ({ store }) => {
    const lacking = new Set<string>();
    const turns = createTurns(signal);
    let last: Shown | undefined;
    let before: JsonValue | undefined;
    let isPast = false;
    const now = BigInt(Math.floor(Date.now() / 1000));
    for await (const page of recordPages(store, { aggregateId: streamId, signal })) {
      for (const error of page.unreadable) output.note(`warning: ${error.rawMessage}`);
      const rows: (readonly string[])[] = [];
      for (const scanned of page.records) {
        await turns();
        const shown = show(scanned, schemas, now);
        isPast ||= moment?.isPast(scanned.record, shown.at) === true;
        if (isPast) break;
        last = shown;
        const { typeName, problem } = shown.payload;
        if (problem?.kind === "unknown_type" && typeName !== undefined) lacking.add(typeName);
        follower?.next(scanned.record, shown.payload.event?.message);
        if (moment) continue;
        if (!options.diff && !output.json) {
          rows.push(eventRow(shown));
          continue;
        }
        const after = options.diff && follower && known ? stateJson(follower, known, schemas) : undefined;
        await printEvent(output, shown, after === undefined ? undefined : jsonDiff(before ?? {}, after));
        if (options.diff && after === undefined && !output.json) await output.line("    (the state isn't known here)");
        before = after;
      }
      if (rows.length > 0) await output.table(TITLES, rows);
      if (isPast) break;
    }
    noteLacking(output, lacking, options);
    if (last === undefined) throw nothing(streamId, schemas, moment !== undefined && isPast);
    if (moment && follower && known) return printState(output, last, stateJson(follower, known, schemas));
    return EXIT.ok;
  });
};

function show(scanned: ScannedRecord, schemas: Schemas, now: bigint): Shown {
  const { aggregateId, record } = scanned;
  const payload = readPayload(aggregateId, record, schemas);
  const { message, schema } = payload.event ?? {};
  const { at, actor } = (message ?? {}) as { at?: unknown; actor?: unknown };
  return {
    scanned,
    payload,
    json: message && schema && messageJson(schema, message, schemas.registry),
    at: typeof at === "bigint" ? at : undefined,
    actor: typeof actor === "string" ? actor : undefined,
    expired: record.ttl > 0n && record.ttl <= now,
  };
}

async function printEvent(output: Output, shown: Shown, changes: readonly Change[] | undefined): Promise<void> {
  const { scanned, payload, json, at, actor, expired } = shown;
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
      event: json,
      raw: json === undefined ? record.data : undefined,
      problem: payload.problem?.message,
      changes,
    });
    return;
  }
  await output.table(TITLES, [eventRow(shown)]);
  for (const { path, before, after } of changes ?? []) {
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
}

function eventRow(shown: Shown): readonly string[] {
  const { scanned, payload, at, actor, expired } = shown;
  return [
    scanned.record.version.toString(),
    at === undefined ? "" : isoTime(at),
    (payload.typeName ?? "?").replace(/^.*\./, ""),
    actor ?? "",
    `${describe(shown)}${expired ? " (expired)" : ""}`,
  ];
}

/** The fields of an event without what the other columns show, or what is known of one that can't be read. */
function describe({ payload, json, scanned }: Shown): string {
  if (json !== undefined && typeof json === "object" && json !== null && !Array.isArray(json)) {
    const { id, version, at, actor, ...fields } = json;
    return JSON.stringify(fields);
  }
  const { data } = scanned.record;
  const raw = Buffer.from(data.subarray(0, MAX_RAW_BYTES)).toString("base64");
  const type = payload.typeName ?? "data of no known type";
  return `${data.length} bytes of ${type}: ${raw}${data.length > MAX_RAW_BYTES ? "…" : ""}`;
}

/** Says what would have to be known to show more. */
function noteLacking(output: Output, types: ReadonlySet<string>, { descriptors, domain }: ShowOptions): void {
  if (types.size === 0) return;
  const isGiven = descriptors !== undefined || domain !== undefined;
  const what = isGiven ? `The descriptors lack ${[...types].join(", ")}` : "Without descriptors nothing is decoded";
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

function stateJson(
  follower: StateFollower,
  { definition }: KnownAggregate,
  { registry }: Schemas,
): JsonValue | undefined {
  const state: Message | undefined = follower.state();
  return state && messageJson(definition.schema, state, registry);
}

function noteDerived(output: Output, { definition, hasRules }: KnownAggregate): void {
  const derived = hasRules ? [] : derivedFields(definition);
  if (derived.length === 0) return;
  output.note(`No event sets ${derived.join(", ")}: what code derives is shown only with --domain.`);
}

function parseMoment(text: string): Moment {
  if (/^\d{1,19}$/.test(text)) {
    const last = BigInt(text);
    return { isPast: ({ version }) => version > last };
  }
  const [, fraction = ""] = /\.(\d+)/.exec(text) ?? [];
  const milliseconds = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text.replace(/\.\d+/, "")) : Number.NaN;
  if (Number.isNaN(milliseconds)) {
    throw usageError("--at", `--at is ${JSON.stringify(text)}: give a version, or a time such as 2026-01-31T12:00:00Z`);
  }
  const time = BigInt(milliseconds) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
  return { isPast: (_, at) => at !== undefined && at > time };
}

function unknownAggregate(options: ShowOptions, streamId: string): Error {
  const option = options.at === undefined ? "--diff" : "--at";
  if (options.descriptors === undefined && options.domain === undefined) {
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
