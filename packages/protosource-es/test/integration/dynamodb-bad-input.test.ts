/** What a caller hears when the client, the tables or the arguments aren't right. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { create } from "@bufbuild/protobuf";
import { engineClient } from "@protosource-es/engines";
import { isProtosourceError } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables, NUM_GSIS } from "protosource-es/dynamodb";
import type { GsiNumber } from "protosource-es/opaquedata";
import { OpaqueDataSchema, StoredRecordSchema } from "protosource-es/proto";
import { type FaultProxy, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { engines, freshTables } from "../engines.js";
import { failure } from "../failure.js";

const record = create(StoredRecordSchema, { version: 1n, data: new Uint8Array([1]) });
const row = create(OpaqueDataSchema, { pk: "pk", sk: "sk" });
const SHORT = { timeLimits: { attemptMs: 500, totalMs: 1_500 } };

/** Every call that sends something, on both stores of a client. */
function calls(client: DynamoDBClient, names = freshTables()): readonly (readonly [string, () => Promise<unknown>])[] {
  const opaqueStore = new DynamoDBOpaqueStore(client, { table: names.aggregatesTable, ...SHORT });
  const store = new DynamoDBStore(client, { eventsTable: names.eventsTable, opaqueStore, ...SHORT });
  return [
    ["save of one", () => store.save("id", [record])],
    ["save of two", () => store.save("id", [record, { ...record, version: 2n }])],
    ["load", () => store.load("id")],
    ["loadTail", () => store.loadTail("id", 3)],
    ["put", () => opaqueStore.put(row)],
    ["get", () => opaqueStore.get(row)],
    ["delete", () => opaqueStore.delete(row)],
    ["query", () => opaqueStore.query({ partition: "pk" })],
  ];
}

describe("constructors", () => {
  const client = new DynamoDBClient({ region: "us-east-1" });

  it.each([undefined, null, {}, "client"])("refuse %s as a client", (bad) => {
    for (const make of [() => new DynamoDBStore(bad as never), () => new DynamoDBOpaqueStore(bad as never)]) {
      expect(make).toThrow(expect.objectContaining({ code: "invalid_argument", details: { argument: "client" } }));
    }
  });

  it.each(["", "ab", "a".repeat(256), "with space", "ünicode", "a/b"])("refuse %j as a table name", (bad) => {
    for (const make of [
      () => new DynamoDBStore(client, { eventsTable: bad }),
      () => new DynamoDBOpaqueStore(client, { table: bad }),
    ]) {
      expect(make).toThrow(expect.objectContaining({ code: "invalid_argument", details: { argument: "table" } }));
    }
  });

  it.each([0, -1, Number.NaN])("refuse a time limit of %s", (bad) => {
    for (const timeLimits of [{ attemptMs: bad }, { totalMs: bad }]) {
      expect(() => new DynamoDBStore(client, { timeLimits })).toThrow(
        expect.objectContaining({ code: "invalid_argument" }),
      );
    }
  });

  it("refuse a time to live that isn't possible", () => {
    expect(() => new DynamoDBStore(client, { ttlSeconds: 1.5 })).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });
});

