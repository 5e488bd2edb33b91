/** The parts of @opentelemetry/api that telemetry goes to. */

/** What a span or a measurement is about. */
export type TelemetryAttributes = Record<string, string | number | boolean | string[]>;

/** The shape of a `Span` of @opentelemetry/api. */
export interface SpanLike {
  setAttributes(attributes: TelemetryAttributes): unknown;
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  end(endTime?: number): void;
}

/** How a span begins. */
export interface SpanStart {
  readonly kind: number;
  readonly startTime?: number;
  readonly attributes: TelemetryAttributes;
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

/** What OpenTelemetry calls INTERNAL and CLIENT. */
export const SPAN_KIND = { internal: 0, client: 2 } as const;

/** What OpenTelemetry calls ERROR. */
export const ERROR_STATUS = 2;
