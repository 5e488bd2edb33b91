/** Spans and metrics of subscriptions, through a tracer and a meter that the caller has. */
import { type ErrorCode, isProtosourceError } from "../errors.js";
import {
  ERROR_STATUS,
  failureName,
  SPAN_KIND,
  type SpanLike,
  type SpanLink,
  type TelemetryAttributes,
  type TelemetryOptions,
} from "../telemetry.js";
import type { Happening, ObservedStep, TraceStep } from "./engine.js";
import { WAITS_TOO_LONG } from "./look.js";

/** What `Subscriptions` take to tell of themselves. */
export interface SubscriptionTelemetry {
  readonly observe: (happening: Happening) => void;
  readonly trace: TraceStep;
}

type Measure = (happening: Happening, attributes: TelemetryAttributes) => void;

/** The failures by which a step learns that another worker was first: it is done again, and nothing is broken. */
const CONFLICTS: readonly ErrorCode[] = ["position_conflict", "row_conflict", "version_conflict"];

/**
 * Makes what turns the work of subscriptions into spans and metrics: `new Subscriptions({ store, all,
 * ...subscriptionTelemetry({ tracer, meter }) })`. Each step is a span that the handlers and the store's requests lie
 * within, linked to the saves of its events where their `meta` has a trace. It passes on neither ids nor data.
 *
 * `protosource.subscriptions.parked` and `.behind` are what the alarms of the templates look at. Events that an audit
 * finds count as behind from a minute on.
 */
export function subscriptionTelemetry({ tracer, meter }: TelemetryOptions): SubscriptionTelemetry {
  const counter = (name: string, unit: string, description: string) =>
    meter?.createCounter(`protosource.subscriptions.${name}`, { unit, description });
  const histogram = (name: string, description: string) =>
    meter?.createHistogram(`protosource.subscriptions.${name}`, { unit: "s", description });
  const lag = histogram("lag", "The time from an event to when its effect was stored.");
  const timerLag = histogram("timer_lag", "The time from when a timer was to go off to when it did.");
  const applied = counter("applied", "{event}", "Events whose effect was stored.");
  const filled = counter("filled", "{event}", "Events that were read, because the doorbell hadn't brought them.");
  const duplicates = counter("duplicates", "{doorbell}", "Doorbells that told nothing new.");
  const conflicts = counter("conflicts", "{conflict}", "Steps that were done again, as another worker was first.");
  const removed = counter("removed", "{stream}", "Ends of lives that were handled.");
  const failures = counter("failures", "{failure}", "Tries that failed, and were or will be repeated.");
  const parked = counter("parked", "{stream}", "Streams that were parked.");
  const behind = counter("behind", "{stream}", "Streams in which an audit found events that were not handled.");

  const conflict: Measure = ({ kind }, attributes) =>
    conflicts?.add(1, { ...attributes, "protosource.conflict": kind });
  const measures: Readonly<Record<Happening["kind"], Measure>> = {
    applied({ events, lag: micros = 0n }, attributes) {
      applied?.add(events, attributes);
      lag?.record(seconds(micros), attributes);
    },
    duplicate: (_, attributes) => duplicates?.add(1, attributes),
    filled: ({ events }, attributes) => filled?.add(events, attributes),
    position_conflict: conflict,
    row_conflict: conflict,
    removed: (_, attributes) => removed?.add(1, attributes),
    timer: ({ lag: micros = 0n }, attributes) => timerLag?.record(seconds(micros), attributes),
    failed: ({ error }, attributes) => failures?.add(1, { ...attributes, "error.type": failureName(error) }),
    parked: ({ error }, attributes) => parked?.add(1, { ...attributes, "error.type": failureName(error) }),
    behind({ lag: micros = WAITS_TOO_LONG }, attributes) {
      if (micros >= WAITS_TOO_LONG) behind?.add(1, attributes);
    },
  };
  const observe = (happening: Happening): void =>
    measures[happening.kind](happening, { "protosource.subscription": happening.subscription });

  const trace: TraceStep = (step, run) => {
    if (tracer === undefined) return run();
    const start = { kind: SPAN_KIND.consumer, attributes: attributesOf(step), links: linksOf(step) };
    return tracer.startActiveSpan(`${step.operation} ${step.subscription}`, start, (span) => within(span, run));
  };

  return { observe, trace };
}

async function within<R>(span: SpanLike, run: () => Promise<R>): Promise<R> {
  try {
    return await run();
  } catch (error) {
    const failure = failureName(error);
    span.setAttributes({ "error.type": failure });
    if (!CONFLICTS.some((code) => isProtosourceError(error, code))) {
      span.setStatus({ code: ERROR_STATUS, message: failure });
    }
    throw error;
  } finally {
    span.end();
  }
}

function attributesOf({ subscription, aggregateType, events }: ObservedStep): TelemetryAttributes {
  return {
    "protosource.subscription": subscription,
    "protosource.aggregate": aggregateType,
    "protosource.events": events,
  };
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})/;

/** Links to the saves, once each. What isn't a `traceparent` of W3C Trace Context is no link. */
function linksOf({ traceparents }: ObservedStep): SpanLink[] {
  return [...new Set(traceparents)].flatMap((traceparent) => {
    const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
    if (traceId === undefined || spanId === undefined || flags === undefined) return [];
    return [{ context: { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true } }];
  });
}

function seconds(micros: bigint): number {
  return Number(micros) / 1_000_000;
}
