/** The fast path keeps what the SDK does. Each case runs with and without it and expects the same. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import {
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { mockClient } from "aws-sdk-client-mock";
import xray from "aws-xray-sdk-core";
import { isProtosourceError } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, type ObservedRequest } from "protosource-es/dynamodb";
import { OpaqueDataSchema, type StoredRecord, StoredRecordSchema } from "protosource-es/proto";
import { describe, expect, it, vi } from "vitest";
import { failure } from "../../failure.js";
import { type Answer, errorAnswer, json, scriptedClient } from "./scripted-client.js";

const page = { Count: 1, Items: [{ v: { N: "7" }, d: { B: "AP8Q" }, t: { N: "4102444800" } }] };
const read = { version: 7n, data: new Uint8Array([0, 255, 16]), ttl: 4102444800n };
const timeLimits = { attemptMs: 2_000, totalMs: 4_000 };

function record(version: bigint): StoredRecord {
  return create(StoredRecordSchema, { version, data: new Uint8Array([1, 250]), ttl: 4102444800n });
}

describe.each([true, false])("with fastPath %s", (fastPath) => {
  const storeOf = (client: DynamoDBClient, onRequest?: (request: ObservedRequest) => void): DynamoDBStore =>
    new DynamoDBStore(client, { fastPath, timeLimits, onRequest });

  describe("requests", () => {
    it("hold the inputs as JSON, with bytes as base64, and say how long they are", async () => {
      const { client, sent } = scriptedClient(() => ({ body: json({}) }));
      const commitId = new Uint8Array(8).fill(255);
      await storeOf(client).save("größe#1", [record(1n)], { commitId });
      expect(sent).toMatchObject([{ operation: "PutItem" }]);
      expect(JSON.parse(String(sent[0]?.text))).toEqual({
        TableName: "events",
        Item: {
          a: { S: "größe#1" },
          v: { N: "1" },
          d: { B: "Afo=" },
          t: { N: "4102444800" },
          c: { B: "//////////8=" },
        },
        ConditionExpression: expect.any(String),
        ...(JSON.parse(String(sent[0]?.text)) as { ExpressionAttributeNames?: object }),
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
      expect(sent[0]?.headers["content-length"]).toBe(String(Buffer.byteLength(String(sent[0]?.text))));
    });

    it("are the same with and without the fast path", async () => {
      const texts = async (fastPath: boolean): Promise<unknown[]> => {
        const { client, sent } = scriptedClient(() => ({ body: json({ Items: [] }) }));
        const store = new DynamoDBStore(client, { fastPath, timeLimits, onRequest: () => {} });
        const rows = new DynamoDBOpaqueStore(client, { fastPath, timeLimits });
        const commitId = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
        await store.save("ü#1", [record(1n)], { commitId });
        await store.save("ü#1", [record(2n), record(3n)], { commitId });
        await store.load("ü#1");
        await store.loadTail("ü#1", 5);
        await rows.put(create(OpaqueDataSchema, { pk: "p", sk: "s", body: new Uint8Array([0, 1]) }));
        await rows.get({ pk: "p", sk: "s" });
        await rows.delete({ pk: "p", sk: "s" });
        const omitted = { ClientRequestToken: undefined, ":now": undefined };
        return sent.map(({ operation, headers, text }) => [
          operation,
          headers["content-type"],
          Object.keys(headers).sort(),
          { ...(JSON.parse(text) as object), ...omitted },
        ]);
      };
      vi.useFakeTimers({ toFake: ["Date"] });
      try {
        expect(await texts(fastPath)).toEqual(await texts(!fastPath));
      } finally {
        vi.useRealTimers();
      }
    });

    it("go to the endpoint of the account", async () => {
      const { client, sent } = scriptedClient(() => ({ body: json(page) }), {
        credentials: { accessKeyId: "key", secretAccessKey: "secret", accountId: "123456789012" },
      });
      const plain = scriptedClient(() => ({ body: json(page) }), {
        credentials: { accessKeyId: "key", secretAccessKey: "secret", accountId: "123456789012" },
      });
      await Promise.all([storeOf(client).load("a#1"), storeOf(client).load("a#2")]);
      await plain.client.send(new QueryCommand({ TableName: "events" }));
      expect(sent.map(({ hostname }) => hostname)).toEqual(Array(2).fill(plain.sent[0]?.hostname));
    });

    it("go where the client's rules for endpoints say, with the headers of that endpoint", async () => {
      let place = "";
      let calls = 0;
      const config: DynamoDBClientConfig = {
        endpointProvider: () => ({
          url: new URL(`https://${place}.example`),
          properties: {},
          ...(place === "c" ? { headers: { "x-place": [`${place}${calls++}`] } } : {}),
        }),
      };
      const { client, sent } = scriptedClient(() => ({ body: json(page) }), config);
      const plain = scriptedClient(() => ({ body: json(page) }), config);
      const store = storeOf(client);
      const places = ["a", "a", "b", "a", "c", "c", "b"];
      for (place of places) {
        const before = calls;
        await store.load("a#1");
        calls = before;
        await plain.client.send(new QueryCommand({ TableName: "events" }));
      }
      expect(sent.map(({ hostname }) => hostname)).toEqual(places.map((name) => `${name}.example`));
      expect(sent.map(({ headers }) => headers["host"])).toEqual(sent.map(({ hostname }) => hostname));
      const marks = (all: typeof sent): unknown => all.map(({ headers }) => headers["x-place"]);
      expect(marks(sent)).toEqual(marks(plain.sent));
    });

    it("go to their endpoint, though another one was asked for at the same time before", async () => {
      let calls = 0;
      const { client, sent } = scriptedClient(() => ({ body: json(page) }), {
        endpointProvider: () => ({ url: new URL(`https://${calls++ % 2 === 0 ? "a" : "b"}.example`), properties: {} }),
      });
      const store = storeOf(client);
      for (let i = 0; i < 3; i++) await Promise.all([store.load("a#1"), store.load("a#2")]);
      await store.load("a#1");
      await store.load("a#1");
      expect(sent.slice(-2).map(({ hostname }) => hostname)).toEqual(["a.example", "b.example"]);
    });

    it("are signed anew when the credentials change", async () => {
      let accessKeyId = "first";
      const { client, sent } = scriptedClient(() => ({ body: json(page) }), {
        credentials: async () => ({ accessKeyId, secretAccessKey: "secret", expiration: new Date(Date.now() + 1_000) }),
      });
      const store = storeOf(client);
      await store.load("a#1");
      accessKeyId = "second";
      await store.load("a#1");
      expect(sent.map(({ headers }) => /Credential=(\w+)/.exec(String(headers["authorization"]))?.[1])).toEqual([
        "first",
        "second",
      ]);
    });
  });

  describe("answers", () => {
    const text = JSON.stringify(page);
    const bodies: [string, () => unknown][] = [
      ["bytes", () => json(page)],
      ["a stream of Node's", () => Readable.from([text.slice(0, 9), text.slice(9)].map((part) => Buffer.from(part)))],
    ];
    it("are read from a stream that is cut within letters", async () => {
      const row = json({ Item: { pk: { S: "größe#€😀" }, sk: { S: "s" }, body: { B: "AP8Q" } } });
      const { client } = scriptedClient(() => ({ body: Readable.from([...row].map((byte) => Buffer.from([byte]))) }));
      const rows = new DynamoDBOpaqueStore(client, { fastPath, timeLimits });
      expect(await rows.get({ pk: "p", sk: "s" })).toMatchObject({
        pk: "größe#€😀",
        body: new Uint8Array([0, 255, 16]),
      });
    });

    it.each(bodies)("are read from %s", async (_, body) => {
      const { client } = scriptedClient(() => ({ body: body() }));
      const { records } = await storeOf(client).load("a#1");
      expect(records).toMatchObject([read]);
      expect(records[0]?.data).toBeInstanceOf(Uint8Array);
    });

    it.each([
      ["x-amzn-requestid", "x-amzn-request-id"],
      ["x-amzn-request-id", "x-amz-request-id"],
      ["x-amz-request-id", "x-amz-id-2", "x-amz-cf-id"],
    ])("bring the metadata that the SDK gives: %s", async (...names) => {
      const headers = Object.fromEntries(names.map((name) => [name, `the ${name}`]));
      const given: unknown[] = [];
      const { client } = scriptedClient(() => ({ headers, body: json(page) }));
      client.middlewareStack.add(
        (next) => async (args) => {
          const result = await next(args);
          given.push((result.output as { readonly $metadata: unknown }).$metadata);
          return result;
        },
        { step: "initialize" },
      );
      await storeOf(client).load("a#1");
      await client.send(new QueryCommand({ TableName: "events" }));
      expect(given[0]).toStrictEqual(given[1]);
      expect(given[0]).toMatchObject({ httpStatusCode: 200, requestId: `the ${names[0]}` });
    });

    it("are read with the collector of the client", async () => {
      const { client } = scriptedClient(() => ({ body: new Blob([JSON.stringify(page)]) }), {
        streamCollector: async (body: Blob) => new Uint8Array(await body.arrayBuffer()),
      });
      expect((await storeOf(client).load("a#1")).records).toMatchObject([read]);
    });

    it("are read with another status of success", async () => {
      const { client } = scriptedClient(() => ({ status: 203, body: json(page) }));
      expect((await storeOf(client).load("a#1")).records).toMatchObject([read]);
    });

    it.each<[string, unknown]>([
      ["an empty body", new Uint8Array()],
      ["no body", undefined],
      ["members that are null", json({ Attributes: null, ConsumedCapacity: null })],
    ])("to a write may have %s", async (_, body) => {
      const { client, sent } = scriptedClient(() => ({ body }));
      await storeOf(client).save("a#1", [record(1n)]);
      expect(sent).toHaveLength(1);
    });

    it("to a read may have members that are null", async () => {
      const { client, sent } = scriptedClient(() => ({
        body: json({ Items: [], LastEvaluatedKey: null, ConsumedCapacity: null }),
      }));
      expect((await storeOf(client).load("a#1")).records).toEqual([]);
      expect(sent).toHaveLength(1);
    });

    it.each<[string, () => unknown]>([
      ["is cut short", () => Buffer.from(text.slice(0, 20))],
      ["is no JSON", () => Buffer.from("<html>")],
      [
        "breaks off",
        () =>
          new Readable({
            read() {
              this.destroy(new Error("terminated"));
            },
          }),
      ],
    ])("are asked for again when one %s", async (_, broken) => {
      const requests: ObservedRequest[] = [];
      let answers = 0;
      const { client } = scriptedClient(() => ({ body: answers++ === 0 ? broken() : json(page) }));
      const { records } = await storeOf(client, (request) => requests.push(request)).load("a#1");
      expect(records).toMatchObject([read]);
      expect(requests).toMatchObject([{ attempts: 2 }]);
    });

    it("tell what was consumed", async () => {
      const requests: ObservedRequest[] = [];
      const consumed = { ...page, ConsumedCapacity: { TableName: "events", CapacityUnits: 1.5 } };
      const { client } = scriptedClient(() => ({ body: json(consumed) }));
      await storeOf(client, (request) => requests.push(request)).load("a#1");
      expect(requests).toMatchObject([{ readUnits: 1.5, attempts: 1 }]);
    });
  });

  describe("errors", () => {
    const commitId = new Uint8Array([8, 7, 6, 5, 4, 3, 2, 1]);
    const stored = {
      a: { S: "a#1" },
      v: { N: "1" },
      d: { B: "Afo=" },
      c: { B: Buffer.from(commitId).toString("base64") },
    };

    it("of one item bring the stored item, by which a save knows its own", async () => {
      let own = true;
      const { client } = scriptedClient(() =>
        errorAnswer("ConditionalCheckFailedException", { Item: own ? stored : { ...stored, c: { B: "AAAA" } } }),
      );
      await storeOf(client).save("a#1", [record(1n)], { commitId });
      own = false;
      const error = await failure(storeOf(client).save("a#1", [record(1n)], { commitId }));
      expect(isProtosourceError(error, "version_conflict")).toBe(true);
    });

    it("of a transaction bring the stored items, by which a save knows its own", async () => {
      const first = { ...stored, m: { N: "1" } };
      const reasons = [{ Code: "ConditionalCheckFailed", Item: first }, { Code: "None" }];
      const { client } = scriptedClient(() =>
        errorAnswer("TransactionCanceledException", { CancellationReasons: reasons }),
      );
      await storeOf(client).save("a#1", [record(1n), record(2n)], { commitId });
      reasons[0] = { Code: "ConditionalCheckFailed", Item: { ...first, c: { B: "AAAA" } } };
      const error = await failure(storeOf(client).save("a#1", [record(1n), record(2n)], { commitId }));
      expect(isProtosourceError(error, "version_conflict")).toBe(true);
    });

    it("are the SDK's, with their metadata, and bytes in their items", async () => {
      const seen: unknown[] = [];
      const { client } = scriptedClient(() => errorAnswer("ConditionalCheckFailedException", { Item: stored }));
      client.middlewareStack.add(
        (next) => async (args) => {
          try {
            return await next(args);
          } catch (error) {
            seen.push(error);
            throw error;
          }
        },
        { step: "initialize" },
      );
      await storeOf(client).save("a#1", [record(1n)], { commitId });
      expect(seen).toMatchObject([
        {
          name: "ConditionalCheckFailedException",
          $fault: "client",
          $metadata: { httpStatusCode: 400, requestId: "request-1", attempts: 1 },
          Item: { a: { S: "a#1" }, c: { B: commitId } },
        },
      ]);
    });

    it("are retried by the SDK as often as the client says, and counted", async () => {
      let answers = 0;
      const attempts: unknown[] = [];
      const { client, sent } = scriptedClient(
        () => (answers++ < 2 ? errorAnswer("InternalServerError", {}, 500) : { body: json(page) }),
        { maxAttempts: 3 },
      );
      client.middlewareStack.add(
        (next) => async (args) => {
          const result = await next(args);
          attempts.push((result.output as { $metadata: unknown }).$metadata);
          return result;
        },
        { step: "initialize" },
      );
      const requests: ObservedRequest[] = [];
      await storeOf(client, (request) => requests.push(request)).load("a#1");
      expect(requests).toMatchObject([{ attempts: 1 }]);
      expect(attempts).toMatchObject([{ httpStatusCode: 200, requestId: "request-3", attempts: 3 }]);
      expect(new Set(sent.map(({ text }) => text)).size).toBe(1);
    });
  });

  describe("the client's own", () => {
    it("middleware sees inputs, requests and outputs, and may change headers, before and after the first request", async () => {
      const { client, sent } = scriptedClient(() => ({ body: json(page) }));
      const store = storeOf(client);
      await store.load("a#0");
      const seen: unknown[] = [];
      client.middlewareStack.add(
        (next, context) => async (args) => {
          const result = await next(args);
          const { $metadata, ...output } = result.output as { $metadata: { httpStatusCode: number }; Count: number };
          seen.push(["initialize", context["commandName"], args.input, $metadata.httpStatusCode, output.Count]);
          return result;
        },
        { step: "initialize", name: "watcher" },
      );
      client.middlewareStack.add(
        (next) => (args) => {
          const request = args.request as { headers: Record<string, string>; body: unknown };
          request.headers["x-tenant"] = "one";
          seen.push(["build", args.input, JSON.parse(String(request.body))]);
          return next(args);
        },
        { step: "build", name: "tenant" },
      );
      await store.load("a#1");
      const input = expect.objectContaining({ TableName: "events", ExpressionAttributeValues: { ":a": { S: "a#1" } } });
      expect(seen).toEqual([
        ["build", input, input],
        ["initialize", "QueryCommand", input, 200, 1],
      ]);
      expect(sent.map(({ headers }) => headers["x-tenant"])).toEqual([undefined, "one"]);
      expect(sent[1]?.headers["authorization"]).toContain("x-tenant");

      client.middlewareStack.remove("tenant");
      client.middlewareStack.remove("watcher");
      await store.load("a#2");
      expect(sent[2]?.headers["x-tenant"]).toBeUndefined();
      expect(seen).toHaveLength(2);
    });

    it("middleware around the serializer and the deserializer sees each request", async () => {
      const { client } = scriptedClient(() => ({ body: json(page) }));
      const seen = new Map<string, unknown[]>();
      type Handler = (args: { readonly input: unknown }) => Promise<{ readonly response: unknown }>;
      const watch = (name: string) =>
        ((next: Handler): Handler =>
          async (args) => {
            const result = await next(args);
            const { statusCode } = result.response as { readonly statusCode: number };
            seen.set(name, [...(seen.get(name) ?? []), [args.input, statusCode]]);
            return result;
          }) as never;
      for (const step of ["serialize", "deserialize"] as const) {
        for (const priority of ["high", "normal", "low"] as const) {
          const name = `${step} ${priority}`;
          client.middlewareStack.add(watch(name), { step: step as "serialize", priority, name });
        }
        for (const relation of ["before", "after"] as const) {
          const toMiddleware = `${step}rMiddleware`;
          const name = `${relation} ${toMiddleware}`;
          client.middlewareStack.addRelativeTo(watch(name), { relation, toMiddleware, name });
        }
      }
      const store = storeOf(client);
      for (const id of ["a#1", "a#2", "a#3"]) await store.load(id);
      const input = (id: string): unknown =>
        expect.objectContaining({ ExpressionAttributeValues: { ":a": { S: id } } });
      expect(seen.size).toBe(10);
      for (const [name, calls] of seen) {
        expect(calls, name).toEqual(["a#1", "a#2", "a#3"].map((id) => [input(id), 200]));
      }
    });

    it("middleware may answer in place of DynamoDB", async () => {
      const { client, sent } = scriptedClient(() => ({ body: json(page) }));
      const store = storeOf(client);
      await store.load("a#1");
      client.middlewareStack.add(
        () => async () =>
          ({ response: {}, output: { $metadata: {}, Items: [{ v: { N: "8" }, d: { B: read.data } }] } }) as never,
        { step: "initialize" },
      );
      expect((await store.load("a#1")).records).toMatchObject([{ version: 8n, data: read.data }]);
      expect(sent).toHaveLength(1);
    });

    it("logger is told of each command, and of the one that replaces it", async () => {
      const logger = (): { lines: unknown[] } & Record<
        "debug" | "info" | "warn" | "error",
        (line: unknown) => void
      > => {
        const lines: unknown[] = [];
        const log = (line: unknown): number => lines.push(line);
        return { lines, debug: () => {}, info: log, warn: () => {}, error: log };
      };
      const [first, second] = [logger(), logger()];
      const { client } = scriptedClient(() => ({ body: json(page) }), { logger: first });
      const store = storeOf(client);
      const logged = {
        clientName: "DynamoDBClient",
        commandName: "QueryCommand",
        input: { TableName: "events" },
        output: { Count: 1 },
        metadata: { httpStatusCode: 200 },
      };
      await store.load("a#1");
      await store.load("a#1");
      expect(first.lines).toMatchObject([logged, logged]);
      Object.assign(client.config, { logger: second });
      await store.load("a#1");
      expect(first.lines).toHaveLength(2);
      expect(second.lines).toMatchObject([logged]);
    });

    it("request handler may be replaced", async () => {
      const { client, sent } = scriptedClient(() => ({ body: json(page) }));
      const other = scriptedClient(() => ({ body: json(page) }));
      const store = storeOf(client);
      await store.load("a#1");
      Object.assign(client.config, { requestHandler: other.client.config.requestHandler });
      await store.load("a#1");
      expect([sent.length, other.sent.length]).toEqual([1, 1]);
    });

    it.each([true, false])(
      "commands and handlers stay as they were, with cacheMiddleware %s",
      async (cacheMiddleware) => {
        const { client, sent } = scriptedClient(() => ({ body: json(page) }), { cacheMiddleware });
        const store = storeOf(client);
        const own = (): Promise<unknown> => client.send(new QueryCommand({ TableName: "mine" }));
        const decoded = { Items: [{ d: { B: read.data } }] };
        const text = JSON.stringify({ TableName: "mine" });
        for (const first of [own, () => store.load("a#1")]) {
          await first();
          expect((await store.load("a#1")).records).toMatchObject([read]);
          expect(await own()).toMatchObject(decoded);
          expect(sent.at(-1)?.text).toBe(text);
          await store.save("a#1", [record(8n)]);
          expect(await own()).toMatchObject(decoded);
        }
      },
    );
  });

  it("mocks of the client know the commands, and answer with outputs", async () => {
    const client = new DynamoDBClient({ region: "us-east-1" });
    const mock = mockClient(client);
    mock.on(QueryCommand).resolves({ Items: [{ ...page.Items[0], v: { N: "7" }, d: { B: read.data } }] });
    mock.on(PutItemCommand).resolves({});
    mock.on(TransactWriteItemsCommand).resolves({});
    mock.on(GetItemCommand).resolves({ Item: { pk: { S: "p" }, sk: { S: "s" }, body: { B: read.data } } });
    const store = storeOf(client);
    expect((await store.load("a#1")).records).toMatchObject([{ version: 7n, data: read.data }]);
    await store.save("a#1", [record(8n)]);
    await store.save("a#1", [record(9n), record(10n)]);
    const row = await new DynamoDBOpaqueStore(client, { fastPath }).get({ pk: "p", sk: "s" });
    expect(row).toMatchObject({ body: read.data });
    expect(mock.calls().map(({ args }) => args[0].constructor)).toEqual([
      QueryCommand,
      PutItemCommand,
      TransactWriteItemsCommand,
      GetItemCommand,
    ]);
    expect(mock.commandCalls(PutItemCommand, { TableName: "events" })).toHaveLength(1);
    mock.on(QueryCommand).rejects(Object.assign(new Error("scripted"), { name: "AccessDeniedException" }));
    expect(isProtosourceError(await failure(store.load("a#1")), "denied")).toBe(true);
  });

  it("X-Ray notes each request as a subsegment", async () => {
    xray.enableManualMode();
    const { client, sent } = scriptedClient(() => ({ body: json(page) }));
    const store = storeOf(client);
    await store.load("a#1");
    const segment = new xray.Segment("test");
    xray.captureAWSv3Client(client, segment);
    await store.load("a#1");
    await store.save("a#1", [record(8n)]);
    expect(segment.subsegments).toMatchObject([
      { name: "DynamoDB", aws: { operation: "Query", table_name: "events", request_id: "request-2" } },
      { name: "DynamoDB", aws: { operation: "PutItem", table_name: "events", request_id: "request-3" } },
    ]);
    expect(sent.map(({ headers }) => headers["X-Amzn-Trace-Id"] !== undefined)).toEqual([false, true, true]);
  });

  it("a request that is given up takes its connection with it", async () => {
    const server = createServer(() => {}).listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: "us-east-1",
      credentials: { accessKeyId: "key", secretAccessKey: "secret" },
    });
    try {
      const connected = once(server, "connection");
      const controller = new AbortController();
      const loading = failure(storeOf(client).load("a#1", { signal: controller.signal }));
      const [socket] = (await connected) as [import("node:net").Socket];
      const closed = once(socket, "close");
      await once(server, "request").catch(() => undefined);
      controller.abort();
      expect(isProtosourceError(await loading, "cancelled")).toBe(true);
      await closed;
    } finally {
      client.destroy();
      server.closeAllConnections();
      server.close();
    }
  });

  it("a request handler is given the signal of its request", async () => {
    const { client, sent } = scriptedClient(
      ({ signal }) =>
        new Promise<Answer>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    );
    const controllers = [new AbortController(), new AbortController()];
    const loads = controllers.map(({ signal }) => failure(storeOf(client).load("a#1", { signal })));
    await expect.poll(() => sent.length).toBe(2);
    controllers[0]?.abort();
    await loads[0];
    expect(sent.map(({ signal }) => signal?.aborted)).toEqual([true, false]);
    controllers[1]?.abort();
    await loads[1];
  });
});
