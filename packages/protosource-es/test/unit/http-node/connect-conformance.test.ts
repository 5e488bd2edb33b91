/**
 * The cases of Connect's conformance suites that a server of unary rpcs is held to, by the names that they have there,
 * against the handler behind a socket. What those leave open of the protocol's document follows them. Suites of streams,
 * of client certificates and of clients don't apply; bodies of requests are compressed in none.
 */
import { create, type DescMessage, type DescMethodUnary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { Refusal, type RefusalCode } from "protosource-es/http";
import { nodeListener } from "protosource-es/http/node";
import { beforeAll, describe, expect, it } from "vitest";
import { CreateSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { GetOrderRequestSchema, OrderService } from "../../gen/example/app/order/v1/order_v1_service_pb.js";
import { orderApi } from "../http/api.js";
import { listeningForAll } from "./listening.js";

const LIMIT = 2_000;
const METADATA = "x-conformance-test";
const ENCODER = new TextEncoder();

/** What the rule below throws or waits for, by the name of the customer. */
const UNICODE = "\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\n";

const seen: (string | null)[] = [];
const api = orderApi({
  maxBodyBytes: LIMIT,
  repositoryOptions: { newId: () => crypto.randomUUID() },
  rules: {
    guard(_order, command, { signal }) {
      const { customerId = "", customerName = "" } = command as { customerId?: string; customerName?: string };
      if (customerId === "never") return new Promise((_, reject) => signal?.addEventListener("abort", reject));
      if (customerId === "") return;
      throw new Refusal(customerId as RefusalCode, customerName, { retryAfter: 7, reason: "a_reason" });
    },
  },
  authorize(request) {
    seen.push(request.headers.get(METADATA));
    return { actor: "ann" };
  },
});
const listening = listeningForAll(nodeListener(api.handle));

beforeAll(async () => {
  await api.post("Create", { id: "o1" });
});

const TRANSPORTS: Readonly<Record<string, (baseUrl: string) => Transport>> = {
  "Connect, JSON": (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: false }),
  "Connect, proto": (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: true }),
  "gRPC-Web, JSON": (baseUrl) => createGrpcWebTransport({ baseUrl, useBinaryFormat: false }),
  "gRPC-Web, proto": (baseUrl) => createGrpcWebTransport({ baseUrl, useBinaryFormat: true }),
};
const GET_TRANSPORTS: typeof TRANSPORTS = {
  JSON: (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: false, useHttpGet: true }),
  proto: (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: true, useHttpGet: true }),
};

/** Each code of the protocol, with the status that it has in Connect. */
const CODES: { readonly [code in RefusalCode]: readonly [Code, status: number] } = {
  canceled: [Code.Canceled, 499],
  unknown: [Code.Unknown, 500],
  invalid_argument: [Code.InvalidArgument, 400],
  deadline_exceeded: [Code.DeadlineExceeded, 504],
  not_found: [Code.NotFound, 404],
  already_exists: [Code.AlreadyExists, 409],
  permission_denied: [Code.PermissionDenied, 403],
  resource_exhausted: [Code.ResourceExhausted, 429],
  failed_precondition: [Code.FailedPrecondition, 400],
  aborted: [Code.Aborted, 409],
  out_of_range: [Code.OutOfRange, 400],
  unimplemented: [Code.Unimplemented, 501],
  internal: [Code.Internal, 500],
  unavailable: [Code.Unavailable, 503],
  data_loss: [Code.DataLoss, 500],
  unauthenticated: [Code.Unauthenticated, 401],
};

async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => expect.fail("expected an error"),
    (error: unknown) => ConnectError.from(error),
  );
}

describe.each(Object.entries(TRANSPORTS))("%s", (_, transportOf) => {
  const client = () => createClient(OrderService, transportOf(listening.origin));

  it("Basic › unary/success, Duplicate Metadata › unary/success", async () => {
    const headers: [string, string][] = [
      [METADATA, "Value1"],
      [METADATA, "Value2"],
      ["x-request-id", "r-1"],
    ];
    let told: Headers | undefined;
    const { version } = await client().create(
      {},
      {
        headers,
        onHeader(given) {
          told = given;
        },
      },
    );
    expect(version).toBe(1n);
    expect(seen.at(-1)).toBe("Value1, Value2");
    expect([told?.get("etag"), told?.get("x-request-id"), told?.get("cache-control")]).toEqual([
      '"1"',
      "r-1",
      "no-store",
    ]);
  });

  it("Basic › unimplemented", async () => {
    const unknown = { ...OrderService.method.create, name: "Unimplemented" } as DescMethodUnary;
    const call = transportOf(listening.origin).unary(unknown, undefined, undefined, undefined, {});
    expect((await failureOf(call)).code).toBe(Code.Unimplemented);
  });

  it.each(Object.entries(CODES))("Errors › unary/%s", async (name, [code]) => {
    const error = await failureOf(client().create({ customerId: name, customerName: `it was ${name}` }));
    expect([error.code, error.rawMessage]).toEqual([code, `it was ${name}`]);
    expect(error.details).toHaveLength(1);
  });

  it("Errors › unary/error-with-metadata", async () => {
    const { metadata } = await failureOf(client().create({ customerId: "unauthenticated" }));
    expect(metadata.get("retry-after")).toBe("7");
  });

  it("Errors › unary/unicode-error-message", async () => {
    const error = await failureOf(client().create({ customerId: "internal", customerName: UNICODE }));
    expect(error.rawMessage).toBe(UNICODE);
  });

  it("Server Empty Requests › unary/empty-request", async () => {
    expect((await client().create({})).version).toBe(1n);
  });

  it("Deadline Propagation › unary/success", async () => {
    expect((await client().create({}, { timeoutMs: 60_000 })).version).toBe(1n);
  });
});

