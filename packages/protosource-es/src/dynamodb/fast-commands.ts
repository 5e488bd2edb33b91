/**
 * The SDK's commands without the work that a store doesn't need: for a page of events the SDK spends four fifths of its
 * time on a copy of the answer for a logger that is off and on a walk through a schema that is known, and for a small
 * request more than a quarter on putting the same middleware together again and on copies of its configuration.
 *
 * The requests still go through `client.send` and all middleware of the client, so that credentials, retries, endpoints,
 * errors, mocks and tracing stay the SDK's. Only middleware that looks into the items of an output sees a difference:
 * binary values are still the base64 text that was sent. And as with the SDK's own `cacheMiddleware`, a middleware is
 * given its context once for many requests. A client's own commands and cached handlers aren't touched.
 */
import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { isErrorLike } from "../errors.js";
import { parseAnswer } from "./answer-body.js";
import { type Attempt, depart, type HttpHandler } from "./attempt.js";

/**
 * Makes a command fast: its output has items as they were sent. It stays an instance of its class, which is what mocks
 * and tracers know it by.
 *
 * The attempt travels with the command, and its signal not with the options of `send`, since with options a client drops
 * the handlers that it has cached for its owner.
 */
export function fastCommand<C extends object>(command: C, client: object, attempt: Attempt): C {
  const plain = command as unknown as Command;
  const { resolveMiddleware, constructor: commandClass } = plain;
  const { config } = client as { readonly config?: { readonly cacheMiddleware?: boolean } };
  return Object.assign(command, {
    attempt,
    resolveMiddleware: (...[stack, config, options]: Parameters<Command["resolveMiddleware"]>) => {
      attempt.isShown = true;
      return resolveFast(commandClass, plain.middlewareStack, stack, config, (quiet) =>
        resolveMiddleware.call(command, stack, quiet, options),
      );
    },
    // Such a client keeps one handler for each class. Its owner's must not become ours.
    ...(config?.cacheMiddleware === true ? { constructor: namesake(commandClass) } : {}),
  });
}

const namesakes = new WeakMap<CommandClass, CommandClass>();

function namesake(commandClass: CommandClass): CommandClass {
  let found = namesakes.get(commandClass);
  if (!found) {
    found = class extends commandClass {
      static override readonly name = commandClass.name;
    };
    namesakes.set(commandClass, found);
  }
  return found;
}

type CommandClass = new (...args: never[]) => object;
interface Command {
  readonly constructor: CommandClass;
  readonly middlewareStack: CommandStack;
  resolveMiddleware(stack: ClientStack, config: ClientConfig, options: unknown): unknown;
}

/** The parts of the SDK that are looked at; they are the same from its first to its newest release. */
interface ClientStack {
  applyToStack(stack: { add: Look; addRelativeTo: Look; identifyOnResolve: () => boolean }): unknown;
}
type Look = (middleware: unknown) => void;
interface ClientConfig {
  readonly credentials?: unknown;
  readonly region?: unknown;
  readonly endpoint?: unknown;
  readonly retryStrategy?: unknown;
  readonly logger?: { readonly constructor?: { readonly name?: string } } | undefined;
  readonly requestHandler: HttpHandler & {
    handle(request: object, options?: object): Promise<{ readonly response: HttpResponse }>;
  };
  streamCollector(body: unknown): Promise<Uint8Array>;
}
interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  body: unknown;
}
interface HttpRequest {
  readonly hostname: string;
  readonly port?: number;
  readonly headers: object;
  readonly query?: object;
  body?: unknown;
}
interface Args {
  readonly input: object;
  readonly request: HttpRequest;
  /** That of the command. */
  readonly attempt?: Attempt;
}
interface Result {
  readonly response: HttpResponse;
  readonly output: { readonly $metadata: unknown };
}
type Next = (args: Args) => Promise<Result>;
interface Context {
  /** To where the request goes, once that is known. */
  readonly endpointV2?: { readonly url: URL; readonly headers?: object };
}
type Middleware = (next: Next, context: Context) => Next;
interface CommandStack {
  addRelativeTo(middleware: Middleware, options: object): void;
}