describe.each(engines)("calls on $name", (engine) => {
  let direct: DynamoDBClient;
  let proxy: FaultProxy;
  let client: DynamoDBClient;

  beforeAll(async () => {
    direct = engine.client();
    proxy = await startFaultProxy(engine.endpoint);
    client = engineClient(proxy.endpoint);
  });
  afterAll(async () => {
    direct.destroy();
    client.destroy();
    await proxy.close();
  });

  it("say which table is missing, and what makes it", async () => {
    const names = freshTables();
    for (const [name, call] of calls(direct, names)) {
      const error = await failure(call());
      if (!isProtosourceError(error, "table_missing")) throw error;
      expect([names.eventsTable, names.aggregatesTable], name).toContain(error.details.table);
      expect(error.message).toContain("ensureTables");
    }
  });

  it.each([
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ExpiredTokenException",
  ])("are denied by %s", async (exception) => {
    proxy.decide(() => ({ status: 400, body: { __type: `com.amazon.coral.service#${exception}`, message: "no" } }));
    for (const [name, call] of calls(client)) {
      const error = await failure(call());
      expect(isProtosourceError(error, "denied") && error.details, name).toEqual({ reason: exception });
    }
  });

  it("are denied without credentials", async () => {
    const without = engine.client({
      credentials: () => {
        const error = new Error("Could not load credentials from any providers");
        error.name = "CredentialsProviderError";
        return Promise.reject(error);
      },
    });
    for (const [name, call] of calls(without)) {
      expect(isProtosourceError(await failure(call()), "denied"), name).toBe(true);
    }
    without.destroy();
  });

  it("are cancelled by an aborted signal before anything is sent", async () => {
    const names = freshTables();
    const opaqueStore = new DynamoDBOpaqueStore(client, { table: names.aggregatesTable });
    const store = new DynamoDBStore(client, { eventsTable: names.eventsTable, opaqueStore });
    const signal = AbortSignal.abort();
    const before = proxy.requests.length;
    for (const call of [
      store.save("id", [record], { signal }),
      store.saveAll([{ aggregateId: "id", records: [record] }], { signal }),
      store.load("id", { signal }),
      store.loadTail("id", 3, { signal }),
      opaqueStore.put(row, { signal }),
      opaqueStore.get(row, { signal }),
      opaqueStore.delete(row, { signal }),
      opaqueStore.query({ partition: "pk", signal }),
      ensureTables(client, names, { signal }),
    ]) {
      expect(isProtosourceError(await failure(call), "cancelled")).toBe(true);
    }
    expect(proxy.requests.length).toBe(before);
  });

  describe("keep to the limits", () => {
    const names = freshTables();
    const data = (bytes: number) => new Uint8Array(bytes);
    const stores = () => {
      const opaqueStore = new DynamoDBOpaqueStore(client, { table: names.aggregatesTable });
      return { opaqueStore, store: new DynamoDBStore(client, { eventsTable: names.eventsTable, opaqueStore }) };
    };
    const many = (count: number, bytes: number) =>
      Array.from({ length: count }, (_, i) => ({
        aggregateId: `id-${i}`,
        records: [{ ...record, data: data(bytes) }],
      }));

    beforeAll(() => ensureTables(direct, names));
    beforeEach(() => proxy.decide(() => "pass"));

    it.each<[string, (to: ReturnType<typeof stores>) => Promise<unknown>, object]>([
      ["101 items", ({ store }) => store.saveAll(many(101, 1)), { size: 101, limit: 100 }],
      ["11 items of 4 MB in all", ({ store }) => store.saveAll(many(11, 390_000)), { limit: 4_194_304 }],
      [
        "a record over 400 KB",
        ({ store }) => store.save("id", [{ ...record, data: data(409_600) }]),
        { limit: 409_600 },
      ],
      ["a row over 400 KB", ({ opaqueStore }) => opaqueStore.put({ ...row, body: data(409_600) }), { limit: 409_600 }],
      ["an id of 2049 bytes", ({ store }) => store.load("i".repeat(2049)), { size: 2049, limit: 2048 }],
      ["a pk of 2049 bytes", ({ opaqueStore }) => opaqueStore.get({ ...row, pk: "p".repeat(2049) }), { limit: 2048 }],
      ["an sk of 1025 bytes", ({ opaqueStore }) => opaqueStore.put({ ...row, sk: "s".repeat(1025) }), { limit: 1024 }],
      ["a gsi20pk", ({ opaqueStore }) => opaqueStore.put({ ...row, gsi20pk: "p".repeat(2049) }), { what: "gsi20pk" }],
      ["a gsi20sk", ({ opaqueStore }) => opaqueStore.put({ ...row, gsi20sk: "s".repeat(1025) }), { what: "gsi20sk" }],
      ["a claim's scope", ({ store }) => store.findClaim("s".repeat(2000), "value"), { what: "scope" }],
    ])("%s: too_large, before anything is sent", async (_, call, details) => {
      const sent = proxy.requests.length;
      const error = await failure(call(stores()));
      expect(isProtosourceError(error, "too_large") && error.details).toMatchObject(details);
      expect(proxy.requests.length).toBe(sent);
    });

    it("a 21st index: invalid_argument, before anything is sent", async () => {
      const sent = proxy.requests.length;
      const error = await failure(stores().opaqueStore.query({ index: 21 as never, partition: "pk" }));
      expect(isProtosourceError(error, "invalid_argument") && error.details).toEqual({ argument: "index" });
      expect(proxy.requests.length).toBe(sent);
    });

    it("the longest keys, and all 20 indexes, are taken", async () => {
      const { opaqueStore, store } = stores();
      const indexes = Array.from({ length: NUM_GSIS }, (_, i) => (i + 1) as GsiNumber);
      const keys = indexes.flatMap((n) => [
        [`gsi${n}pk`, `${n}`.padEnd(2048, "p")],
        [`gsi${n}sk`, `${n}`.padEnd(1024, "s")],
      ]);
      const longest = create(OpaqueDataSchema, {
        pk: "p".repeat(2048),
        sk: "s".repeat(1024),
        ...Object.fromEntries(keys),
      });
      await opaqueStore.put(longest);
      expect(await opaqueStore.get(longest, { consistent: true })).toEqual(longest);
      for (const index of indexes) {
        const { rows } = await opaqueStore.query({ index, partition: `${index}`.padEnd(2048, "p") });
        expect(rows).toEqual([longest]);
      }
      await store.save("i".repeat(2048), [record]);
      expect((await store.load("i".repeat(2048))).records).toHaveLength(1);
    });
  });

  it("refuse an item that the table can't hold, with what DynamoDB says", async () => {
    proxy.decide(() => ({
      status: 400,
      body: {
        __type: "com.amazon.coral.validate#ValidationException",
        message: "One or more parameter values were invalid",
      },
    }));
    for (const [name, call] of calls(client)) {
      expect(isProtosourceError(await failure(call()), "invalid_argument"), name).toBe(true);
    }
  });
});

describe("an endpoint that isn't DynamoDB", () => {
  const bounded = async (client: DynamoDBClient): Promise<void> => {
    const start = performance.now();
    const errors = await Promise.all(calls(client).map(([, call]) => failure(call())));
    // One request has 1.5 s here, and a save looks up once what became of it.
    expect(performance.now() - start).toBeLessThan(10_000);
    for (const error of errors) {
      if (!isProtosourceError(error, "unavailable")) throw error;
      expect(error.cause).toBeInstanceOf(Error);
    }
    client.destroy();
  };

  it("is unavailable when nobody listens", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await bounded(engineClient(`http://127.0.0.1:${port}`));
  });

  it("is unavailable when the name doesn't exist", async () => {
    await bounded(engineClient("http://no-such-host.invalid:8000"));
  });

  it.each([
    ["never answers", undefined],
    ["answers with a page", "<html></html>"],
  ])("is unavailable when it %s", async (_, page) => {
    const server = createServer((_request, response) => {
      if (page !== undefined) response.end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await bounded(engineClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("is named when the client has no region", async () => {
    const client = new DynamoDBClient({
      region: (): Promise<string> => Promise.reject(new Error("Region is missing")),
    });
    const [, save] = calls(client)[0] ?? expect.fail();
    const error = await failure(save());
    expect(isProtosourceError(error, "not_configured")).toBe(true);
    expect((error as Error).message).toContain("region");
  });
});
