/** What waits in the process for one of the client's sockets isn't sent, and isn't unanswered. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { type DynamoDBClientLike, DynamoDBStore, type DynamoDBStoreOptions } from "protosource-es/dynamodb";
import { StoredRecordSchema } from "protosource-es/proto";
import { describe, expect, onTestFinished, test } from "vitest";
import { failure } from "../../failure.js";

const SOCKETS = 2;
const ATTEMPT_MS = 1_000;
const NEVER = Number.POSITIVE_INFINITY;

interface Scene {
  readonly client: DynamoDBClient;
  readonly store: DynamoDBStore;
  /** The ids of the items that were put, in the order in which their requests came. */
  readonly put: string[];
}

/** A store with two sockets, before a server that answers each put, and each read, after a while, or never. */
async function scene(putMs: number, options: DynamoDBStoreOptions, readMs = 0): Promise<Scene> {
  const put: string[] = [];
  const server = createServer(async (request, response) => {
    const { Item } = JSON.parse(await text(request));
    if (Item) put.push(Item.a.S);
    const answerMs = Item ? putMs : readMs;
    if (answerMs !== NEVER) setTimeout(() => response.end("{}"), answerMs);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = clientOf((server.address() as AddressInfo).port);
  onTestFinished(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  return { client, put, store: new DynamoDBStore(client, options) };
}

function clientOf(port: number): DynamoDBClient {
  return new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    requestHandler: { httpAgent: { maxSockets: SOCKETS } },
  });
}

const records = [create(StoredRecordSchema, { version: 1n })];
const ids = Array.from({ length: 40 }, (_, i) => `id${i}`);

describe.each([true, false])("with fastPath %s", (fastPath) => {
  const timeLimits = { attemptMs: ATTEMPT_MS, totalMs: ATTEMPT_MS };

  test("many saves at once are each sent once, however long they wait for a socket", async () => {
    const { store, put } = await scene(30, { fastPath, timeLimits });
    await Promise.all(ids.map((id) => store.save(id, records)));
    expect(put.toSorted()).toEqual(ids.toSorted());
  });

  test("a save waits behind requests that aren't the store's", async () => {
    const { store, client, put } = await scene(30, { fastPath, timeLimits });
    const others = ids.map((id) => client.send(new PutItemCommand({ TableName: "others", Item: { a: { S: id } } })));
    await Promise.all([...others, store.save("last", records)]);
    expect(put).toEqual([...ids, "last"]);
  });

  test("a save that finds no socket in time wasn't sent, and says what there is too little of", async () => {
    const limits = { attemptMs: 10_000, totalMs: 10_000, socketMs: 50 };
    const { store, put } = await scene(NEVER, { fastPath, timeLimits: limits });
    const { signal, ...controller } = abortable();
    const sent = ids.slice(0, SOCKETS).map((id) => failure(store.save(id, records, { signal })));
    await expect.poll(() => put.length).toBe(SOCKETS);
    const waiting = failure(store.save("waits", records));
    expect(await waiting).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("maxSockets"),
      details: { outcome: "not_applied", reasons: ["NoFreeSocket"] },
    });
    controller.abort();
    await Promise.all(sent);
    expect(put.toSorted()).toEqual(ids.slice(0, SOCKETS));
  });

  test("a save that is aborted while it waits is cancelled, and nothing was sent", async () => {
    const { store, put } = await scene(NEVER, { fastPath });
    const [{ signal, ...controller }, first] = [abortable(), abortable()];
    const others = ids.slice(0, SOCKETS).map((id) => failure(store.save(id, records, { signal: first.signal })));
    await expect.poll(() => put.length).toBe(SOCKETS);
    const waiting = failure(store.save("waits", records, { signal }));
    setTimeout(controller.abort, 50);
    expect(await waiting).toMatchObject({ code: "cancelled" });
    first.abort();
    await Promise.all(others);
    expect(put).not.toContain("waits");
  });

  test("a save that waited and was sent is given up when its answer doesn't come, and is in doubt", async () => {
    const { store, put } = await scene(NEVER, { fastPath, timeLimits }, NEVER);
    const saves = await Promise.all(ids.slice(0, 2 * SOCKETS).map((id) => failure(store.save(id, records))));
    for (const error of saves) expect(error).toMatchObject({ code: "unavailable", details: { outcome: "unknown" } });
    expect(new Set(put).size).toBe(2 * SOCKETS);
  });

  test("a save isn't in doubt when the SDK found nobody to connect to, each time", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const client = clientOf(port);
    onTestFinished(() => client.destroy());
    const store = new DynamoDBStore(client, { fastPath, timeLimits: { totalMs: 300 } });
    expect(await failure(store.save("id", records))).toMatchObject({
      code: "unavailable",
      details: { outcome: "not_applied" },
    });
  });

  test("a save isn't in doubt when its credentials don't come", async () => {
    const client = new DynamoDBClient({ region: "us-east-1", credentials: () => new Promise(() => {}) });
    const store = new DynamoDBStore(client, { fastPath, timeLimits });
    expect(await failure(store.save("id", records))).toMatchObject({
      code: "unavailable",
      details: { outcome: "not_applied" },
    });
  });
});

test("a client that is none of the SDK's is in doubt when it doesn't answer", async () => {
  const client = { send: () => new Promise(() => {}) } as unknown as DynamoDBClientLike;
  const store = new DynamoDBStore(client, { timeLimits: { attemptMs: 10, totalMs: 10 } });
  expect(await failure(store.save("id", records))).toMatchObject({
    code: "unavailable",
    details: { outcome: "unknown" },
  });
});

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
