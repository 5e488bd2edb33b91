/** Clients as they are, each over its own sockets: Node's Connect and gRPC, curl, the family's, and a browser. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttp2Server, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { create, type DescMethodUnary, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ensureChromium } from "@protosource-es/engines";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { fromRecord } from "protosource-es";
import { nodeListener } from "protosource-es/http/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CreateSchema, SetShippingSchema } from "../gen/example/app/order/v1/order_v1_pb.js";
import { OrderService } from "../gen/example/app/order/v1/order_v1_service_pb.js";
import { order } from "../order.js";
import { orderApi } from "../unit/http/api.js";
import { familyClient } from "../unit/http/family-client.js";
import type { PageAnswer, PageCall } from "./page-client.js";

const run = promisify(execFile);

const PAGE = "<!doctype html><title>A shop</title><script src=page.js></script>";

let http: Server;
let http2: Http2Server;
let pages: Server;
/** The same handler by HTTP/1.1 and by HTTP/2, and pages that may call it from their own origin. */
let origin = "";
let origin2 = "";
let pageOrigin = "";
let api: ReturnType<typeof orderApi>;

async function open<S extends Server | Http2Server>(server: S): Promise<S> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function originOf(server: Server | Http2Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL("page-client.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    conditions: ["@protosource-es/source"],
    write: false,
  });
  const script = bundle.outputFiles[0]?.text;
  const showPage: RequestListener = ({ url }, response) => {
    if (url === "/page.js") response.setHeader("content-type", "text/javascript").end(script);
    else response.setHeader("content-type", "text/html").end(PAGE);
  };
  pages = await open(createServer(showPage));
  pageOrigin = originOf(pages);
  api = orderApi({ cors: { origins: [pageOrigin] } });
  const listener = nodeListener(api.handle);
  http = await open(createServer(listener));
  http2 = await open(createHttp2Server(listener));
  origin = originOf(http);
  origin2 = originOf(http2);
});

afterAll(async () => {
  for (const server of [http, pages]) server.closeAllConnections();
  for (const server of [http, pages, http2]) server.close();
});

describe("connect-node", () => {
  const transports: Readonly<Record<string, () => Transport>> = {
    "Connect, HTTP/1.1, JSON": () =>
      createConnectTransport({ baseUrl: origin, httpVersion: "1.1", useBinaryFormat: false }),
    "Connect, HTTP/1.1, binary, GET": () =>
      createConnectTransport({ baseUrl: origin, httpVersion: "1.1", useHttpGet: true }),
    "Connect, HTTP/2": () => createConnectTransport({ baseUrl: origin2, httpVersion: "2" }),
    "gRPC-Web, HTTP/1.1": () => createGrpcWebTransport({ baseUrl: origin, httpVersion: "1.1" }),
    "gRPC-Web, HTTP/2, JSON": () =>
      createGrpcWebTransport({ baseUrl: origin2, httpVersion: "2", useBinaryFormat: false }),
    "gRPC, HTTP/2": () => createGrpcTransport({ baseUrl: origin2 }),
    "gRPC, HTTP/2, JSON": () => createGrpcTransport({ baseUrl: origin2, useBinaryFormat: false }),
  };

  it.each(Object.entries(transports))("commands, reads and is refused: %s", async (id, transportOf) => {
    const client = createClient(OrderService, transportOf());
    await client.create({ id, customerId: id });
    await client.addItem({ id, item: { itemId: "i1", priceCents: 2n ** 60n, quantity: 1 } });
    expect((await client.getOrder({ id, minVersion: 2n })).items["i1"]?.priceCents).toBe(2n ** 60n);
    const { items } = await client.selectOrderByCustomerId({ customerId: id });
    expect(items.map((item) => item.id)).toEqual([id]);
    const error = await client.create({ id }, { headers: { "x-request-id": "r-1" } }).catch(ConnectError.from);
    expect(error).toMatchObject({ code: Code.AlreadyExists, details: [{}] });
    expect((error as ConnectError).metadata.get("x-request-id")).toBe("r-1");
    const denied = client.place({ id }, { headers: { "x-user": "mallory" } });
    await expect(denied).rejects.toMatchObject({ code: Code.PermissionDenied });
    const unknown = { ...OrderService.method.create, name: "Destroy" } as DescMethodUnary;
    const missing = transportOf().unary(unknown, undefined, undefined, undefined, {});
    await expect(missing).rejects.toMatchObject({ code: Code.Unimplemented });
  });
});