/** A handler that was put together, and what of the client it was put together from. */
interface CachedHandler {
  readonly middleware: readonly unknown[];
  readonly settings: readonly unknown[];
  readonly handler: unknown;
}

const handlers = new WeakMap<object, WeakMap<object, CachedHandler>>();

/** Puts the handler of a command together, or gives the one of the last time if the client is the same as then. */
function resolveFast(
  commandClass: CommandClass,
  own: CommandStack,
  stack: ClientStack,
  config: ClientConfig,
  resolve: (config: ClientConfig) => unknown,
): unknown {
  let ofClient = handlers.get(stack);
  if (!ofClient) {
    ofClient = new WeakMap();
    handlers.set(stack, ofClient);
  }
  const middleware = middlewareOf(stack);
  const settings = settingsOf(config);
  const cached = ofClient.get(commandClass);
  if (cached && areSame(cached.middleware, middleware) && areSame(cached.settings, settings)) return cached.handler;

  const [beforeSerializer, afterSerializer] = aroundSerializer();
  const [beforeDeserializer, afterDeserializer] = aroundDeserializer(config);
  const add = (middleware: Middleware, name: string, relation: "before" | "after", toMiddleware: string): void =>
    own.addRelativeTo(middleware, { relation, toMiddleware, name: `protosource${name}` });
  // Not "before" the serializer: the SDK adds the middleware that finds the endpoint later, and would put it behind.
  add(beforeSerializer, "BeforeSerializer", "after", "endpointV2Middleware");
  add(afterSerializer, "AfterSerializer", "after", "serializerMiddleware");
  add(beforeDeserializer, "BeforeDeserializer", "before", "deserializerMiddleware");
  add(afterDeserializer, "AfterDeserializer", "after", "deserializerMiddleware");
  const handler = resolve(quiet(config));
  ofClient.set(commandClass, { middleware, settings, handler });
  return handler;
}

/** The functions in a client's stack. Its own list of names takes a hundred times as long to make. */
function middlewareOf(stack: ClientStack): readonly unknown[] {
  const found: unknown[] = [];
  const look: Look = (middleware) => found.push(middleware);
  stack.applyToStack({ add: look, addRelativeTo: look, identifyOnResolve: () => false });
  return found;
}

/** The settings that somebody may replace on a client that is in use. */
function settingsOf({ requestHandler, logger, credentials, region, endpoint, retryStrategy }: ClientConfig): unknown[] {
  return [requestHandler, logger, credentials, region, endpoint, retryStrategy];
}

function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

const signals = new WeakMap<object, AbortSignal>();

/** Gives a client's configuration with a logger for which nothing is prepared, unless the client has a real one. */
function quiet(config: ClientConfig): ClientConfig {
  const isOff = config.logger === undefined || config.logger.constructor?.name === "NoOpLogger";
  const { requestHandler } = config;
  return {
    ...config,
    logger: isOff ? {} : config.logger,
    requestHandler: {
      handle: (request, options) => requestHandler.handle(request, { ...options, abortSignal: signals.get(request) }),
    },
  };
}

/**
 * Goes around the SDK's serializer: the input is JSON already, but for its bytes, and all else of a request is the same
 * each time. The first request to an endpoint passes the serializer, with an input that is empty.
 */
function aroundSerializer(): readonly [before: Middleware, after: Middleware] {
  const written = new Map<string, HttpRequest>();
  const inputs = new WeakMap<object, object>();
  let send: Next;
  const before: Middleware = (next, context) => (args) => {
    const request = written.get(placeOf(context));
    if (request) return send({ ...args, request: withBody(request, args.input) });
    const input = {};
    inputs.set(input, args.input);
    return next({ ...args, input });
  };
  const after: Middleware = (next, context) => {
    send = next;
    return (args) => {
      const input = inputs.get(args.input);
      if (!input) return next(args);
      // Requests share the context. Meanwhile, it may have got the endpoint of another one.
      const place = placeOf(context);
      if (place !== "" && isTo(place, args.request)) written.set(place, withBody(args.request, {}));
      return next({ ...args, input, request: withBody(args.request, input) });
    };
  };
  return [before, after];
}

