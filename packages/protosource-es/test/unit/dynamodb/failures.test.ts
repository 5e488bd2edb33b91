/** Each kind of error that a client can throw, and what a save makes of it: one row each. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { runInNewContext } from "node:vm";
import { create } from "@bufbuild/protobuf";
import { isProtosourceError } from "protosource-es";
import { type DynamoDBClientLike, DynamoDBOpaqueStore, DynamoDBStore } from "protosource-es/dynamodb";
import { OpaqueDataSchema, StoredRecordSchema } from "protosource-es/proto";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { failure } from "../../failure.js";

interface Script {
  readonly store: DynamoDBStore;
  /** The commands that were sent, by name. */
  readonly sent: string[];
}

/** A store of which the writes meet these errors, one after another, and then succeed. Reads find nothing. */
function scripted(errors: readonly unknown[]): Script {
  const sent: string[] = [];
  const left = [...errors];
  const client = {
    send(command: { readonly constructor: { readonly name: string } }): Promise<object> {
      const name = command.constructor.name.replace(/^Fast|Command$/g, "");
      sent.push(name);
      const isWrite = name === "PutItem" || name === "TransactWriteItems";
      return isWrite && left.length > 0 ? Promise.reject(left.shift()) : Promise.resolve({});
    },
  };
  const opaqueStore = new DynamoDBOpaqueStore(client as unknown as DynamoDBClientLike);
  const store = new DynamoDBStore(opaqueStore.client, { opaqueStore, timeLimits: { totalMs: 5_000 } });
  return { store, sent };
}

function sdkError(name: string, fields: object = {}): Error {
  return Object.assign(new Error("injected"), { name, $metadata: { httpStatusCode: 400, attempts: 1 }, ...fields });
}

/** An error as programs in a realm of their own see those of sockets and drivers: no `instanceof Error`. */
function foreign(fields: object): unknown {
  return runInNewContext("Object.assign(new Error('injected'), fields)", { fields });
}

/** The error of credentials that were asked for in vain. */
function fetchCredentialsError(): Error {
  return Object.assign(fetchError("ECONNREFUSED"), { name: "CredentialsProviderError" });
}

const one = [create(StoredRecordSchema, { version: 1n })];
const two = [...one, create(StoredRecordSchema, { version: 2n })];
const MANY = 9;

const refusedForNow = [
  "LimitExceededException",
  "ProvisionedThroughputExceededException",
  "ReplicatedWriteConflictException",
  "RequestLimitExceeded",
  "ThrottlingException",
  "TransactionConflictException",
  "TransactionInProgressException",
].map((name) => [name, sdkError(name)] as const);

/** What `fetch` throws, with the socket's error in it. */
function fetchError(code: string): Error {
  return new TypeError("fetch failed", { cause: Object.assign(new Error("injected"), { code }) });
}

const inDoubt = [
  ...[
    "ECONNABORTED",
    "ECONNREFUSED",
    "ECONNRESET",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "EPIPE",
    "EPROTO",
    "ETIMEDOUT",
    "ERR_SSL_WRONG_VERSION_NUMBER",
    "HPE_INVALID_CONSTANT",
    "UND_ERR_HEADERS_TIMEOUT",
    "UND_ERR_SOCKET",
  ].map((code) => [code, Object.assign(new Error("injected"), { code })] as const),
  ...["ECONNRESET", "UND_ERR_SOCKET"].map((code) => [`fetch's ${code}`, fetchError(code)] as const),
  ["a connection that ended, in another realm", foreign({ code: "ECONNRESET" })] as const,
  ["408", sdkError("SyntaxError", { $metadata: { httpStatusCode: 408 } })] as const,
  ["TimeoutError", sdkError("TimeoutError", { $metadata: {} })] as const,
  ["500", sdkError("InternalServerError", { $metadata: { httpStatusCode: 500 } })] as const,
  ["503", sdkError("ServiceUnavailable", { $metadata: { httpStatusCode: 503 } })] as const,
  ["a success that can't be read", sdkError("SyntaxError", { $metadata: { httpStatusCode: 200 } })] as const,
];

