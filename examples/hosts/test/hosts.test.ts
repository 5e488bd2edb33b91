/** The same requests to every host, over real sockets where it has a server on Node, and the same answers. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { HTTPException } from "hono/http-exception";
import { ProtosourceError } from "protosource-es";
import { nodeListener } from "protosource-es/http/node";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { defineOrder, type OrderAggregate } from "../../orders/gen/example/app/order/v1/order_v1_protosource.js";
import { OrderService } from "../../orders/gen/example/app/order/v1/order_v1_service_pb.js";
import { GET, POST } from "../src/app/api/[...path]/route.js";
import { POST as addItemOnNext } from "../src/app/orders/[id]/items/route.js";
import bun from "../src/bun.js";
import deno from "../src/deno.js";
import { expressApp } from "../src/express.js";
import { fastifyApp } from "../src/fastify.js";
import { honoApp } from "../src/hono.js";
import { nestApp } from "../src/nest.js";
import { openOrders } from "../src/orders.js";

const SERVICE = "/api/example.app.order.v1.OrderService";
const SECRET = "table-7";

/** The signals of commands that wait until theirs is aborted. */
const waiting: AbortSignal[] = [];

/** Orders whose ids say what becomes of their commands, once they are there. */
const order: OrderAggregate = defineOrder({
  async guard({ version }, { id }, { signal }) {
    if (version === 0n) return;
    switch (id) {
      case "busy":
        throw new ProtosourceError("unavailable", SECRET, { operation: "", reasons: [], outcome: "not_applied" });
      case "taken":
        throw new ProtosourceError("version_conflict", "somebody was first", { aggregateId: id, version: 3n });
      case "denied":
        throw new ProtosourceError("denied", SECRET, { reason: SECRET });
      case "broken":
        throw new Error(SECRET);
      case "slow":
        if (signal === undefined) throw new Error("there is no signal");
        waiting.push(signal);
        await once(signal, "abort");
    }
  },
});

/** A host that runs. */
interface Running {
  readonly origin: string;
  close(): Promise<void>;
}

async function listening(server: Server): Promise<Running> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Node's server of Hono. The types of the package are for who has those of a browser, too. */
async function honoServer(fetch: (request: Request) => Response | Promise<Response>): Promise<Server> {
  const name: string = "@hono/node-server";
  const { createAdaptorServer } = (await import(name)) as {
    createAdaptorServer(options: { fetch: typeof fetch }): Server;
  };
  return createAdaptorServer({ fetch });
}

/** What Nest logged. */
const nestLogged: unknown[] = [];

const hosts = {
  Node: () => listening(createServer(nodeListener(openOrders(order, "/api").orderApi))),
  async Hono(): Promise<Running> {
    const app = honoApp(openOrders(order));
    app.get("/teapot", () => {
      throw new HTTPException(418, { message: "a teapot" });
    });
    return listening(await honoServer(app.fetch));
  },
  Express: () => listening(createServer(expressApp(openOrders(order)))),
  async Fastify() {
    const app = fastifyApp(openOrders(order, "/api"));
    await app.ready();
    return listening(app.server);
  },
  async NestJS() {
    const log = (error: unknown): void => void nestLogged.push(error);
    const app = await nestApp(order, { logger: { log: () => {}, warn: log, error: log } });
    await app.init();
    return listening(app.getHttpServer());
  },
} satisfies Readonly<Record<string, () => Promise<Running>>>;

/** What answers without a server here: the function that the host calls. */
const functions: Readonly<Record<string, (request: Request) => Promise<Response>>> = {
  Next: (request) => (request.method === "GET" ? GET : POST)(request),
  Bun: bun.fetch,
  Deno: deno.fetch,
};

type Fetch = (address: string, init?: RequestInit) => Promise<Response>;

