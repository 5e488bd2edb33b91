/** The parts of @opentelemetry/api that telemetry goes to. */
import { isErrorLike, isProtosourceError } from "./errors.js";

/** What a span or a measurement is about. */
export type TelemetryAttributes = Record<string, string | number | boolean | string[]>;

/** The shape of a `Span` of @opentelemetry/api. */
export interface SpanLike {
  setAttributes(attributes: TelemetryAttributes): unknown;
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  end(endTime?: number): void;
}

/** Another span that one has to do with, and isn't within. */
export interface SpanLink {
  readonly context: {
    readonly traceId: string;
    readonly spanId: string;
    readonly traceFlags: number;
    readonly isRemote: boolean;
  };
}

/** How a span begins. */
export interface SpanStart {
  readonly kind: number;
  readonly startTime?: number;
  readonly attributes: TelemetryAttributes;
  readonly links?: SpanLink[];
}

/** The shape of a `Tracer` of @opentelemetry/api. */
export interface TracerLike {
  startSpan(name: string, options: SpanStart): SpanLike;
  startActiveSpan<R>(name: string, options: SpanStart, run: (span: SpanLike) => R): R;
}

/** How an instrument presents itself. */
export interface InstrumentStart {
  readonly description: string;
  readonly unit: string;
}

/** The shape of a `Meter` of @opentelemetry/api. */
export interface MeterLike {
  createCounter(name: string, options: InstrumentStart): { add(value: number, attributes: TelemetryAttributes): void };
  createHistogram(
    name: string,
    options: InstrumentStart,
  ): { record(value: number, attributes: TelemetryAttributes): void };
}

/** Where telemetry goes. What is left out gets nothing. */
export interface TelemetryOptions {
  /** Gets the spans, within the one that is active. */
  readonly tracer?: TracerLike | undefined;
  /** Gets the metrics. */
  readonly meter?: MeterLike | undefined;
}

/** What OpenTelemetry calls INTERNAL, CLIENT and CONSUMER. */
export const SPAN_KIND = { internal: 0, client: 2, consumer: 4 } as const;

/** What OpenTelemetry calls ERROR. */
export const ERROR_STATUS = 2;

/** Names a failure by its code, or by the name of an error of another kind: its message may hold data. */
export function failureName(error: unknown): string {
  if (isProtosourceError(error)) return error.code;
  return isErrorLike(error) ? error.name : "_OTHER";
}
