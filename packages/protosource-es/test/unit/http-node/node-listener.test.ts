import { once } from "node:events";
import { type ClientRequest, request as clientRequest, type IncomingMessage } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeListener } from "protosource-es/http/node";
import { describe, expect, it, onTestFinished } from "vitest";
import { orderApi } from "../http/api.js";
import { listening } from "./listening.js";

type Handle = (request: Request) => Promise<Response>;

/** Listens with a handler, and collects what the logger is told, and the connections. */
async function listen(handle: Handle) {
  const logged: unknown[] = [];
  const sockets: Socket[] = [];
  const listener = nodeListener(handle, {
    logger: { warn: (message, details) => logged.push([message, ...Object.values(details ?? {})]) },
  });
  const port = await listening((incoming, outgoing) => {
    sockets.push(incoming.socket);
    listener(incoming, outgoing);
  });
  return { port, logged, sockets, origin: `http://127.0.0.1:${port}` };
}

async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  // Who is answered while he still sends may be cut off.
  sent.on("error", () => {});
  return answer;
}

/** Waits until a number no longer grows. */
async function atRest(read: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = read();
    if (now === last) return now;
    last = now;
    await sleep(50);
  }
}

describe("a listener of Node", () => {
  it("answers for a handler of services, and says every cookie", async () => {
    const api = orderApi();
    const { origin } = await listen(async (request) => {
      const answer = await api.handle(request);
      for (const cookie of ["a=1; Path=/", "b=2"]) answer.headers.append("set-cookie", cookie);
      return answer;
    });
    const answer = await fetch(`${origin}/example.app.order.v1.OrderService/Create`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: "o1" }),
    });
    expect([answer.status, await answer.json()]).toEqual([200, { id: "o1", version: "1" }]);
    expect([answer.headers.get("etag"), answer.headers.getSetCookie()]).toEqual(['"1"', ["a=1; Path=/", "b=2"]]);
  });

  it("aborts the signal when the client is gone", async () => {
    const signals: AbortSignal[] = [];
    const { port, logged } = await listen(async ({ signal }) => {
      signals.push(signal);
      await once(signal, "abort");
      throw signal.reason;
    });
    const sent = clientRequest({ port, host: "127.0.0.1", method: "GET" });
    sent.on("error", () => {}).end();
    await expect.poll(() => signals.length).toBe(1);
    expect(signals[0]?.aborted).toBe(false);
    sent.destroy();
    await expect.poll(() => signals[0]?.aborted).toBe(true);
    expect(logged).toEqual([]);
  });

  it("takes no more of a body than the handler asks for", async () => {
    const size = 64 * 1024 * 1024;
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { port, sockets } = await listen(async (request) => {
      let length = 0;
      for await (const piece of request.body ?? []) {
        length += piece.length;
        await gate;
      }
      return Response.json(length);
    });
    const sent = clientRequest({ port, host: "127.0.0.1", method: "POST" });
    sent.end(Buffer.alloc(size));
    await expect.poll(() => sockets.length).toBe(1);
    expect(await atRest(() => sockets[0]?.bytesRead ?? 0)).toBeLessThan(size / 2);
    open();
    expect(await text(await answerTo(sent))).toBe(`${size}`);
  });

  it("writes no more of an answer than the client takes", async () => {
    const piece = new Uint8Array(64 * 1024);
    const all = 2_048;
    let pulled = 0;
    let isCancelled = false;
    const { port } = await listen(
      async () =>
        new Response(
          new ReadableStream(
            {
              pull(controller) {
                if (pulled++ < all) controller.enqueue(piece);
                else controller.close();
              },
              cancel() {
                isCancelled = true;
              },
            },
            { highWaterMark: 0 },
          ),
        ),
    );
    const sent = clientRequest({ port, host: "127.0.0.1" }).end();
    const answer = await answerTo(sent);
    expect(await atRest(() => pulled)).toBeLessThan(all);
    answer.on("error", () => {});
    sent.destroy();
    await expect.poll(() => isCancelled).toBe(true);
  });

  it("answers who sends too much, and who may not send at all, while he sends", async () => {
    const api = orderApi({
      maxBodyBytes: 1024,
      authorize: (request) => ({ actor: request.headers.get("x-user") ?? "" }),
    });
    const { port } = await listen(api.handle);
    const send = async (headers: Record<string, string>): Promise<number | undefined> => {
      const path = "/example.app.order.v1.OrderService/Create";
      const sent = clientRequest({
        port,
        host: "127.0.0.1",
        path,
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
      });
      sent.end(Buffer.alloc(4 * 1024 * 1024, " "));
      const answer = await answerTo(sent);
      await buffer(answer);
      return answer.statusCode;
    };
    expect(await send({ "x-user": "ann" })).toBe(413);
    expect(await send({ "x-user": "ann", "content-length": `${4 * 1024 * 1024}` })).toBe(413);
    expect(await send({})).toBe(401);
  });

  it("tells nobody but the logger what a handler throws, and that a body was read before", async () => {
    const logged: string[] = [];
    const failing = nodeListener(
      async () => {
        throw new Error("secret");
      },
      { logger: { warn: (message) => logged.push(message) } },
    );
    const port = await listening((incoming, outgoing) => {
      if (incoming.url !== "/read") return failing(incoming, outgoing);
      void buffer(incoming).then(() => failing(incoming, outgoing));
    });
    for (const path of ["/", "/read"]) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body: "{}" });
      expect([answer.status, await answer.text()]).toEqual([500, ""]);
    }
    expect(logged).toEqual(["POST / failed", "POST /read failed"]);
  });

  it("cuts an answer off whose body breaks, and says so", async () => {
    const { origin, logged } = await listen(
      async () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("half")),
            pull: () => Promise.reject(new Error("the other half is lost")),
          }),
        ),
    );
    await expect(fetch(origin).then((answer) => answer.text())).rejects.toThrow();
    expect(logged).toMatchObject([["GET / failed", { message: "the other half is lost" }]]);
  });

  it.each([
    ["//evil.example/a", "GET", /^http:\/\/127\.0\.0\.1:\d+\/\/evil\.example\/a$/],
    ["/a?b=c#d", "GET", /^http:\/\/127\.0\.0\.1:\d+\/a\?b=c#d$/],
    ["*", "OPTIONS", undefined],
    ["/", "TRACE", undefined],
  ])("takes %s of %s for what it is", async (path, method, expected) => {
    const { port } = await listen(async ({ url }) => new Response(url));
    const answer = await answerTo(clientRequest({ port, host: "127.0.0.1", path, method }).end());
    const body = await text(answer);
    if (expected === undefined) expect(answer.statusCode).toBe(400);
    else expect(body).toMatch(expected);
  });

  it("takes requests of HTTP/2, and aborts the signal of one that is given up", async () => {
    const signals: AbortSignal[] = [];
    const server = createHttp2Server(
      nodeListener(async ({ url, headers, signal }) => {
        if (!url.endsWith("/wait")) return new Response(`${url} ${headers.get("x-a")}`);
        signals.push(signal);
        await once(signal, "abort");
        throw signal.reason;
      }),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => {
      client.destroy();
      server.close();
    });
    const answer = client.request({ ":path": "/a?b", ":authority": "shop.example", "x-a": "1" });
    expect(await text(answer)).toBe("http://shop.example/a?b 1");
    const waiting = client.request({ ":path": "/wait" });
    await expect.poll(() => signals.length).toBe(1);
    waiting.close();
    await expect.poll(() => signals[0]?.aborted).toBe(true);
  });

  it("takes the origin that it is given, behind a proxy", async () => {
    const port = await listening(
      nodeListener(async ({ url }) => new Response(url), { origin: "https://shop.example" }),
    );
    expect(await (await fetch(`http://127.0.0.1:${port}/a?b`)).text()).toBe("https://shop.example/a?b");
  });
});