async function answersCalls(origin: string, send: Fetch): Promise<void> {
  for (const useBinaryFormat of [false, true]) {
    const client = createClient(
      OrderService,
      createConnectTransport({
        baseUrl: `${origin}/api`,
        useBinaryFormat,
        useHttpGet: true,
        fetch: (url, { headers, ...init } = {}) =>
          send(`${url}`, { ...init, headers: { ...Object.fromEntries(new Headers(headers)), "x-user": "ann" } }),
      }),
    );
    const { id } = await client.create({ customerId: "c-9", customerName: "Ann" });
    await client.addItem({ id, item: { itemId: "lamp", priceCents: 1_250n, quantity: 2 } });
    expect(await client.getOrder({ id, minVersion: 2n })).toMatchObject({
      createBy: "ann",
      version: 2n,
      items: { lamp: { priceCents: 1_250n } },
    });
    await expect(client.removeTag({ id: "unknown", key: "a" })).rejects.toThrow("[not_found]");
    await expect(client.create({ id })).rejects.toThrow("[already_exists]");
  }
  const nobody = await send(`${origin}${SERVICE}/Create`, json({}, {}));
  expect([nobody.status, await nobody.json()]).toMatchObject([401, { code: "unauthenticated" }]);
  const lost = await send(`${origin}/api/nowhere`, { headers: { "x-user": "ann" } });
  expect([lost.status, lost.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
}

function json(message: object, headers: Record<string, string> = { "x-user": "ann" }): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(message) };
}

async function showsEvents(origin: string, send: Fetch): Promise<void> {
  const leaving = new AbortController();
  const headers = { "x-user": "ann", accept: "text/event-stream" };
  const answer = await send(`${origin}${SERVICE}/events?after=0`, { headers, signal: leaving.signal });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  const reader = (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  const saw = async (text: string): Promise<void> => {
    while (!seen.includes(text)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`the stream ended after ${seen}`);
      seen += value;
    }
  };
  // Who waits is shown what comes, before there is more.
  await send(`${origin}${SERVICE}/Create`, json({ id: `followed-${crypto.randomUUID()}`, customerId: "c-7" }));
  await saw("c-7");
  await send(`${origin}${SERVICE}/Create`, json({ id: `followed-${crypto.randomUUID()}`, customerId: "c-8" }));
  await saw("c-8");
  leaving.abort();
  await untilOver(reader);
}

/** Reads until there is no more, or the connection is gone. */
async function untilOver(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch (error) {
    expect((error as Error).name).toBe("AbortError");
  }
}

describe.each(Object.entries(hosts))("orders on %s", (_name, open) => {
  let origin = "";
  let host: Running;
  beforeAll(async () => {
    host = await open();
    ({ origin } = host);
  });
  afterAll(() => host.close());

  it("are served to clients in JSON and binary messages", () => answersCalls(origin, fetch));

  it("are followed by who stays as long as he likes", () => showsEvents(origin, fetch));

  it("give a command up when its caller is gone", async () => {
    const before = waiting.length;
    const leaving = new AbortController();
    const { signal } = leaving;
    await fetch(`${origin}${SERVICE}/Create`, json({ id: "slow" }));
    const calling = fetch(`${origin}${SERVICE}/Place`, { ...json({ id: "slow" }), signal }).catch(() => "gone");
    await expect.poll(() => waiting.length).toBe(before + 1);
    expect(waiting.at(-1)?.aborted).toBe(false);
    leaving.abort();
    expect(await calling).toBe("gone");
    await expect.poll(() => waiting.at(-1)?.aborted).toBe(true);
  });

  it("take a body as it comes, and no more of it than there may be", async () => {
    const pieces = ['{"id":"pieces",', '"customerId":', '"c-1"}'].map((piece) => new TextEncoder().encode(piece));
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
    });
    const answer = await fetch(`${origin}${SERVICE}/Create`, { ...json({}), body, duplex: "half" } as RequestInit);
    expect([answer.status, await answer.json()]).toEqual([200, { id: "pieces", version: "1" }]);
    const large = await fetch(`${origin}${SERVICE}/Create`, json({ customerName: "x".repeat(2 * 1024 * 1024) }));
    expect([large.status, await large.json()]).toMatchObject([413, { details: [{ debug: { reason: "too_large" } }] }]);
  });
});

