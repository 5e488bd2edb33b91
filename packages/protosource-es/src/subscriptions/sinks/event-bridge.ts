import type { OutboxMessage, Sink } from "../sink.js";
import { AWS_LIMITS, countTaken, firstBatch, tooLarge, utf8Bytes } from "./batch.js";
import { type SendOptions, sendOptions } from "./send-options.js";

/** The shape of `EventBridge` of @aws-sdk/client-eventbridge. */
export interface EventBridgeLike {
  putEvents(input: { Entries: EventBridgeEntry[] }, options: SendOptions): Promise<EventBridgeAnswer>;
}

interface EventBridgeEntry {
  EventBusName: string;
  Source: string;
  DetailType: string;
  Detail: string;
  Time?: Date;
}

interface EventBridgeAnswer {
  readonly Entries?:
    | readonly {
        readonly EventId?: string | undefined;
        readonly ErrorCode?: string | undefined;
        readonly ErrorMessage?: string | undefined;
      }[]
    | undefined;
}

export interface EventBridgeOptions {
  /** The name or the ARN of the event bus. */
  readonly bus: string;
  /** How many bytes a request may have. 262,144 by default. */
  readonly maxBytes?: number | undefined;
}

/** How long the name of a type may be. */
const MAX_DETAIL_TYPE = 128;

/** What EventBridge counts for the time of an entry. */
const TIME_BYTES = 14;

/**
 * Sends to an event bus, up to 10 messages at once: `detail-type` is the type of a message, `source` the outbox's, and
 * `detail` its body, which must be a JSON object.
 *
 * EventBridge keeps no order and doesn't look for duplicates: its consumers do, by `detail.id`. Give it
 * `new EventBridge({})`, or `{ putEvents: (input) => client.send(new PutEventsCommand(input)) }`.
 */
export function eventBridge(client: EventBridgeLike, options: EventBridgeOptions): Sink {
  const { bus, maxBytes: bytes = AWS_LIMITS.bytes } = options;
  return async (messages, { signal }) => {
    const batch = firstBatch("EventBridge", messages, { ...AWS_LIMITS, bytes }, sizeOf);
    const entries = batch.map((message) => entryOf(bus, message));
    const answer = await client.putEvents({ Entries: entries }, sendOptions(signal));
    const refusals = batch.map((_, i) => {
      const { EventId, ErrorCode = "NoAnswer", ErrorMessage = "no answer for it" } = answer.Entries?.[i] ?? {};
      return EventId === undefined ? { code: ErrorCode, message: ErrorMessage } : undefined;
    });
    return countTaken("EventBridge", refusals);
  };
}

function entryOf(bus: string, { source, type, body, at }: OutboxMessage): EventBridgeEntry {
  const time = at === undefined ? {} : { Time: new Date(Number(at / 1000n)) };
  return { EventBusName: bus, Source: source, DetailType: type, Detail: body, ...time };
}

function sizeOf(message: OutboxMessage): number {
  const { source, type, body } = message;
  if (type.length > MAX_DETAIL_TYPE) throw tooLarge("a detail-type", message, type.length, MAX_DETAIL_TYPE);
  return TIME_BYTES + utf8Bytes(source, type, body);
}
