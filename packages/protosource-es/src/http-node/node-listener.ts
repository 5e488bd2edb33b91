/** From Node's requests to those of the web platform, and back. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Logger, steadyLogger } from "../logger.js";
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

/** What `http.createServer` calls, and a middleware of Express as well: it answers every request that it gets. */
export type NodeListener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/**
 * Makes the listener that answers with what a handler of requests answers: for `http.createServer`, Express, NestJS, and
 * Fastify once its reply is hijacked.
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
      if (!outgoing.writableFinished) client.abort();
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
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  asked: Asked,
): Promise<void> {
  const body = incomingBody(incoming);
  try {
    const request = requestOf(incoming, body.stream, asked);
    await send(request === undefined ? new Response(null, { status: 400 }) : await handle(request), outgoing);
  } finally {
    body.leave();
  }
}

/** Gives the request that came; undefined for one that the web platform has no form for, such as of a broken address. */
function requestOf(
  incoming: IncomingMessage,
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
function addressOf({ url = "/", headers, socket }: IncomingMessage, origin: string | undefined): string {
  const ownOrigin = `${"encrypted" in socket ? "https" : "http"}://${headers.host ?? "localhost"}`;
  return url.startsWith("/") ? `${origin ?? ownOrigin}${url}` : url;
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  return headers;
}

async function send({ status, headers, body }: Response, outgoing: ServerResponse): Promise<void> {
  for (const [name, value] of headers) {
    outgoing.setHeader(name, name === "set-cookie" ? headers.getSetCookie() : value);
  }
  outgoing.writeHead(status);
  if (body === null) outgoing.end();
  else await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), outgoing);
}
