/** What is kept with what an event causes. */
import { type EventReference, fitsMeta, type SaveMeta } from "../store/meta.js";

/**
 * Gives the meta of what an event causes: that event, and what its own meta says of the request and the trace that it is
 * a part of. What doesn't fit beside the others is left out: the trace first, and the causing event last.
 */
export function followUpMeta(causation: EventReference, { correlationId, traceparent }: SaveMeta = {}): SaveMeta {
  const choices: readonly SaveMeta[] = [
    { causation, correlationId, traceparent },
    { causation, correlationId },
    { causation },
    { correlationId, traceparent },
  ];
  return choices.find(fitsMeta) ?? {};
}