describe.concurrent("a save tries again", () => {
  test.each([
    ...refusedForNow,
    ...inDoubt,
    ["429", sdkError("SyntaxError", { $metadata: { httpStatusCode: 429 } })] as const,
    ["a throttling of another realm", foreign({ name: "ThrottlingException" })] as const,
  ])("after %s", async (_, error) => {
    const { store, sent } = scripted([error, error]);
    await store.save("id", one);
    expect(sent).toEqual(["PutItem", "PutItem", "PutItem"]);
  });

  test.each(["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])(
    "after a transaction that was cancelled for %s alone",
    async (code) => {
      const error = sdkError("TransactionCanceledException", {
        CancellationReasons: [{ Code: "None" }, { Code: code }],
      });
      const { store, sent } = scripted([error]);
      await store.save("id", two);
      expect(sent).toEqual(["TransactWriteItems", "TransactWriteItems"]);
    },
  );
});

describe("a save whose first attempt wasn't answered", () => {
  const final = ["ExpiredTokenException", "ValidationException", "ResourceNotFoundException"];

  test.each(final)("is unknown, whatever %s says of the second", async (name) => {
    const { store, sent } = scripted([sdkError("TimeoutError", { $metadata: {} }), sdkError(name)]);
    expect(await failure(store.save("id", one))).toMatchObject({
      code: "unavailable",
      details: { outcome: "unknown", reasons: [name], commitId: expect.any(Uint8Array) },
    });
    expect(sent).toEqual(["PutItem", "PutItem", "GetItem"]);
  });

  test.each(final)("is unknown, whatever %s says of the SDK's second", async (name) => {
    const error = sdkError(name, { $metadata: { httpStatusCode: 400, attempts: 2 } });
    expect(await failure(scripted([error]).store.save("id", one))).toMatchObject({
      code: "unavailable",
      details: { outcome: "unknown" },
    });
  });
});

describe("a save whose first attempt wasn't answered, and that begins anew for a row in its way", () => {
  const row = create(OpaqueDataSchema, { pk: "p", sk: "AGG", version: 1n });
  const unversioned = { pk: { S: "p" }, sk: { S: "AGG" } };
  const CancellationReasons = [{ Code: "None" }, { Code: "ConditionalCheckFailed", Item: unversioned }];
  const begun = [
    sdkError("TimeoutError", { $metadata: {} }),
    sdkError("TransactionCanceledException", { CancellationReasons }),
  ];
  const refusals = [{ Code: "ValidationError" }, { Code: "None" }];

  test.each([
    ["denied", sdkError("ExpiredTokenException")],
    ["invalid_argument", sdkError("ValidationException")],
    ["invalid_argument", sdkError("TransactionCanceledException", { CancellationReasons: refusals })],
    ["table_missing", sdkError("ResourceNotFoundException")],
  ])("is unknown, though it is %s then", async (code, error) => {
    const { store, sent } = scripted([...begun, error]);
    expect(await failure(store.saveAll([{ aggregateId: "id", records: one }], { rows: [{ row }] }))).toMatchObject({
      code: "unavailable",
      details: { outcome: "unknown", reasons: [code], commitId: expect.any(Uint8Array) },
      cause: { code },
    });
    expect(sent.at(-1)).toBe("GetItem");
  });

  test("is unknown, though it is throttled from then on", async () => {
    const { store } = scripted([...begun, ...Array(MANY).fill(sdkError("ThrottlingException"))]);
    expect(await failure(store.saveAll([{ aggregateId: "id", records: one }], { rows: [{ row }] }))).toMatchObject({
      code: "unavailable",
      details: { outcome: "unknown", reasons: ["ThrottlingException"], commitId: expect.any(Uint8Array) },
    });
  });

  test("is unknown, though its signal is aborted before another is sent", async () => {
    const controller = new AbortController();
    const versionOf = (): undefined => {
      controller.abort();
    };
    const { store } = scripted(begun);
    const options = { rows: [{ row, versionOf }], signal: controller.signal };
    expect(await failure(store.saveAll([{ aggregateId: "id", records: one }], options))).toMatchObject({
      code: "unavailable",
      details: { outcome: "unknown", reasons: ["cancelled"], commitId: expect.any(Uint8Array) },
      cause: { code: "cancelled" },
    });
  });
});

describe("a save of which only a part is seen to be its own", () => {
  const commitId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const own = { a: { S: "a" }, v: { N: "1" }, d: { B: new Uint8Array() }, c: { B: commitId } };
  const CancellationReasons = [{ Code: "ConditionalCheckFailed", Item: own }, { Code: "None" }];
  const writes = ["a", "b"].map((aggregateId) => ({ aggregateId, records: one }));

  /** A client whose transaction is refused, and that finds these items in the streams. */
  function storeOf(items: Readonly<Record<string, object | undefined>>): DynamoDBStore {
    const send = async (command: { readonly input: { readonly Key?: { readonly a?: { readonly S?: string } } } }) => {
      const { Key } = command.input;
      if (Key === undefined) throw sdkError("TransactionCanceledException", { CancellationReasons });
      return { Item: items[Key.a?.S ?? ""] };
    };
    return new DynamoDBStore({ send } as unknown as DynamoDBClientLike, { fastPath: false });
  }

  test("is stored when the rest is found, and a conflict when it isn't", async () => {
    await storeOf({ a: own, b: { ...own, a: { S: "b" } } }).saveAll(writes, { commitId });
    expect(await failure(storeOf({ a: own }).saveAll(writes, { commitId }))).toMatchObject({
      code: "version_conflict",
      details: { aggregateId: "b", version: 1n },
    });
  });
});

describe.concurrent("a save that is out of attempts is unavailable", () => {
  test.each(refusedForNow)("and not applied, after %s", async (name, error) => {
    const { store } = scripted(Array(MANY).fill(error));
    const thrown = await failure(store.save("id", one));
    if (!isProtosourceError(thrown, "unavailable")) throw thrown;
    expect(thrown.details).toMatchObject({ outcome: "not_applied", reasons: [name] });
  });

  test("and unknown, when the SDK had made an attempt before the one that was refused", async () => {
    const error = sdkError("ThrottlingException", { $metadata: { httpStatusCode: 400, attempts: 2 } });
    const thrown = await failure(scripted(Array(MANY).fill(error)).store.save("id", one));
    expect(isProtosourceError(thrown, "unavailable") && thrown.details.outcome).toBe("unknown");
  });

  test.each(inDoubt)("and unknown, after %s, once a read has found nothing", async (_, error) => {
    const { store, sent } = scripted(Array(MANY).fill(error));
    const thrown = await failure(store.save("id", one));
    expect(isProtosourceError(thrown, "unavailable") && thrown.details.outcome).toBe("unknown");
    expect(sent.at(-1)).toBe("GetItem");
  });

  test("with the reasons of a throttling", async () => {
    const error = sdkError("ThrottlingException", {
      ThrottlingReasons: [{ reason: "TableWriteAccountLimitExceeded" }],
    });
    const thrown = await failure(scripted(Array(MANY).fill(error)).store.save("id", one));
    expect(isProtosourceError(thrown, "unavailable") && thrown.details.reasons).toEqual([
      "ThrottlingException",
      "TableWriteAccountLimitExceeded",
    ]);
  });
});

describe("a save fails at once", () => {
  test.each([
    ["denied", sdkError("AccessDeniedException")],
    ["denied", sdkError("CredentialsProviderError")],
    ["table_missing", sdkError("ResourceNotFoundException")],
    ["invalid_argument", sdkError("ValidationException")],
    ["invalid_argument", sdkError("ItemCollectionSizeLimitExceededException")],
    ["version_conflict", sdkError("ConditionalCheckFailedException")],
    ["version_conflict", foreign({ name: "ConditionalCheckFailedException" })],
    ["denied", foreign({ name: "ExpiredTokenException" })],
    ["denied", fetchCredentialsError()],
    ["denied", sdkError("SyntaxError", { $metadata: { httpStatusCode: 403 } })],
    ["denied", sdkError("SyntaxError", { $metadata: { httpStatusCode: 407 } })],
    ["not_configured", new Error("Region is missing")],
    ["invalid_argument", Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL" })],
  ] as const)("with %s, after %s", async (code, error) => {
    const { store, sent } = scripted([error]);
    expect(isProtosourceError(await failure(store.save("id", one)), code)).toBe(true);
    expect(sent.length).toBe(1);
  });

  test.each([
    [["ConditionalCheckFailed", "None"], "version_conflict", 1n],
    [["None", "ConditionalCheckFailed"], "version_conflict", 2n],
    [["TransactionConflict", "ConditionalCheckFailed"], "version_conflict", 2n],
    [["ValidationError", "None"], "invalid_argument", undefined],
    [["None", "ItemCollectionSizeLimitExceeded"], "invalid_argument", undefined],
  ] as const)("by the index of what cancelled a transaction: %j is %s of %s", async (codes, code, version) => {
    const error = sdkError("TransactionCanceledException", { CancellationReasons: codes.map((Code) => ({ Code })) });
    const { store, sent } = scripted([error]);
    const thrown = await failure(store.save("id", two));
    if (!isProtosourceError(thrown, code)) throw thrown;
    if (isProtosourceError(thrown, "version_conflict")) expect(thrown.details.version).toBe(version);
    expect(sent.length).toBe(1);
  });
});

test.each([
  ["fetch", (port: number) => fetch(`http://127.0.0.1:${port}`)],
  ["a socket", (port: number) => once(connect(port, "127.0.0.1"), "connect")],
])("a save that found nobody to connect to by %s isn't in doubt", async (_, knock) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const store = new DynamoDBStore({ send: () => knock(port) } as unknown as DynamoDBClientLike, {
    timeLimits: { totalMs: 200 },
  });
  expect(await failure(store.save("id", one))).toMatchObject({
    code: "unavailable",
    details: { outcome: "not_applied", reasons: ["ECONNREFUSED"] },
  });
});

test("a row in the way of a transaction whose events were in another's way is left out", async () => {
  const Item = { pk: { S: "p" }, sk: { S: "AGG" }, version: { N: "7" } };
  const CancellationReasons = [{ Code: "TransactionConflict" }, { Code: "ConditionalCheckFailed", Item }];
  const { store, sent } = scripted([sdkError("TransactionCanceledException", { CancellationReasons })]);
  const row = create(OpaqueDataSchema, { pk: "p", sk: "AGG", version: 1n });
  await store.saveAll([{ aggregateId: "id", records: one }], { rows: [{ row }] });
  expect(sent).toEqual(["TransactWriteItems", "PutItem"]);
});

describe("time limits", () => {
  const storeOf = (send: () => Promise<object>, ms?: number): DynamoDBStore =>
    new DynamoDBStore({ send } as unknown as DynamoDBClientLike, { timeLimits: { attemptMs: ms, totalMs: ms } });
  const slowly = (): Promise<object> => new Promise((resolve) => setTimeout(() => resolve({}), 30));

  test("may be infinite", async () => {
    let sent = 0;
    const send = (): Promise<object> => {
      sent++;
      return slowly();
    };
    await storeOf(send, Number.POSITIVE_INFINITY).save("id", one);
    expect(sent).toBe(1);
  });

  test("don't keep a call that is aborted in its last attempt before a long pause", async () => {
    const controller = new AbortController();
    let sent = 0;
    const send = (): Promise<object> => {
      if (++sent < 7) return Promise.reject(sdkError("ThrottlingException"));
      controller.abort();
      return new Promise(() => {});
    };
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const loading = failure(storeOf(send).load("id", { signal: controller.signal }));
    while (sent < 7) await vi.advanceTimersToNextTimerAsync();
    expect(await loading).toMatchObject({ code: "cancelled" });
  });

  test("and a signal that many calls share leave one listener, and then none", async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    let most = 0;
    vi.spyOn(signal, "addEventListener").mockImplementation((_, listener) => {
      most = Math.max(most, listeners.add(listener).size);
    });
    vi.spyOn(signal, "removeEventListener").mockImplementation((_, listener) => {
      listeners.delete(listener);
    });
    const store = storeOf(slowly);
    await Promise.all(Array.from({ length: 50 }, (_, i) => store.save(`id${i}`, one, { signal })));
    expect([most, listeners.size]).toEqual([1, 0]);
  });
});

