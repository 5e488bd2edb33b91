/** Spans and metrics of the requests, through a tracer and a meter that the caller has. */
import type { ObservedRequest } from "./sending.js";

type Attributes = Record<string, string | number>;

/** The shape of a `Tracer` of @opentelemetry/api. */
export interface TracerLike {
  startSpan(
    name: string,
    options: { readonly kind: number; readonly startTime: number; readonly attributes: Attributes },
  ): { setStatus(status: { readonly code: number; readonly message?: string }): unknown; end(endTime?: number): void };
}

/** The shape of a `Meter` of @opentelemetry/api. */
export interface MeterLike {
  createCounter(
    name: string,
    options: { readonly description: string; readonly unit: string },
  ): { add(value: number, attributes: Attributes): void };
  createHistogram(
    name: string,
    options: { readonly description: string; readonly unit: string },
  ): { record(value: number, attributes: Attributes): void };
}

export interface RequestTelemetryOptions {
  /** Gets a span of each request, within the span that is active. */
  readonly tracer?: TracerLike | undefined;
  /** Gets the metrics. */
  readonly meter?: MeterLike | undefined;
}

/** What OpenTelemetry calls CLIENT and ERROR. */
const CLIENT_KIND = 2;
const ERROR_STATUS = 2;

/**
 * Makes an `onRequest` that turns each request into a span and metrics: its operation, tables, time, attempts, units
 * and failure. A refused condition, such as that of a version that exists already, is counted as a conflict. It passes
 * on neither keys nor data.
 */
export function requestTelemetry({ tracer, meter }: RequestTelemetryOptions): (request: ObservedRequest) => void {
  const counter = (name: string, unit: string, description: string) =>
    meter?.createCounter(`protosource.dynamodb.${name}`, { unit, description });
  const duration = meter?.createHistogram("db.client.operation.duration", {
    unit: "s",
    description: "The time of a request with all its attempts.",
  });
  const retries = counter("retries", "{attempt}", "Attempts beyond the first.");
  const conflicts = counter("conflicts", "{request}", "Writes that a condition refused.");
  const failures = counter("failures", "{request}", "Requests that ended with an error.");
  const readUnits = counter("read_units", "{unit}", "Read capacity units, as DynamoDB reports them.");
  const writeUnits = counter("write_units", "{unit}", "Write capacity units, as DynamoDB reports them.");

  return (request) => {
    const { operation, table, attempts, milliseconds, failure } = request;
    const attributes: Attributes = {
      "db.system.name": "aws.dynamodb",
      "db.operation.name": operation,
      "db.collection.name": table,
    };
    duration?.record(milliseconds / 1_000, attributes);
    if (attempts > 1) retries?.add(attempts - 1, attributes);
    if (failure === "refused") conflicts?.add(1, attributes);
    else if (failure !== undefined) failures?.add(1, { ...attributes, "error.type": failure });
    if (request.readUnits > 0) readUnits?.add(request.readUnits, attributes);
    if (request.writeUnits > 0) writeUnits?.add(request.writeUnits, attributes);

    const end = Date.now();
    const span = tracer?.startSpan(`${operation} ${table}`, {
      kind: CLIENT_KIND,
      startTime: end - milliseconds,
      attributes: {
        ...attributes,
        "protosource.attempts": attempts,
        "protosource.read_units": request.readUnits,
        "protosource.write_units": request.writeUnits,
        ...(failure === undefined ? {} : { "error.type": failure }),
      },
    });
    if (failure !== undefined && failure !== "refused") span?.setStatus({ code: ERROR_STATUS, message: failure });
    span?.end(end);
  };
}
