/** A server between a client and an engine that does to chosen requests what networks and services do to them. */
import { createServer, request as httpRequest, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A request to the engine. */
export interface ProxiedRequest {
  /** The operation, such as `PutItem`. */
  readonly operation: string;
  /** How many requests of this operation there were before. */
  readonly before: number;
  readonly body: Record<string, unknown>;
}

/** What happens to a request. */
export type Fate =
  /** The engine carries it out and its answer arrives. */
  | "pass"
  /** The engine carries it out and the connection ends without its answer. */
  | "lose answer"
  /** The engine carries it out and the client gets a 500. */
  | "fail after"
  /** The connection ends before the engine has seen it. */
  | "reset"
  /** The engine never sees it and the client never hears anything. */
  | "hang"
  /** The engine never sees it and the client gets this answer. */
  | { readonly status: number; readonly body: object }
  /** The engine carries it out and the client gets another body. */
  | { readonly rewrite: (body: Record<string, unknown>) => object };

export interface FaultProxy {
  readonly endpoint: string;
  /** The operations that arrived, in order. */
  readonly requests: readonly ProxiedRequest[];
  /** Decides the fate of the requests from now on. They pass by default. */
  decide(fateOf: (request: ProxiedRequest) => Fate): void;
  close(): Promise<void>;
}

/** Starts a proxy before an engine, on a free port of the loopback interface. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const requests: ProxiedRequest[] = [];
  let fateOf: (request: ProxiedRequest) => Fate = () => "pass";

  const server = createServer((incoming, response) => {
    void text(incoming).then(async (sent) => {
      const operation = String(incoming.headers["x-amz-target"]).split(".")[1] ?? "";
      const before = requests.filter((request) => request.operation === operation).length;
      const proxied = { operation, before, body: JSON.parse(sent) as Record<string, unknown> };
      requests.push(proxied);
      const fate = fateOf(proxied);
      if (fate === "hang") return;
      if (fate === "reset") {
        incoming.socket.destroy();
        return;
      }
      if (typeof fate === "object" && "status" in fate) {
        answer(response, fate.status, JSON.stringify(fate.body));
        return;
      }
      const { status, body } = await forward(target, incoming.headers, sent);
      if (fate === "lose answer") incoming.socket.destroy();
      else if (fate === "fail after") answer(response, 500, JSON.stringify({ __type: "InternalServerError" }));
      else if (fate === "pass") answer(response, status, body);
      else answer(response, status, JSON.stringify(fate.rewrite(JSON.parse(body))));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    decide(next) {
      fateOf = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
  response.end(body);
}

function forward(
  target: string,
  headers: IncomingHttpHeaders,
  body: string,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const forwarded = httpRequest(target, { method: "POST", headers }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    forwarded.on("error", reject);
    forwarded.end(body);
  });
}
