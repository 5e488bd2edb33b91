/** The protocols of Connect and gRPC-Web over the dispatch table. */
import { createRegistry, type DescMethod, type Message } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type MethodImpl,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { CommandMessage } from "../aggregate/behaviour.js";
import { ErrorDetailSchema } from "../gen/protosource_es/rpc/v1/rpc_v1_pb.js";
import { fileRegistry } from "../serializer/file-registry.js";
import type { Call } from "./calls.js";
import { headersAsOfPost, readMessage } from "./connect-message.js";
import type { Exchange } from "./exchange.js";
import { unreadable } from "./problem.js";
import { concat } from "./read-body.js";
import { Refusal, type RefusalCode } from "./refusal.js";
import type { BodyLimit, FindRoute, Route } from "./routes.js";
import type { ServedService } from "./serve.js";

const CODES: { readonly [code in RefusalCode]: Code } = {
  canceled: Code.Canceled,
  unknown: Code.Unknown,
  invalid_argument: Code.InvalidArgument,
  deadline_exceeded: Code.DeadlineExceeded,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  permission_denied: Code.PermissionDenied,
  resource_exhausted: Code.ResourceExhausted,
  failed_precondition: Code.FailedPrecondition,
  aborted: Code.Aborted,
  out_of_range: Code.OutOfRange,
  unimplemented: Code.Unimplemented,
  internal: Code.Internal,
  unavailable: Code.Unavailable,
  data_loss: Code.DataLoss,
  unauthenticated: Code.Unauthenticated,
};

/** One request, with the call that it is for: the router takes it along. */
interface Incoming {
  readonly exchange: Exchange;
  readonly call: Call;
}

/** gRPC-Web in base64, which browsers needed once, is matched by the handlers, and not read. */
const IN_BASE64 = /^application\/grpc-web-text/i;

const incomingKey = createContextKey<Incoming | undefined>(undefined);

/** Finds rpcs by the paths that both protocols have: `/example.app.order.v1.OrderService/Place`. */
export function connectRoutes(services: readonly ServedService[], limit: BodyLimit): FindRoute {
  const router = createConnectRouter({
    grpc: false,
    jsonOptions: {
      registry: createRegistry(...services.map(({ service }) => fileRegistry(service.file))),
      // A field that nobody knows would be lost without a word.
      ignoreUnknownFields: false,
    },
    requestGate: ({ values, requestHeader }) => {
      const { exchange, call } = values.get(incomingKey) as Incoming;
      return asConnect(async () => {
        await exchange.admit(call);
        await exchange.refusing(call, async () => checkVersion(requestHeader));
      });
    },
  });
  const perform = (message: Message, { values, signal }: HandlerContext): Promise<Message> => {
    const { exchange, call } = values.get(incomingKey) as Incoming;
    return asConnect(async () => {
      if (call.kind === "apply" && (message as CommandMessage).actor !== "") {
        throw new Refusal("invalid_argument", "a command's actor is who calls: leave it out", {
          reason: "actor_given",
        });
      }
      return (await exchange.perform(call, message, signal)).message;
    });
  };
  const routes = new Map<string, Route>();
  for (const call of services.flatMap(({ calls }) => calls)) {
    router.rpc(call.method, perform as MethodImpl<DescMethod>);
    const handler = router.handlers.at(-1) as UniversalHandler;
    routes.set(handler.requestPath, routeOf(handler, call, limit));
  }
  return (path) => routes.get(path);
}

function routeOf(handler: UniversalHandler, call: Call, { maxBodyBytes: maxBytes }: BodyLimit): Route {
  const takes = (contentType: string): boolean =>
    handler.supportedContentType(contentType) && !IN_BASE64.test(contentType);
  return {
    methods: handler.allowedMethods,
    takes,
    async answer(exchange) {
      const { request, signal } = exchange;
      const header = headersAsOfPost(request);
      const contentType = header.get("content-type") ?? "";
      if (!takes(contentType)) return unreadable(contentType, exchange.headers);
      const read = (): Promise<Uint8Array> =>
        readMessage(request, contentType, call.method.input, { maxBytes, signal });
      const answer = await handler({
        httpVersion: "",
        method: "POST",
        url: request.url,
        header,
        body: bodyOf(() => asConnect(() => exchange.refusing(call, read))),
        signal,
        contextValues: createContextValues().set(incomingKey, { exchange, call }),
      });
      const headers = new Headers(answer.header);
      for (const [name, value] of exchange.headers) headers.set(name, value);
      const status = answer.status === 200 ? 200 : (exchange.refusal?.status ?? answer.status);
      return new Response(await wholeOf(answer.body), { status, headers });
    },
  };
}

/** A version of Connect that nobody knows may mean something else. Many clients say none. */
function checkVersion(headers: Headers): void {
  const version = headers.get("connect-protocol-version") ?? "1";
  if (version !== "1") throw new Refusal("invalid_argument", `version ${version} of Connect isn't known here: use 1`);
}

/** Reads nothing before it is asked, so that nobody's body is read who may not call. */
async function* bodyOf<T>(read: () => Promise<T>): AsyncGenerator<T, void, undefined> {
  yield await read();
}

async function wholeOf(body: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array[] = [];
  for await (const part of body ?? []) parts.push(part);
  return body === undefined ? null : concat(parts);
}

/** Gives a refusal as the error that the protocols send. */
async function asConnect<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof Refusal ? connectError(error) : error;
  }
}

function connectError({ message, code, reason, detail, cause }: Refusal): ConnectError {
  return new ConnectError(
    message,
    CODES[code],
    undefined,
    [{ desc: ErrorDetailSchema, value: { ...detail, reason } }],
    cause,
  );
}
