/** Records as the page shows them. */
import type { JsonValue } from "@bufbuild/protobuf";
import type { ScannedRecord } from "protosource-es";
import { shortName } from "../format.js";
import { messageJson } from "../message-json.js";
import { type Payload, readPayload } from "../payload.js";
import type { KnownAggregate, Schemas } from "../schemas.js";
import type { EventKind, EventSummary } from "./contract.js";
import { fieldsText } from "./fields-text.js";
import { maskPersonal } from "./mask-personal.js";

/** The fields that have columns of their own. */
const ENVELOPE = ["id", "version", "at", "actor"] as const;

/** What the events of an aggregate have in common. */
interface Envelope {
  readonly at: bigint | undefined;
  readonly actor: string | undefined;
}

/** Gives when an event happened and by whom, as far as it says. */
export function envelopeOf({ event }: Payload): Envelope {
  const { at, actor } = (event?.message ?? {}) as { at?: unknown; actor?: unknown };
  return {
    at: typeof at === "bigint" ? at : undefined,
    actor: typeof actor === "string" && actor !== "" ? actor : undefined,
  };
}

/** A record as far as it can be read. */
export interface EventView {
  readonly summary: EventSummary;
  readonly payload: Payload;
  /** Its JSON, with personal fields masked; undefined where it can't be read. */
  readonly json: JsonValue | undefined;
  readonly masked: boolean;
}

/** Shows a record. `now` is in epoch seconds. */
export function viewEvent(
  scanned: ScannedRecord,
  schemas: Schemas,
  known: KnownAggregate | undefined,
  now: bigint,
): EventView {
  const { aggregateId, record, following } = scanned;
  const payload = readPayload(aggregateId, record, schemas);
  const { typeName, event, problem } = payload;
  const { at, actor } = envelopeOf(payload);
  const json = event && messageJson(event.schema, event.message, schemas.registry);
  const hidden = event && json !== undefined ? maskPersonal(event.schema, json) : { json, masked: false };
  const sealed = json !== undefined && mentionsSealed(json);
  const summary: EventSummary = {
    version: record.version.toString(),
    kind: kindOf(payload, known),
    bytes: record.data.length,
    text: hidden.json === undefined ? (problem?.message ?? "") : fieldsText(hidden.json, ENVELOPE),
    following,
    ...(at === undefined ? {} : { at: at.toString() }),
    ...(actor === undefined ? {} : { actor }),
    ...(typeName === undefined ? {} : { type: shortName(typeName) }),
    ...(record.ttl > 0n && record.ttl <= now ? { expired: true } : {}),
    ...(sealed ? { sealed: true } : {}),
  };
  return { summary, payload, json: hidden.json, masked: hidden.masked || sealed };
}

function kindOf({ typeName, event, problem }: Payload, known: KnownAggregate | undefined): EventKind {
  if (problem !== undefined) return problem.kind === "unknown_type" ? "unknown" : "damaged";
  if (event?.schema.file.proto.package === "protosource_es.stream.v1") return "tombstone";
  const isA = (models: readonly { readonly schema: { readonly typeName: string } }[] | undefined): boolean =>
    models?.some(({ schema }) => schema.typeName === typeName) === true;
  if (isA(known?.definition.model.snapshots)) return "snapshot";
  return isA(known?.definition.model.retired) ? "retired" : "event";
}

/** Tells whether fields are sealed, of the message or of one within it. */
function mentionsSealed(json: JsonValue): boolean {
  if (typeof json !== "object" || json === null) return false;
  return Object.entries(json).some(([name, value]) => name === "@sealed" || mentionsSealed(value));
}