describe("grpc-js", () => {
  /** Calls an rpc as generated code of gRPC does. */
  async function call<M extends DescMethodUnary>(
    method: M,
    request: MessageShape<M["input"]>,
    headers: Record<string, string> = {},
    deadline?: number,
  ): Promise<MessageShape<M["output"]>> {
    const client = new Client(new URL(origin2).host, credentials.createInsecure());
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    try {
      return await new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          `/${method.parent.typeName}/${method.name}`,
          (message: MessageShape<M["input"]>) => Buffer.from(toBinary(method.input, message)),
          (bytes) => fromBinary(method.output, bytes) as MessageShape<M["output"]>,
          request,
          metadata,
          deadline === undefined ? {} : { deadline },
          (error, answer) => (error ? reject(error) : resolve(answer as MessageShape<M["output"]>)),
        );
      });
    } finally {
      client.close();
    }
  }
  const { create: createRpc, loadOrder } = OrderService.method;
  const createOrder = (id: string, customerName = ""): MessageShape<typeof CreateSchema> =>
    create(CreateSchema, { id, customerId: "c1", customerName });

  it("commands, and reads", async () => {
    expect(await call(createRpc, createOrder("g1", "Ann ☺"))).toMatchObject({ id: "g1", version: 1n });
    expect(await call(loadOrder, create(loadOrder.input, { id: "g1" }))).toMatchObject({ customerName: "Ann ☺" });
  });

  it("is told of errors by the codes of gRPC, and their details", async () => {
    await call(createRpc, createOrder("g2"));
    const again: ServiceError = await call(createRpc, createOrder("g2")).then(
      () => expect.fail("expected an error"),
      (error) => error,
    );
    expect(again).toMatchObject({ code: status.ALREADY_EXISTS, details: expect.stringContaining("g2") });
    expect(again.metadata.get("grpc-status-details-bin")).toHaveLength(1);
    const denied = call(createRpc, createOrder("g3"), { "x-user": "mallory" });
    await expect(denied).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    const missing = call({ ...createRpc, name: "Destroy" } as typeof createRpc, createOrder("g3"));
    await expect(missing).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
    const late = call(createRpc, createOrder("g3"), {}, Date.now());
    await expect(late).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
  });

  it("gets no answer of gRPC by HTTP/1.1, which has no trailers for it", async () => {
    const headers = { "content-type": "application/grpc" };
    const answer = await fetch(`${origin}/${OrderService.typeName}/Create`, { method: "POST", headers, body: "" });
    expect(answer.status).toBe(415);
  });
});

