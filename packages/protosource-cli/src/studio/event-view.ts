/** Records as the page shows them. */
import type { JsonValue } from "@bufbuild/protobuf";
import { shortName } from "../format.js";
import { messageJson } from "../message-json.js";
import type { Payload } from "../payload.js";
import type { KnownAggregate, Schemas } from "../schemas.js";
import type { EventKind, EventSummary } from "./contract.js";
import { fieldsText } from "./fields-text.js";
import type { PersonalView } from "./personal-view.js";
import type { ReadEvent } from "./read-events.js";

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
  /** Its JSON as it may be shown; undefined where it can't be read. */
  readonly json: JsonValue | undefined;
  /** Whether there is more of it to see. */
  readonly masked: boolean;
}

/** Shows a record. `now` is in epoch seconds. */
export function viewEvent(
  { scanned, payload }: ReadEvent,
  { registry }: Schemas,
  known: KnownAggregate | undefined,
  personal: PersonalView,
  now: bigint,
): EventView {
  const { record, following } = scanned;
  const { typeName, event } = payload;
  const { at, actor } = envelopeOf(payload);
  const shown = event && personal.show(event.schema, messageJson(event.schema, event.message, registry));
  const sealed = shown !== undefined && mentionsSealed(shown.json);
  const summary: EventSummary = {
    version: record.version.toString(),
    kind: kindOf(payload, known),
    bytes: record.data.length,
    text: shown === undefined ? (problemText(payload, personal) ?? "") : fieldsText(shown.json, ENVELOPE),
    following,
    ...(at === undefined ? {} : { at: at.toString() }),
    ...(actor === undefined ? {} : { actor }),
    ...(typeName === undefined ? {} : { type: shortName(typeName) }),
    ...(record.ttl > 0n && record.ttl <= now ? { expired: true } : {}),
    ...(sealed ? { sealed: true } : {}),
  };
  return { summary, json: shown?.json, masked: shown?.masked === true || (sealed && !personal.isShown) };
}

/** Says why a record can't be read; undefined for one that can. What data is damaged by may be quoted with it. */
export function problemText({ problem }: Payload, personal: PersonalView): string | undefined {
  return problem?.kind === "undecodable" ? personal.quote(problem.message) : problem?.message;
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
export function mentionsSealed(json: JsonValue): boolean {
  if (typeof json !== "object" || json === null) return false;
  return Object.entries(json).some(([name, value]) => name === "@sealed" || mentionsSealed(value));
}
