/** Spans and metrics of the requests, through a tracer and a meter that the caller has. */
import { ERROR_STATUS, SPAN_KIND, type TelemetryAttributes, type TelemetryOptions } from "../telemetry.js";
import type { ObservedRequest } from "./sending.js";

/**
 * Makes an `onRequest` that turns each request into a span and metrics: its operation, tables, time, attempts, units
 * and failure. A refused condition, such as that of a version that exists already, is counted as a conflict. It passes
 * on neither keys nor data.
 */
export function requestTelemetry({ tracer, meter }: TelemetryOptions): (request: ObservedRequest) => void {
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
    const attributes: TelemetryAttributes = {
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
      kind: SPAN_KIND.client,
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
