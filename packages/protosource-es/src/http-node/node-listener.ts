/** From Node's requests to those of the web platform, and back. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Logger, steadyLogger } from "../logger.js";
import { asGrpcWeb, sendGrpc } from "./grpc.js";
import { incomingBody } from "./incoming-body.js";

/** What a listener is told beside its handler. */
export interface NodeListenerOptions {
  /**
   * What the addresses of requests begin with, such as `https://shop.example`. By default what the connection and its
   * `Host` say: give it behind a proxy that ends TLS, so that pages of the same origin are known.
   */
  readonly origin?: string | undefined;
  /** Takes what a handler throws. The console by default. */
  readonly logger?: Logger | undefined;
}

/** A request as a server of HTTP/1.1 or HTTP/2 has it. */
export type Incoming = IncomingMessage | Http2ServerRequest;

/** An answer as a server of HTTP/1.1 or HTTP/2 takes it. */
export type Outgoing = ServerResponse | Http2ServerResponse;

/**
 * What `http.createServer` and `http2.createServer` call, and a middleware of Express as well: it answers every request
 * that it gets.
 */
export type NodeListener = (incoming: Incoming, outgoing: Outgoing) => void;

/**
 * Makes the listener that answers with what a handler of requests answers: for `http.createServer`, `http2.createServer`,
 * Express, NestJS, and Fastify once its reply is hijacked. On HTTP/2 it speaks gRPC for a handler that speaks gRPC-Web.
 *
 * Bodies are read as the handler asks for them, and answers written as the client takes them. The signal of the request
 * is aborted when the client is gone. Mount it ahead of what reads bodies, such as `express.json()`: a body that was read
 * before is answered with status 500, and so is what a handler throws; the logger is told.
 */
export function nodeListener(
  handle: (request: Request) => Promise<Response>,
  options: NodeListenerOptions = {},
): NodeListener {
  const { origin } = options;
  const logger = steadyLogger(options.logger ?? console);
  return (incoming, outgoing) => {
    const client = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableEnded) client.abort();
    });
    answer(handle, incoming, outgoing, { origin, signal: client.signal }).catch((error: unknown) => {
      if (client.signal.aborted) return;
      logger.warn(`${incoming.method} ${incoming.url} failed`, { error });
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(500).end();
    });
  };
}

interface Asked {
  readonly origin: string | undefined;
  readonly signal: AbortSignal;
}

async function answer(
  handle: (request: Request) => Promise<Response>,
  incoming: Incoming,
  outgoing: Outgoing,
  asked: Asked,
): Promise<void> {
  const body = incomingBody(incoming);
  const contentType = incoming.headers["content-type"];
  const web = incoming.httpVersionMajor < 2 ? undefined : asGrpcWeb(contentType);
  try {
    const request = requestOf(incoming, body.stream, asked);
    if (web !== undefined) request?.headers.set("content-type", web);
    const given = request === undefined ? new Response(null, { status: 400 }) : await handle(request);
    await (web === undefined ? send(given, outgoing) : sendGrpc(given, contentType ?? "", outgoing));
  } finally {
    body.leave();
  }
}

/** Gives the request that came; undefined for one that the web platform has no form for, such as of a broken address. */
function requestOf(
  incoming: Incoming,
  stream: ReadableStream<Uint8Array>,
  { origin, signal }: Asked,
): Request | undefined {
  const { method = "GET" } = incoming;
  const body = method === "GET" || method === "HEAD" ? null : stream;
  try {
    const init = { method, headers: headersOf(incoming), body, signal, duplex: "half" } as const;
    return new Request(addressOf(incoming, origin), init);
  } catch {
    return undefined;
  }
}

/** A path is never taken for an address, not even one that begins with two slashes. */
function addressOf({ url = "/", headers, socket }: Incoming, origin: string | undefined): string {
  const host = headers.host ?? headers[":authority"] ?? "localhost";
  const ownOrigin = `${"encrypted" in socket ? "https" : "http"}://${String(host)}`;
  return url.startsWith("/") ? `${origin ?? ownOrigin}${url}` : url;
}

/** What HTTP/2 has instead of a first line begins with a colon. */
function headersOf({ rawHeaders }: Incoming): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (!name.startsWith(":")) headers.append(name, rawHeaders[i + 1] ?? "");
  }
  return headers;
}

async function send({ status, headers, body }: Response, outgoing: Outgoing): Promise<void> {
  for (const [name, value] of headers) {
    outgoing.setHeader(name, name === "set-cookie" ? headers.getSetCookie() : value);
  }
  outgoing.writeHead(status);
  if (body === null) outgoing.end();
  else await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), outgoing);
}