/** What is sent without a client: the address, and what `fetch` takes. */
async function send(
  path: string,
  {
    method = "POST",
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: NonNullable<RequestInit["body"]> } = {},
): Promise<Response> {
  return fetch(`${listening.origin}/${OrderService.typeName}/${path}`, { method, headers, body: body ?? null });
}

/** The code of an error, as Connect sends it. */
async function codeOf(answer: Response): Promise<string | undefined> {
  const { code } = (await answer.json()) as { readonly code?: string };
  return code;
}

/** The code of an error, as gRPC-Web sends it: in the trailers, which are the last frame of the body. */
async function statusOf(answer: Response): Promise<Code> {
  return Number(/grpc-status: (\d+)/.exec(await answer.text())?.[1]);
}

function binary<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Uint8Array<ArrayBuffer> {
  return toBinary(schema, create(schema, message)) as Uint8Array<ArrayBuffer>;
}

function envelope(message: Uint8Array, flags = 0, length: number = message.length): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(5);
  head[0] = flags;
  new DataView(head.buffer).setUint32(1, length);
  return Uint8Array.of(...head, ...message);
}

const JSON_TYPE = { "content-type": "application/json" };
const PROTO_TYPE = { "content-type": "application/proto" };
const WEB_TYPE = { "content-type": "application/grpc-web+proto" };

describe("Connect to HTTP Code Mapping", () => {
  it.each(Object.entries(CODES))("unary %s mapping", async (customerId, [, status]) => {
    const answer = await send("Create", { headers: JSON_TYPE, body: JSON.stringify({ customerId }) });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, "application/json"]);
    expect(await answer.json()).toMatchObject({
      code: customerId,
      details: [{ type: "protosource_es.rpc.v1.ErrorDetail", debug: { reason: "a_reason" } }],
    });
  });
});

describe("Timeouts", () => {
  it.each([
    ["unary", { ...JSON_TYPE, "connect-timeout-ms": "50" }],
    ["unary without any time", { ...JSON_TYPE, "connect-timeout-ms": "0" }],
  ])("Connect › %s", async (_, headers) => {
    const answer = await send("Create", { headers, body: '{"customerId":"never"}' });
    expect([answer.status, await codeOf(answer)]).toEqual([504, "deadline_exceeded"]);
  });

  it.each(["50m", "50000u", "50000000n"])("gRPC-Web › unary, %s", async (timeout) => {
    const body = envelope(binary(CreateSchema, { customerId: "never" }));
    const answer = await send("Create", { headers: { ...WEB_TYPE, "grpc-timeout": timeout }, body });
    expect([answer.status, await statusOf(answer)]).toEqual([200, Code.DeadlineExceeded]);
  });

  it.each(["abc", "1.5", "-1", "12345678901", ""])("that are none are refused: %o", async (timeout) => {
    const headers = { ...JSON_TYPE, "connect-timeout-ms": timeout };
    expect(await codeOf(await send("Create", { headers, body: "{}" }))).toBe("invalid_argument");
    const web = { ...WEB_TYPE, "grpc-timeout": timeout };
    expect(await statusOf(await send("Create", { headers: web, body: envelope(new Uint8Array()) }))).toBe(
      Code.InvalidArgument,
    );
  });
});

