import { createServer, request as httpRequest, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { type Body, hiddenItems } from "./hidden-items.js";

/** A request to the engine. */
export interface ProxiedRequest {
  /** The operation, such as `PutItem`. */
  readonly operation: string;
  /** How many requests of this operation there were before. */
  readonly before: number;
  readonly body: Body;
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
  /**
   * A read that needn't be consistent gets the answer that the same read got before, when there was one. Others pass.
   */
  | "stale"
  /** The engine sees it after a while, whether the client still waits or not. */
  | { readonly delayMs: number }
  /** The engine never sees it and the client gets this answer. */
  | { readonly status: number; readonly body: object }
  /** The engine carries it out and the client gets another body. */
  | { readonly rewrite: (body: Record<string, unknown>) => object }
  /** A Query or a Scan gets a page of so many items at most. With 0, a later page is empty and says that more follow. */
  | { readonly pageItems: number }
  /**
   * A transaction is carried out at once and answered after a while. Until then no Query sees those of its events for
   * which `hides` is true, by their index among them.
   */
  | { readonly tornMs: number; readonly hides: (index: number) => boolean };

export interface FaultProxyOptions {
  /** Whether `requests` is kept. A run of hours does without. True by default. */
  readonly keepRequests?: boolean | undefined;
}

/** A running proxy. */
export interface FaultProxy {
  /** The address to give to a client, such as `http://127.0.0.1:40123`. */
  readonly endpoint: string;
  /** The requests that arrived, in order. */
  readonly requests: readonly ProxiedRequest[];
  /** Decides the fate of the requests from now on. They pass by default. */
  decide(fateOf: (request: ProxiedRequest) => Fate): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Starts a proxy before an engine, on a free port of the loopback interface. */
export async function startFaultProxy(target: string, options: FaultProxyOptions = {}): Promise<FaultProxy> {
  const requests: ProxiedRequest[] = [];
  const counts = new Map<string, number>();
  const answers = new Map<string, string>();
  const hidden = hiddenItems();
  let fateOf: (request: ProxiedRequest) => Fate = () => "pass";

  const server = createServer((incoming, response) => {
    const carryOut = async (operation: string, body: Body, sent: string): Promise<Answer> => {
      const forwarded = (): Promise<Answer> => forward(target, incoming.headers, sent);
      const answer = await (operation === "Query" ? hidden.read(body, forwarded) : hidden.other(body, forwarded));
      if (isEventual(operation, body) && answer.status === 200) answers.set(readOf(operation, sent), answer.body);
      return answer;
    };
    const suffer = async (): Promise<void> => {
      const sent = await text(incoming);
      const operation = String(incoming.headers["x-amz-target"]).split(".")[1] ?? "";
      const before = counts.get(operation) ?? 0;
      counts.set(operation, before + 1);
      const body = JSON.parse(sent) as Body;
      const request = { operation, before, body };
      if (options.keepRequests ?? true) requests.push(request);
      const fate = fateOf(request);
      if (fate === "hang") return;
      if (fate === "reset") {
        incoming.socket.destroy();
        return;
      }
      if (fate === "stale") {
        const earlier = isEventual(operation, body) ? answers.get(readOf(operation, sent)) : undefined;
        reply(response, earlier === undefined ? await carryOut(operation, body, sent) : { status: 200, body: earlier });
        return;
      }
      if (typeof fate === "object" && "status" in fate) {
        reply(response, { status: fate.status, body: JSON.stringify(fate.body) });
        return;
      }
      if (typeof fate === "object" && "pageItems" in fate) {
        reply(response, await shortPage(body, fate.pageItems, (page) => carryOut(operation, body, page)));
        return;
      }
      if (typeof fate === "object" && "tornMs" in fate) {
        const { answer, done } = await hidden.write(body, fate.hides, () => forward(target, incoming.headers, sent));
        await sleep(fate.tornMs);
        done();
        reply(response, answer);
        return;
      }
      if (typeof fate === "object" && "delayMs" in fate) await sleep(fate.delayMs);
      const answer = await carryOut(operation, body, sent);
      if (fate === "lose answer") incoming.socket.destroy();
      else if (fate === "fail after") reply(response, INTERNAL_ERROR);
      else if (typeof fate === "object" && "rewrite" in fate) {
        reply(response, { ...answer, body: JSON.stringify(fate.rewrite(JSON.parse(answer.body))) });
      } else reply(response, answer);
    };
    // What the engine doesn't answer, the proxy doesn't either.
    suffer().catch(() => incoming.socket.destroy());
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

const INTERNAL_ERROR: Answer = {
  status: 500,
  body: JSON.stringify({ __type: "com.amazonaws.dynamodb.v20120810#InternalServerError", message: "injected" }),
};

function isEventual(operation: string, body: Body): boolean {
  return ["Query", "Scan", "GetItem"].includes(operation) && body["ConsistentRead"] !== true;
}

function readOf(operation: string, sent: string): string {
  return `${operation} ${sent}`;
}

/** Reads a page of so many items. An empty page must say where to go on, which only a page behind another can. */
function shortPage(body: Body, items: number, carryOut: (sent: string) => Promise<Answer>): Promise<Answer> {
  const startKey = body["ExclusiveStartKey"];
  if (items === 0 && startKey !== undefined) {
    const empty = { Items: [], Count: 0, ScannedCount: 0, LastEvaluatedKey: startKey };
    return Promise.resolve({ status: 200, body: JSON.stringify(empty) });
  }
  const limit = Math.min(Math.max(items, 1), Number(body["Limit"] ?? Number.POSITIVE_INFINITY));
  return carryOut(JSON.stringify({ ...body, Limit: limit }));
}

function reply(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
  response.end(body);
}

function forward(target: string, headers: IncomingHttpHeaders, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = { "content-length": String(Buffer.byteLength(body)) };
    const forwarded = httpRequest(target, { method: "POST", headers: { ...headers, ...length } }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    forwarded.on("error", reject);
    forwarded.end(body);
  });
}
