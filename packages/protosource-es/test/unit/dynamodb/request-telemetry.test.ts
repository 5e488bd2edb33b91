/** Spans and metrics of requests: with a real tracer, and a meter that notes what it is told. */
import { once } from "node:events";
import { create } from "@bufbuild/protobuf";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { type DynamoDBClientLike, DynamoDBStore, type MeterLike, requestTelemetry } from "protosource-es/dynamodb";
import { StoredRecordSchema } from "protosource-es/proto";
import { expect, test } from "vitest";
import { failure } from "../../failure.js";

const exporter = new InMemorySpanExporter();
const tracer = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer("test");

const SECRET = "secret-stream";
const records = [create(StoredRecordSchema, { version: 1n, data: new TextEncoder().encode("secret data") })];

/** A store whose requests meet these errors, and then succeed. */
function store(errors: readonly string[], options: Parameters<typeof requestTelemetry>[0]): DynamoDBStore {
  const left = [...errors];
  const client = {
    send: async () => {
      const name = left.shift();
      if (name) throw Object.assign(new Error("injected"), { name, $metadata: { httpStatusCode: 400 } });
      return { Items: [], ConsumedCapacity: { CapacityUnits: 3 } };
    },
  };
  return new DynamoDBStore(client as unknown as DynamoDBClientLike, { onRequest: requestTelemetry(options) });
}

test("each request is a span, with its attempts and units, and without keys or data", async () => {
  exporter.reset();
  await store(["ThrottlingException"], { tracer }).save(SECRET, records);
  await store([], { tracer }).load(SECRET);
  await failure(store(["ConditionalCheckFailedException"], { tracer }).save(SECRET, records));
  await failure(store(["AccessDeniedException"], { tracer }).load(SECRET));

  const spans = exporter.getFinishedSpans();
  expect(spans.map(({ name, status, attributes }) => ({ name, code: status.code, ...attributes }))).toMatchObject([
    { name: "PutItem events", code: 0, "protosource.attempts": 2, "protosource.write_units": 3 },
    { name: "Query events", code: 0, "protosource.attempts": 1, "protosource.read_units": 3 },
    { name: "PutItem events", code: 0, "error.type": "refused" },
    { name: "Query events", code: 2, "error.type": "denied" },
  ]);
  const told = spans.map(({ name, attributes, status, events }) => ({ name, attributes, status, events }));
  expect(JSON.stringify(told)).not.toContain("secret");
});

test("requests are counted: retries, conflicts, failures and units", async () => {
  const told: unknown[] = [];
  const instrument = (name: string) => {
    const note = (value: number, attributes: object): unknown => told.push({ name, value, ...attributes });
    return { add: note, record: note };
  };
  const meter: MeterLike = { createCounter: instrument, createHistogram: instrument };
  await store(["ThrottlingException", "ThrottlingException"], { meter }).save(SECRET, records);
  await failure(store(["ConditionalCheckFailedException"], { meter }).save(SECRET, records));
  await failure(store(["AccessDeniedException"], { meter }).load(SECRET));

  const put = { "db.operation.name": "PutItem", "db.collection.name": "events" };
  expect(told).toMatchObject([
    { name: "db.client.operation.duration", ...put },
    { name: "protosource.dynamodb.retries", value: 2, ...put },
    { name: "protosource.dynamodb.write_units", value: 3, ...put },
    { name: "db.client.operation.duration", ...put },
    { name: "protosource.dynamodb.conflicts", value: 1, ...put },
    { name: "db.client.operation.duration" },
    { name: "protosource.dynamodb.failures", value: 1, "error.type": "denied" },
  ]);
  expect(JSON.stringify(told)).not.toContain("secret");
});

test("without a tracer and a meter nothing happens", async () => {
  await expect(store([], {}).save(SECRET, records)).resolves.toBeUndefined();
});

test("an observer that throws makes no failure of a save that was stored", async () => {
  const warned = once(process, "warning");
  const fail = (): never => {
    throw new Error("no exporter");
  };
  const broken = store([], { tracer: { startSpan: fail, startActiveSpan: fail } });
  await broken.save(SECRET, records);
  expect(String(await warned)).toContain("onRequest threw: Error: no exporter");
});