describe("Server Message Size", () => {
  /** A message that is as long as it says. */
  const ofSize = (size: number): Uint8Array<ArrayBuffer> => {
    const tagAndLength = 3;
    const message = binary(CreateSchema, { customerName: "x".repeat(size - tagAndLength) });
    expect(message).toHaveLength(size);
    return message;
  };

  it("unary/request-equal-to-server-limit", async () => {
    expect((await send("Create", { headers: PROTO_TYPE, body: ofSize(LIMIT) })).status).toBe(200);
    const web = await send("Create", { headers: WEB_TYPE, body: envelope(ofSize(LIMIT - 5)) });
    expect(await statusOf(web)).toBe(0);
  });

  it("unary/request-exceeds-server-limit", async () => {
    const answer = await send("Create", { headers: PROTO_TYPE, body: ofSize(LIMIT + 10) });
    expect([answer.status, await codeOf(answer)]).toEqual([413, "resource_exhausted"]);
    const web = await send("Create", { headers: WEB_TYPE, body: envelope(ofSize(LIMIT + 10)) });
    expect(await statusOf(web)).toBe(Code.ResourceExhausted);
    const message = encodeURIComponent(JSON.stringify({ id: "x".repeat(LIMIT) }));
    const get = await send(`GetOrder?encoding=json&message=${message}`, { method: "GET" });
    expect([get.status, await codeOf(get)]).toEqual([413, "resource_exhausted"]);
  });
});

