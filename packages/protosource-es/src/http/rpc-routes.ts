/** The rpcs of services, by the protocols that have the same paths for them. */
import { type DescMessage, type Message, toBinary, toJsonString } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { CommandMessage } from "../aggregate/behaviour.js";
import { fileRegistry } from "../serializer/file-registry.js";
import { withEither } from "../signals.js";
import type { Call } from "./calls.js";
import { connectProtocol } from "./connect-protocol.js";
import type { Exchange } from "./exchange.js";
import { grpcWebProtocol } from "./grpc-web-protocol.js";
import { unreadable } from "./problem.js";
import { readBody, tooLong } from "./read-body.js";
import { readMessage, unreadableMessage } from "./read-message.js";
import { Refusal } from "./refusal.js";
import type { BodyLimit, FindRoute, Route } from "./routes.js";
import type { Encoding, RpcProtocol } from "./rpc-protocol.js";
import type { ServedService } from "./serve.js";

const PROTOCOLS: readonly RpcProtocol[] = [connectProtocol, grpcWebProtocol];

/** The longest time that a timer takes, in milliseconds: 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Finds rpcs by their paths: `/example.app.order.v1.OrderService/Place`. */
export function rpcRoutes(services: readonly ServedService[], { maxBodyBytes }: BodyLimit): FindRoute {
  const calls = services.flatMap((service) => service.calls);
  const routes = new Map(
    calls.map((call) => [`/${call.method.parent.typeName}/${call.method.name}`, routeOf(call, maxBodyBytes)]),
  );
  return (path) => routes.get(path);
}

/** What a request says beside its message: in its headers, or in the address of a GET. */
interface RpcRequest {
  readonly request: Request;
  /** What is in the address of a GET. */
  readonly params: URLSearchParams | undefined;
  readonly protocol: RpcProtocol;
  readonly encoding: Encoding;
}

function routeOf(call: Call, maxBytes: number): Route {
  const isSafe = call.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  return {
    methods: isSafe ? ["POST", "GET"] : ["POST"],
    takes: (contentType) => protocolOf(contentType, PROTOCOLS) !== undefined,
    async answer(exchange) {
      const { request, headers } = exchange;
      const params = request.method === "GET" ? new URL(request.url).searchParams : undefined;
      const contentType = params
        ? `application/${params.get("encoding") ?? ""}`
        : (request.headers.get("content-type") ?? "");
      // A read by GET is Connect's.
      const spoken = protocolOf(contentType, params ? [connectProtocol] : PROTOCOLS);
      if (spoken === undefined) return unreadable(contentType, headers);
      const { protocol, encoding } = spoken;
      const answer = await carryOut(exchange, call, { request, params, ...spoken }, maxBytes).then(
        (message) => protocol.answer(encoding, message),
        (error: unknown) => protocol.refuse(encoding, exchange.refuse(error, call)),
      );
      headers.set("content-type", answer.contentType);
      headers.set("content-length", String(answer.body.length));
      return new Response(answer.body, { status: answer.status, headers });
    },
  };
}

function protocolOf(
  contentType: string,
  among: readonly RpcProtocol[],
): Pick<RpcRequest, "protocol" | "encoding"> | undefined {
  for (const protocol of among) {
    const encoding = protocol.encodingOf(contentType);
    if (encoding !== undefined) return { protocol, encoding };
  }
  return undefined;
}

/** Makes the call, and gives its answer as it is sent. Reads no body before it is known who calls. */
async function carryOut(
  exchange: Exchange,
  call: Call,
  asked: RpcRequest,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  await exchange.admit(call);
  checkVersion(asked);
  checkCompression(asked);
  return withinTimeout(exchange.signal, timeoutOf(asked), async (signal) => {
    const message = await messageOf(call, asked, { maxBytes, signal });
    if (call.kind === "apply" && (message as CommandMessage).actor !== "") {
      throw new Refusal("invalid_argument", "a command's actor is who calls: leave it out", { reason: "actor_given" });
    }
    const { message: answer } = await exchange.perform(call, message, signal);
    return written(call, asked, answer);
  });
}

/** A version of Connect that nobody knows may mean something else. Many clients say none. */
function checkVersion({ request, params }: RpcRequest): void {
  const version = params
    ? (params.get("connect") ?? "v1").replace(/^v/, "")
    : (request.headers.get("connect-protocol-version") ?? "1");
  if (version !== "1") throw new Refusal("invalid_argument", `version ${version} of Connect isn't known here: use 1`);
}

function checkCompression({ request, params, protocol }: RpcRequest): void {
  const compression = params ? params.get("compression") : request.headers.get(protocol.compressionHeader);
  if (compression === null || compression === "identity") return;
  throw new Refusal("unimplemented", `a message in ${compression} can't be read here: send it as it is`);
}

/** The milliseconds that the caller waits; undefined for as long as it takes. */
function timeoutOf({ request, protocol }: RpcRequest): number | undefined {
  const text = request.headers.get(protocol.timeoutHeader);
  if (text === null) return undefined;
  const timeout = protocol.timeoutOf(text);
  if (timeout !== undefined) return timeout;
  throw new Refusal("invalid_argument", `${protocol.timeoutHeader} is no time: leave it out, or give one`);
}

async function withinTimeout<T>(
  signal: AbortSignal,
  timeout: number | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeout === undefined) return run(signal);
  const time = new AbortController();
  if (timeout === 0) time.abort();
  const timer = setTimeout(() => time.abort(), Math.min(timeout, LONGEST_TIMER));
  return withEither(signal, time.signal, run).finally(() => clearTimeout(timer));
}

async function messageOf(
  { method: { input } }: Call,
  { request, params, protocol, encoding }: RpcRequest,
  limits: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Message> {
  const bytes = params
    ? messageInAddress(params, input, limits.maxBytes)
    : protocol.messageIn(await readBody(request, limits));
  return readMessage(input, encoding, bytes);
}

function messageInAddress(params: URLSearchParams, input: DescMessage, maxBytes: number): Uint8Array {
  const text = params.get("message") ?? "";
  const bytes = params.get("base64") === "1" ? fromBase64(text, input) : new TextEncoder().encode(text);
  if (bytes.length > maxBytes) throw tooLong(maxBytes);
  return bytes;
}

function fromBase64(text: string, input: DescMessage): Uint8Array {
  try {
    return base64Decode(text);
  } catch (cause) {
    throw unreadableMessage(input, cause);
  }
}

function written(
  { method: { output, parent } }: Call,
  { encoding }: RpcRequest,
  message: Message,
): Uint8Array<ArrayBuffer> {
  const bytes =
    encoding === "proto"
      ? toBinary(output, message)
      : new TextEncoder().encode(toJsonString(output, message, { registry: fileRegistry(parent.file) }));
  return bytes as Uint8Array<ArrayBuffer>;
}