/** The address of the endpoint, on which alone a request depends; empty when it may depend on more. */
function placeOf({ endpointV2 }: Context): string {
  return endpointV2 && Object.keys(endpointV2.headers ?? {}).length === 0 ? endpointV2.url.href : "";
}

function isTo(place: string, { hostname, port }: HttpRequest): boolean {
  const url = new URL(place);
  return url.hostname === hostname && url.port === String(port ?? "");
}

/** Copies a request, which others will change, with another body. */
function withBody(request: HttpRequest, input: object): HttpRequest {
  const { headers, query } = request;
  const copy: HttpRequest = Object.assign(Object.create(Object.getPrototypeOf(request)), request);
  return Object.assign(copy, {
    headers: { ...headers },
    query: query && { ...query },
    body: JSON.stringify(toWire(input)),
  });
}

function toWire(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  }
  if (Array.isArray(value)) return value.map(toWire);
  const wire: Record<string, unknown> = {};
  for (const name in value) wire[name] = toWire((value as Record<string, unknown>)[name]);
  return wire;
}

/** Goes around the SDK's deserializer when an answer is a success in JSON. All others are left to it. */
function aroundDeserializer(config: ClientConfig): readonly [before: Middleware, after: Middleware] {
  const answered = new WeakMap<object, Result>();
  let send: Next;
  const before: Middleware = (next) => async (args) => {
    const { request, attempt } = args;
    if (attempt) signals.set(request, attempt.abortSignal);
    const result = await (attempt ? depart(attempt, config.requestHandler, request, () => send(args)) : send(args));
    const { response } = result;
    const body = response.statusCode === 200 && response.body ? await readBody(response, config) : undefined;
    if (body) return { ...result, output: { ...body, $metadata: metadataOf(response) } };
    answered.set(args, result);
    return next(args);
  };
  const after: Middleware = (next) => {
    send = next;
    return async (args) => answered.get(args) ?? next(args);
  };
  return [before, after];
}

/** As the SDK does it. */
function metadataOf({ statusCode, headers }: HttpResponse): object {
  return {
    httpStatusCode: statusCode,
    requestId: headers["x-amzn-requestid"] ?? headers["x-amzn-request-id"] ?? headers["x-amz-request-id"],
    extendedRequestId: headers["x-amz-id-2"],
    cfId: headers["x-amz-cf-id"],
  };
}

/** Reads the body of an answer. What isn't JSON is put back, for the SDK to complain about. */
async function readBody(response: HttpResponse, config: ClientConfig): Promise<object | undefined> {
  const chunks = await collect(response, config).catch((error: unknown) => {
    // As the SDK does when its deserializer fails: it tells an answer that broke off from a request that never left.
    if (isErrorLike(error)) Object.defineProperty(error, "$response", { value: response, configurable: true });
    throw error;
  });
  try {
    const body = parseAnswer(textOf(chunks));
    if (typeof body === "object" && body !== null) return withoutNulls(body);
  } catch {
    // The SDK complains.
  }
  response.body = new Uint8Array(Buffer.concat(chunks));
  return undefined;
}

/** Leaves out the members that some engines send as null, as the SDK does. */
function withoutNulls(body: object): object {
  return Object.values(body).includes(null)
    ? Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
    : body;
}

async function collect({ body }: HttpResponse, config: ClientConfig): Promise<readonly Uint8Array[]> {
  if (body instanceof Uint8Array) return [body];
  return body instanceof Readable ? readAll(body) : [await config.streamCollector(body)];
}

/** Reads a stream of Node's. The SDK's collector makes two copies, and memory outside of the heap is collected late. */
function readAll(stream: Readable): Promise<readonly Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    stream
      .on("data", (chunk: Uint8Array) => chunks.push(chunk))
      .on("end", () => resolve(chunks))
      .on("error", reject);
  });
}

function textOf(chunks: readonly Uint8Array[]): string {
  const buffers = chunks.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength));
  if (buffers.length === 1) return String(buffers[0]);
  const decoder = new StringDecoder();
  return buffers.map((part) => decoder.write(part)).join("") + decoder.end();
}