describe("Connect with GET", () => {
  it.each(Object.entries(GET_TRANSPORTS))("success, %s", async (_, transportOf) => {
    const client = createClient(OrderService, transportOf(listening.origin));
    expect(await client.getOrder({ id: "o1" }, { headers: [[METADATA, "Value1"]] })).toMatchObject({ id: "o1" });
    expect(seen.at(-1)).toBe("Value1");
    expect((await failureOf(client.getOrder({ id: "o2" }))).code).toBe(Code.NotFound);
  });

  const json = encodeURIComponent('{"id":"o1"}');
  const proto = base64Encode(binary(GetOrderRequestSchema, { id: "o1" }), "url");
  const padded = encodeURIComponent(base64Encode(binary(GetOrderRequestSchema, { id: "o1" })));
  it.each([
    ["a version", `connect=v1&encoding=json&message=${json}`],
    ["no version", `encoding=json&message=${json}`],
    ["base64", `encoding=json&base64=1&message=${btoa('{"id":"o1"}')}`],
    ["base64 for addresses", `encoding=proto&base64=1&message=${proto}`],
    ["base64 with padding", `encoding=proto&base64=1&message=${padded}`],
    ["bytes", "encoding=proto&message=%0A%02o1"],
    ["the compression identity", `encoding=json&compression=identity&message=${json}`],
    ["parameters that nobody knows", `a=b&encoding=json&message=${json}&c=d`],
  ])("with %s", async (_, query) => {
    const answer = await send(`GetOrder?${query}`, { method: "GET" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe(query.includes("json") ? "application/json" : "application/proto");
  });

  it.each([
    ["another version", `connect=v2&encoding=json&message=${json}`, 400, "invalid_argument"],
    ["base64 that is none", "encoding=proto&base64=1&message=***", 400, "invalid_argument"],
    ["bytes that are no message", "encoding=proto&base64=1&message=Cv8B", 400, "invalid_argument"],
    ["JSON that is cut", "encoding=json&message=%7B", 400, "invalid_argument"],
    ["no message in JSON", "encoding=json", 400, "invalid_argument"],
    ["another compression", `encoding=json&compression=gzip&message=${json}`, 501, "unimplemented"],
    ["another encoding", `encoding=xml&message=${json}`, 415, undefined],
    ["no encoding", `message=${json}`, 415, undefined],
  ])("with %s is refused", async (_, query, status, code) => {
    const answer = await send(`GetOrder?${query}`, { method: "GET" });
    expect([answer.status, await codeOf(answer)]).toEqual([status, code]);
  });

  it("isn't possible for what has effects", async () => {
    const answer = await send("Create?encoding=json&message=%7B%7D", { method: "GET" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

describe("Connect Unexpected Requests", () => {
  it.each([
    ["unexpected-content-type", { "content-type": "image/jpeg" }],
    ["unexpected-codec", { "content-type": "application/foo" }],
    ["unexpected-stream", { "content-type": "application/connect+proto" }],
    ["unexpected-charset", { "content-type": "application/json; charset=utf-16" }],
    ["no-content-type", {}],
  ])("%s", async (_, headers) => {
    const answer = await send("Create", { headers, body: new Blob([ENCODER.encode("12345678")]) });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([415, "application/problem+json"]);
  });

  it.each(["DELETE", "PUT", "PATCH"])("unexpected-verb, %s", async (method) => {
    const answer = await send("Create", { method, headers: PROTO_TYPE, body: binary(CreateSchema, {}) });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
    const read = await send("GetOrder", { method, headers: PROTO_TYPE, body: binary(CreateSchema, {}) });
    expect([read.status, read.headers.get("allow")]).toEqual([405, "POST, GET"]);
  });

  it("unexpected-uri", async () => {
    const path = `${listening.origin}/connectrpc.conformance.v1.UnknownService/UnknownMethod`;
    expect((await fetch(path, { method: "POST", headers: PROTO_TYPE, body: "" })).status).toBe(404);
  });

  it.each(["foo", "gzip", "br", "zstd"])("unexpected-compression, %s", async (encoding) => {
    const headers = { ...PROTO_TYPE, "content-encoding": encoding };
    const answer = await send("Create", { headers, body: binary(CreateSchema, {}) });
    expect([answer.status, await codeOf(answer)]).toEqual([501, "unimplemented"]);
  });

  it("unexpected-version", async () => {
    const headers = { ...JSON_TYPE, "connect-protocol-version": "2" };
    expect(await codeOf(await send("Create", { headers, body: "{}" }))).toBe("invalid_argument");
    const known = { ...JSON_TYPE, "connect-protocol-version": "1" };
    expect((await send("Create", { headers: known, body: "{}" })).status).toBe(200);
  });

  it.each([
    ["a message that is cut", PROTO_TYPE, Uint8Array.of(0x0a, 0xff, 0x01)],
    ["JSON that is cut", JSON_TYPE, ENCODER.encode('{"id":')],
    ["JSON that isn't UTF-8", JSON_TYPE, Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)],
    ["no JSON at all", JSON_TYPE, new Uint8Array()],
  ])("%s", async (_, headers, body) => {
    const answer = await send("Create", { headers, body });
    expect([answer.status, await codeOf(answer)]).toEqual([400, "invalid_argument"]);
  });

  it("content types are the same in capitals and with a charset", async () => {
    for (const type of ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"]) {
      const body = '{"id":"o1","minVersion":9007199254740993}';
      const answer = await send("LoadOrder", { headers: { "content-type": type }, body });
      expect([type, answer.status, await answer.text()]).toEqual([type, 409, expect.stringContaining("740993")]);
    }
  });
});

describe("gRPC-Web Unexpected Requests", () => {
  const message = binary(CreateSchema, { customerName: "Ann" });

  it.each([
    ["unary/no-request", {}, new Uint8Array(), Code.Unimplemented],
    ["unary/multiple-requests", {}, Uint8Array.of(...envelope(message), ...envelope(message)), Code.Unimplemented],
    ["unexpected-compression", { "grpc-encoding": "foo" }, envelope(message), Code.Unimplemented],
    ["unexpected-compressed-message", { "grpc-encoding": "identity" }, envelope(message, 1), Code.Internal],
    ["a message that is cut", {}, envelope(message, 0, 50), Code.InvalidArgument],
    ["a head that is cut", {}, new Uint8Array(3), Code.InvalidArgument],
    ["a length that is none", {}, envelope(message, 0, 0xff_ff_ff_ff), Code.InvalidArgument],
    ["a message that is another", {}, envelope(Uint8Array.of(0x0a, 0xff, 0x01)), Code.InvalidArgument],
  ])("%s", async (_, headers, body, code) => {
    const answer = await send("Create", { headers: { ...WEB_TYPE, ...headers }, body });
    expect([answer.status, await statusOf(answer)]).toEqual([200, code]);
  });

  it.each([
    ["unexpected-verb", "DELETE", "Create", "application/grpc-web", 405],
    ["unexpected-uri", "POST", "UnknownMethod", "application/grpc-web", 404],
    ["unexpected-codec", "POST", "Create", "application/grpc-web+foo", 415],
    ["in base64", "POST", "Create", "application/grpc-web-text", 415],
    ["a read by GET", "GET", "GetOrder", "application/grpc-web", 415],
  ])("%s", async (_, method, rpc, type, status) => {
    const init = { method, headers: { "content-type": type } };
    expect((await send(rpc, method === "GET" ? init : { ...init, body: envelope(message) })).status).toBe(status);
  });

  it("numbers of 64 bits keep every digit in JSON", async () => {
    const body = envelope(ENCODER.encode('{"id":"o1","minVersion":9007199254740993}'));
    const answer = await send("LoadOrder", { headers: { "content-type": "application/grpc-web+json" }, body });
    expect(await answer.text()).toContain("9007199254740993");
  });
});

describe("gRPC-Web Proto Sub-Format Requests", () => {
  it.each([
    ["with-proto-sub-format", "application/grpc-web+proto"],
    ["without-proto-sub-format", "application/grpc-web"],
  ])("%s", async (_, type) => {
    const answer = await send("Create", {
      headers: { "content-type": type },
      body: envelope(binary(CreateSchema, {})),
    });
    expect([await statusOf(answer), answer.headers.get("content-type")]).toEqual([0, "application/grpc-web+proto"]);
  });
});
