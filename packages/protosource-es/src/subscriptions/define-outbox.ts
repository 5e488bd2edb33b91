/** Subscriptions that send events to others: at least once, and in the order of each stream. */
import { asError, invalid, isProtosourceError, ProtosourceError } from "../errors.js";
import { cloudEvent } from "./cloud-events.js";
import { foldRun } from "./fold-run.js";
import { checkSources, type HandledSource } from "./on.js";
import { outgoingJson } from "./outgoing-json.js";
import { beginOf, type Since } from "./since.js";
import type { FormattedEvent, OutboxMessage, OutgoingEvent, Sink } from "./sink.js";
import { checkName, type Effect, type EventRun, type Subscription, subscriptionId } from "./subscription.js";

/** What the handlers of an outbox get beside the event. */
export interface OutboxContext {
  readonly signal: AbortSignal | undefined;
}

/** What is told of an event. */
export interface Outgoing {
  /** The name that others know it by. The type name of the event by default, as `app.order.v1.Placed`. */
  readonly type?: string | undefined;
  /** What it tells: plain data or messages. The whole event by default. */
  readonly data?: unknown;
}

/** What a handler of an outbox gives: what to tell of the event, or nothing, so that it isn't sent. */
export type OutboxAnswer = Outgoing | undefined;

export interface OutboxOptions {
  /** Names its positions: letters, digits, "_", "." and "-". */
  readonly name: string;
  /** A higher version sends all events since `since` anew. 1 by default. */
  readonly version?: number | undefined;
  readonly since: Since;
  /** The handlers, by {@link on}. They may be asynchronous. */
  readonly from: readonly HandledSource<OutboxContext, OutboxAnswer | Promise<OutboxAnswer>>[];
  /** Where it sends to. */
  readonly to: Sink;
  /** Who tells the events: a URI reference. Together with the dedupe id it is unique. The name by default. */
  readonly source?: string | undefined;
  /** Writes an event. A CloudEvent 1.0 of structured JSON by default. */
  readonly format?: ((event: OutgoingEvent) => FormattedEvent) | undefined;
  /** How often a message is tried that can't be made, or never be sent, before its stream is parked. 5 by default. */
  readonly tries?: number | undefined;
}

/**
 * Defines an outbox: what its handlers tell of events is sent, at least once, and in the order of each stream. After a
 * crash a message may be sent again, with the same dedupe id. Streams don't wait for each other.
 *
 * A sink that doesn't answer, throttles or refuses is no event's fault: the events wait, and are sent when it does. A
 * handler or a format that throws, and a message that can never be sent, park their stream.
 *
 * The messages of a stream that wait together are sent together, as far as the sink takes them, and the position moves
 * behind: 1 write unit. Throws `invalid_argument` for a name, sources, a sink and a `since` that can't be.
 */
export function defineOutbox(options: OutboxOptions): Subscription {
  const { name, version = 1, since, from, to, source = name, format = cloudEvent, tries = 5 } = options;
  checkName(name, version);
  checkSources(name, from);
  if (typeof to !== "function") throw invalid("to", `${name} sends to nobody: give it a sink, or a function`);
  if (source === "") throw invalid("source", `${name} needs a source: a URI reference, or none for its name`);
  const outbox: Outbox = { id: subscriptionId({ name, version }), begin: beginOf(name, since), to, source, format };
  return {
    kind: "outbox",
    name,
    version,
    sources: from,
    tries,
    react: (run, { signal }) => react(outbox, run, signal),
  };
}

interface Outbox extends Required<Pick<OutboxOptions, "to">> {
  readonly id: string;
  readonly begin: bigint;
  readonly source: string;
  readonly format: (event: OutgoingEvent) => FormattedEvent;
}

async function react(outbox: Outbox, run: EventRun, signal: AbortSignal | undefined): Promise<Effect> {
  const messages: OutboxMessage[] = [];
  /** What is remembered before each message. */
  const memos: Uint8Array[] = [];
  let memo = run.memo;
  const source = run.source as HandledSource<OutboxContext, OutboxAnswer | Promise<OutboxAnswer>>;
  const steps = foldRun(run, source, () => ({ signal }));
  for (const { version, result, memo: memoBehind } of steps) {
    const answer = await result;
    const message = answer && messageOf(outbox, run, version, answer);
    if (message !== undefined && (message.at ?? outbox.begin) >= outbox.begin) {
      messages.push(message);
      memos.push(memo);
    }
    memo = memoBehind();
  }
  if (messages.length === 0) return { memo };
  const sent = await send(outbox, messages, signal);
  const next = messages[sent];
  return next === undefined ? { memo } : { to: next.version - 1n, memo: memos[sent] };
}

function messageOf({ source, format }: Outbox, run: EventRun, version: bigint, answer: Outgoing): OutboxMessage {
  const { behaviour } = run.source;
  const { streamId, id } = run;
  const event = run.events.find((one) => one.version === version);
  const { type = event?.$typeName ?? `${behaviour.schema.typeName}.Removed`, data = event } = answer;
  const outgoing: OutgoingEvent = {
    dedupeId: `${streamId}:${version}${run.ended ? ":removed" : ""}`,
    streamId,
    id,
    version,
    source,
    type,
    at: event?.at,
    meta: run.metas.get(version),
    data: data === undefined ? undefined : outgoingJson(data, behaviour.registry),
    event,
  };
  return { ...outgoing, ...format(outgoing) };
}

/** Sends, and gives how many were sent. Throws what says whose fault it is that none was. */
async function send(
  { id, to }: Outbox,
  messages: readonly OutboxMessage[],
  signal: AbortSignal | undefined,
): Promise<number> {
  let sent: Awaited<ReturnType<Sink>>;
  try {
    sent = await to(messages, { signal });
  } catch (thrown) {
    if (TELLING.some((code) => isProtosourceError(thrown, code))) throw thrown;
    const { name, message } = asError(thrown);
    throw unsent(id, message, name, thrown);
  }
  if (sent === 0) throw unsent(id, "the sink sent nothing", "nothing_sent");
  const count = sent ?? messages.length;
  if (Number.isSafeInteger(count) && count > 0 && count <= messages.length) return count;
  throw new ProtosourceError(
    "not_configured",
    `the sink of ${id} says that it sent ${count} of ${messages.length} messages: let it give how many it sent, from the first on, or nothing for all`,
    { option: "to" },
  );
}

/** Errors of a sink that tell themselves whose fault they are. */
const TELLING = ["too_large", "invalid_argument", "not_configured", "denied", "table_missing", "unavailable"] as const;

function unsent(id: string, why: string, reason: string, cause?: unknown): ProtosourceError<"unavailable"> {
  return new ProtosourceError(
    "unavailable",
    `${id} couldn't send for now: ${why}. It is tried again`,
    { operation: "send", reasons: [reason], outcome: "unknown" },
    { cause },
  );
}