describe.each(["Hono", "Express", "Fastify", "NestJS"] as const)("a route of one's own on %s", (name) => {
  let origin = "";
  let host: Running;
  beforeAll(async () => {
    host = await hosts[name]();
    ({ origin } = host);
  });
  afterAll(() => host.close());
  afterEach(() => vi.restoreAllMocks());

  it("tells what is wrong, and keeps what isn't for callers", async () => {
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    nestLogged.length = 0;
    const logged = (): readonly string[] => [...nestLogged, ...told.mock.calls.flat()].map(String);
    for (const id of ["own", "taken", "busy", "denied", "broken"])
      await fetch(`${origin}${SERVICE}/Create`, json({ id }));
    const add = async (id: string, item: object): Promise<readonly unknown[]> => {
      const answer = await fetch(`${origin}/orders/${id}/items`, json(item));
      const text = await answer.text();
      expect(text).not.toContain(SECRET);
      expect(answer.headers.get("retry-after")).toBe(answer.status === 503 ? "1" : null);
      const { reason, version } = JSON.parse(text);
      return [answer.status, reason ?? version];
    };
    expect(await add("own", { itemId: "lamp" })).toEqual([name === "NestJS" ? 201 : 200, "2"]);
    expect(await add("unknown", { itemId: "lamp" })).toEqual([404, "not_created"]);
    expect(await add("own", { itemId: "__proto__" })).toEqual([400, "validation_failed"]);
    expect(await add("taken", { itemId: "lamp" })).toEqual([409, "version_conflict"]);
    expect(logged()).toEqual([]);
    expect(await add("busy", { itemId: "lamp" })).toEqual([503, "unavailable"]);
    expect(await add("denied", { itemId: "lamp" })).toEqual([500, "internal"]);
    // Nest answers what nobody knows in its own way.
    expect(await add("broken", { itemId: "lamp" })).toEqual([500, name === "NestJS" ? undefined : "internal"]);
    expect(logged().filter((text) => text.includes(SECRET))).toHaveLength(3);
  });

  it("leaves to the framework what that refuses itself", async () => {
    const refused = {
      Hono: { path: "/teapot", init: {}, status: 418 },
      Express: { path: "/orders/own/items", init: { ...json({}), body: "{ no JSON" }, status: 400 },
      Fastify: { path: "/orders/own/items", init: { ...json({}), body: "{ no JSON" }, status: 400 },
      NestJS: { path: "/orders/own/items", init: { ...json({}), body: "{ no JSON" }, status: 400 },
    }[name];
    for (const { path, init, status } of [refused, { path: "/nowhere", init: {}, status: 404 }]) {
      const answer = await fetch(`${origin}${path}`, init);
      expect(answer.status).toBe(status);
      expect(answer.headers.get("content-type")).not.toBe("application/problem+json");
    }
  });
});

describe.each(Object.entries(functions))("orders by the function that %s calls", (_name, handle) => {
  const send: Fetch = (address, init) => handle(new Request(address, init));
  const origin = "https://shop.example";

  it("are served to clients in JSON and binary messages", () => answersCalls(origin, send));

  it("are followed by who stays as long as he likes", () => showsEvents(origin, send));
});

it("tells what is wrong on a route of one's own on Next", async () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const add = async (id: string, item: object): Promise<readonly unknown[]> => {
    const request = new Request(`https://shop.example/orders/${id}/items`, json(item));
    const answer = await addItemOnNext(request, { params: Promise.resolve({ id }) });
    const { reason, version } = (await answer.json()) as { readonly reason?: string; readonly version?: string };
    return [answer.status, answer.headers.get("content-type"), reason ?? version];
  };
  await POST(new Request(`https://shop.example${SERVICE}/Create`, json({ id: "own" })));
  expect(await add("own", { itemId: "lamp" })).toEqual([200, "application/json", "2"]);
  expect(await add("unknown", { itemId: "lamp" })).toEqual([404, "application/problem+json", "not_created"]);
  expect(told.mock.calls).toEqual([]);
  // A rule's own error, which nobody maps.
  expect(await add("own", { itemId: "lamp" })).toEqual([500, "application/problem+json", "internal"]);
  expect(told.mock.calls).toHaveLength(1);
  told.mockRestore();
});