describe("a value that is taken", () => {
  const CancellationReasons = [{ Code: "None" }, { Code: "ConditionalCheckFailed", Item: { owner: { S: "ann" } } }];
  const taken = (attempts: number): Error =>
    sdkError("TransactionCanceledException", {
      CancellationReasons,
      $metadata: { httpStatusCode: 400, attempts },
    });
  const save = (errors: readonly unknown[]): Promise<unknown> => {
    const claims = [{ scope: "s", value: "v", owner: "bob" }];
    return failure(scripted(errors).store.saveAll([{ aggregateId: "bob", records: one }], { claims }));
  };

  test.each([
    ["at once", [taken(1)]],
    ["after a refusal for now", [sdkError("TransactionInProgressException"), taken(1)]],
  ])("is claim_taken %s", async (_, errors) => {
    expect(await save(errors)).toMatchObject({ code: "claim_taken", details: { scope: "s", owner: "ann" } });
  });

  test.each([
    ["an attempt without an answer", [sdkError("TimeoutError", { $metadata: {} }), taken(1)]],
    ["an attempt that the SDK made", [taken(2)]],
  ])("leaves the outcome unknown after %s", async (_, errors) => {
    expect(await save(errors)).toMatchObject({
      code: "unavailable",
      details: { outcome: "unknown", commitId: expect.any(Uint8Array) },
      cause: { code: "claim_taken" },
    });
  });
});
