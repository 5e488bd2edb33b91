/** Events as CloudEvents 1.0 spell them. */
import type { FormattedEvent, OutgoingEvent } from "./sink.js";

/**
 * Writes an event as a CloudEvent 1.0 of structured JSON, as an outbox does by default: `id` is the dedupe id, `subject`
 * the id of the aggregate, `time` has microseconds. What was kept with the save are extension attributes: `traceparent` of
 * the Distributed Tracing extension, `correlationid`, and `causationid`, which is the dedupe id of the causing event.
 */
export function cloudEvent({ dedupeId, source, type, id, at, meta = {}, data }: OutgoingEvent): FormattedEvent {
  const { traceparent, correlationId, causation } = meta;
  const attributes = {
    specversion: "1.0",
    id: dedupeId,
    source,
    type,
    subject: id,
    ...(at === undefined ? {} : { time: timestamp(at) }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(correlationId === undefined ? {} : { correlationid: correlationId }),
    ...(causation === undefined ? {} : { causationid: `${causation.streamId}:${causation.version}` }),
    ...(data === undefined ? {} : { datacontenttype: "application/json", data }),
  };
  const body = JSON.stringify(attributes).replace(NEVER_XML, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
  return { body, contentType: "application/cloudevents+json; charset=UTF-8" };
}

/** What JSON may hold and SQS and SNS refuse: they take the characters of XML. */
const NEVER_XML = /[\uFFFE\uFFFF]/g;

/** Gives a time of microseconds as RFC 3339 spells it. */
function timestamp(at: bigint): string {
  const micros = ((at % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((at - micros) / 1000n)).toISOString().slice(0, "2000-01-01T00:00:00".length);
  return `${seconds}.${micros.toString().padStart(6, "0")}Z`;
}
