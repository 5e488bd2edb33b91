/** Spans and metrics of a repository's calls, through a tracer and a meter that the caller has. */
import type { ErrorCode } from "../errors.js";
import {
  ERROR_STATUS,
  failureName,
  SPAN_KIND,
  type SpanLike,
  type TelemetryAttributes,
  type TelemetryOptions,
} from "../telemetry.js";
import type { ObservedOperation, ObserveOperation } from "./observed-operation.js";

/** The failures by which a command is answered, and nothing is broken. */
const REFUSALS: ReadonlySet<string> = new Set<ErrorCode>([
  "cancelled",
  "not_found",
  "already_created",
  "not_created",
  "validation_failed",
  "state_not_allowed",
  "version_conflict",
  "claim_taken",
  "command_id_reused",
]);

/**
 * Makes an `observe` that turns each call of a repository into a span and metrics: its operation, kind of aggregate,
 * commands, time, events, conflicts, retries, use of the cache, replayed events and failure. The spans of the store's
 * requests lie within it. It passes on neither ids nor data.
 *
 * A failure is told by its code, or by the name of an error of another kind. A refused command's span isn't an error.
 */
export function repositoryTelemetry({ tracer, meter }: TelemetryOptions): ObserveOperation {
  const counter = (name: string, unit: string, description: string) =>
    meter?.createCounter(`protosource.repository.${name}`, { unit, description });
  const histogram = (name: string, unit: string, description: string) =>
    meter?.createHistogram(`protosource.repository.${name}`, { unit, description });
  const duration = histogram("duration", "s", "The time of a call with all its tries.");
  const replayed = histogram("replayed_events", "{event}", "Events behind the snapshot that a load computes with.");
  const events = counter("events", "{event}", "Events that were stored, without snapshots.");
  const conflicts = counter("conflicts", "{conflict}", "Saves of commands that found that somebody else was first.");
  const retries = counter("retries", "{retry}", "Decisions on commands beyond the first.");
  const cacheHits = counter("cache_hits", "{lookup}", "Commands whose aggregate was in the cache.");
  const cacheMisses = counter("cache_misses", "{lookup}", "Commands whose aggregate wasn't in the cache.");
  const rowsFailed = counter("rows_failed", "{row}", "Rows that were not written after their events.");
  const failures = counter("failures", "{call}", "Calls that failed, or were refused.");

  const measure = (operation: ObservedOperation, seconds: number, failure: string | undefined): void => {
    const attributes = attributesOf(operation);
    const { cache } = operation;
    duration?.record(seconds, attributes);
    if (operation.replayed !== undefined) replayed?.record(operation.replayed, attributes);
    if (operation.events > 0) events?.add(operation.events, attributes);
    if (operation.rowsFailed > 0) rowsFailed?.add(operation.rowsFailed, attributes);
    if (operation.conflicts > 0) conflicts?.add(operation.conflicts, attributes);
    if (operation.decisions > 1) retries?.add(operation.decisions - 1, attributes);
    if (cache !== undefined) (cache === "hit" ? cacheHits : cacheMisses)?.add(1, attributes);
    if (failure !== undefined) failures?.add(1, { ...attributes, "error.type": failure });
  };

  return (operation, run) => {
    const observed = async (span?: SpanLike): ReturnType<typeof run> => {
      const start = performance.now();
      let failure: string | undefined;
      try {
        return await run();
      } catch (error) {
        failure = failureName(error);
        throw error;
      } finally {
        measure(operation, (performance.now() - start) / 1_000, failure);
        span?.setAttributes(outcomeOf(operation, failure));
        if (failure !== undefined && !REFUSALS.has(failure)) span?.setStatus({ code: ERROR_STATUS, message: failure });
        span?.end();
      }
    };
    if (tracer === undefined) return observed();
    const start = { kind: SPAN_KIND.internal, attributes: attributesOf(operation) };
    return tracer.startActiveSpan(`${operation.operation} ${operation.aggregateType}`, start, observed);
  };
}

function attributesOf({ operation, aggregateType }: ObservedOperation): TelemetryAttributes {
  return { "protosource.operation": operation, "protosource.aggregate": aggregateType };
}

function outcomeOf(operation: ObservedOperation, failure: string | undefined): TelemetryAttributes {
  const { commands, cache, replayed, decisions } = operation;
  return {
    "protosource.commands": [...commands],
    "protosource.events": operation.events,
    "protosource.conflicts": operation.conflicts,
    "protosource.retries": Math.max(0, decisions - 1),
    "protosource.skipped": operation.skipped,
    "protosource.repeated": operation.repeated,
    ...(operation.rowsFailed === 0 ? {} : { "protosource.rows_failed": operation.rowsFailed }),
    ...(cache === undefined ? {} : { "protosource.cache": cache }),
    ...(replayed === undefined ? {} : { "protosource.replayed_events": replayed }),
    ...(failure === undefined ? {} : { "error.type": failure }),
  };
}
