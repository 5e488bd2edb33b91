/** Where the messages of an outbox go to, and what they are. */
import type { JsonValue } from "@bufbuild/protobuf";
import type { EventMessage } from "../aggregate/behaviour.js";
import type { SaveMeta } from "../store/meta.js";

/** An event on its way out. */
export interface OutgoingEvent {
  /** The same each time that the event is sent: `<stream>:<version>`, and for the end of a life with `:removed` behind. */
  readonly dedupeId: string;
  readonly streamId: string;
  /** The id of the aggregate. */
  readonly id: string;
  readonly version: bigint;
  /** Who tells it: the `source` of the outbox. */
  readonly source: string;
  readonly type: string;
  /** When it happened, in microseconds since the Unix epoch; undefined where a life has ended. */
  readonly at: bigint | undefined;
  /** What was kept with the save of the event; undefined where nothing was, and where a life has ended. */
  readonly meta?: SaveMeta | undefined;
  /** What it tells. Undefined for the end of a life of which its handler tells nothing more. */
  readonly data: JsonValue | undefined;
  /** The event as it is stored; undefined where a life has ended. */
  readonly event: EventMessage | undefined;
}

/** What a format makes of an event. */
export interface FormattedEvent {
  readonly body: string;
  /** The media type of the body. */
  readonly contentType: string;
}

/** A message of an outbox: the event, and what its format made of it. */
export interface OutboxMessage extends OutgoingEvent, FormattedEvent {}

/**
 * Sends messages of one stream, in order, from the first on: {@link eventBridge}, {@link sns}, {@link sqs},
 * {@link kafka}, or any function. It gives how many of them it sent; all, where it gives nothing. The position moves
 * behind those, and the others are given again.
 *
 * When it throws, none of them counts as sent, and it is called again: by then a message may have been sent twice. That
 * isn't the fault of an event, however often it happens, so that the stream waits and nothing is parked or skipped. Only
 * `too_large` and `invalid_argument` of this package tell that a message can never be sent: they park the stream at it.
 */
export type Sink = (
  messages: readonly OutboxMessage[],
  options: { readonly signal: AbortSignal | undefined },
) => Promise<number> | Promise<void>;