describe("curl", () => {
  async function curl(...args: string[]): Promise<readonly [status: string, json: Record<string, unknown>]> {
    const { stdout } = await run("curl", ["--silent", "--show-error", "--write-out", "\n%{http_code}", ...args]);
    const [json = "", code = ""] = stdout.split(/\n(?=\d+$)/);
    return [code, json === "" ? {} : JSON.parse(json)];
  }
  const asJson = ["--header", "content-type: application/json"];

  it("calls by Connect's JSON, by GET, by HTTP/2, and on the paths of the family", async () => {
    const rpc = `${origin}/${OrderService.typeName}`;
    const number = "9007199254740993";
    expect(await curl(`${rpc}/Create`, ...asJson, "--data", '{"id":"curl","customerId":"c1"}')).toEqual([
      "200",
      { id: "curl", version: "1" },
    ]);
    const item = `{"id":"curl","item":{"itemId":"i1","priceCents":${number},"quantity":1}}`;
    expect((await curl(`${rpc}/AddItem`, ...asJson, "--data", item))[0]).toBe("200");
    const message = ["--data-urlencode", 'message={"id":"curl"}', "--data", "encoding=json"];
    expect(await curl("--get", `${rpc}/LoadOrder`, ...message)).toMatchObject([
      "200",
      { items: { i1: { priceCents: number } } },
    ]);
    const second = ["--http2-prior-knowledge", "--get", `${origin2}/${OrderService.typeName}/LoadOrder`];
    expect(await curl(...second, ...message)).toMatchObject(["200", { id: "curl" }]);
    const family = (path: string) =>
      curl("--header", "accept: application/json", `${origin}/example/app/order/v1/${path}`);
    expect(await family("curl")).toMatchObject(["200", { id: "curl" }]);
    expect(await family("nobody")).toMatchObject(["404", { code: "GET_NOT_FOUND" }]);
  });
});

describe.each(["application/json", "application/protobuf"] as const)("the family's client by %s", (type) => {
  it("applies, gets, loads, reads records and queries", async () => {
    const client = familyClient(fetch, `${origin}/example/app/order/v1`, type);
    const id = `family ü/${type}`;
    await client.apply(CreateSchema, create(CreateSchema, { id, actor: "bob", customerId: type }));
    const command = create(SetShippingSchema, { id, actor: "bob", shippingAddress: "Dock" });
    expect(await client.apply(SetShippingSchema, command)).toMatchObject({ id, version: 2n });
    expect(await client.get(id)).toMatchObject({ id, version: 2n, createBy: "bob" });
    expect(await client.load(id)).toMatchObject({ id, version: 2n });
    const { records } = await client.history(id);
    expect(records.map((record) => fromRecord(order, record))).toEqual(await api.repository.history(id));
    expect((await client.query("by-customer-id", { customer_id: type })).items).toHaveLength(1);
    await expect(client.load("nobody")).rejects.toThrow("404 LOAD_NOT_FOUND");
  });
});

describe("connect-web in a browser, on a page of another origin", () => {
  let browser: Browser;

  beforeAll(async () => {
    const { executablePath, args } = await ensureChromium();
    browser = await chromium.launch({ executablePath, args: [...args] });
  }, 300_000);
  afterAll(() => browser?.close());

  async function callIn(at: string, call: PageCall): Promise<PageAnswer> {
    const page = await browser.newPage();
    await page.goto(at);
    return page.evaluate(
      (asked) => (globalThis as unknown as { callAsPage(call: PageCall): Promise<PageAnswer> }).callAsPage(asked),
      call,
    );
  }

  it.each<Omit<PageCall, "baseUrl" | "id">>([
    { protocol: "Connect", useBinaryFormat: false, useHttpGet: false },
    { protocol: "Connect", useBinaryFormat: true, useHttpGet: true },
    { protocol: "gRPC-Web", useBinaryFormat: true, useHttpGet: false },
  ])("commands, reads, and sees the headers of answers: %o", async (options) => {
    const id = JSON.stringify(options);
    expect(await callIn(pageOrigin, { ...options, baseUrl: origin, id })).toEqual({
      version: "3",
      priceCents: `${2n ** 60n}`,
      etag: '"3"',
      replayed: "true",
      error: ["AlreadyExists", "r-1"],
    });
  });

  it("is kept from it where the origin isn't allowed", async () => {
    const elsewhere = pageOrigin.replace("127.0.0.1", "localhost");
    const call = { protocol: "Connect", useBinaryFormat: false, useHttpGet: false, baseUrl: origin, id: "x" } as const;
    await expect(callIn(elsewhere, call)).rejects.toThrow();
    await expect(api.repository.load("x")).rejects.toMatchObject({ code: "not_found" });
  });
});
