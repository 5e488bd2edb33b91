/** OpenTelemetry patches the SDK while it is loaded, so everything is imported after it. */
import { AwsInstrumentation } from "@opentelemetry/instrumentation-aws-sdk";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { expect, it } from "vitest";

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const instrumentation = new AwsInstrumentation();
instrumentation.setTracerProvider(provider);
const { createRequire } = await import("node:module");
// Its patch is applied by `require`, as it is when it is loaded by `node --require`.
createRequire(import.meta.url)("@aws-sdk/client-dynamodb");
const { create } = await import("@bufbuild/protobuf");
const { isProtosourceError } = await import("protosource-es");
const { DynamoDBStore } = await import("protosource-es/dynamodb");
const { StoredRecordSchema } = await import("protosource-es/proto");
const { failure } = await import("../../failure.js");
const { errorAnswer, json, scriptedClient } = await import("./scripted-client.js");

it.each([true, false])("OpenTelemetry has a span of each request, with fastPath %s", async (fastPath) => {
  exporter.reset();
  let isDenied = false;
  const answer = { Count: 3, Items: [], ConsumedCapacity: { TableName: "events", CapacityUnits: 2 } };
  const { client } = scriptedClient(() => (isDenied ? errorAnswer("AccessDeniedException") : { body: json(answer) }));
  const store = new DynamoDBStore(client, { fastPath });
  const record = (version: bigint) => create(StoredRecordSchema, { version, data: new Uint8Array([1]) });
  await store.load("a#1");
  await store.load("a#1");
  await store.save("a#1", [record(1n)]);
  await store.save("a#1", [record(2n), record(3n)]);
  isDenied = true;
  expect(isProtosourceError(await failure(store.load("a#1")), "denied")).toBe(true);

  const of = (operation: string, requestId: string, more: object = {}): object => ({
    name: `DynamoDB.${operation}`,
    attributes: { "rpc.method": operation, "aws.request.id": requestId, "cloud.region": "us-east-1", ...more },
  });
  const spans = exporter.getFinishedSpans().map(({ name, attributes, status }) => ({ name, attributes, status }));
  expect(spans).toMatchObject([
    of("Query", "request-1", { "aws.dynamodb.count": 3 }),
    of("Query", "request-2", { "aws.dynamodb.count": 3 }),
    of("PutItem", "request-3"),
    of("TransactWriteItems", "request-4"),
    { name: "DynamoDB.Query", status: { code: 2 } },
  ]);
});
