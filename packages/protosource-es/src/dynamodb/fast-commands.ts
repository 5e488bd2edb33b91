/**
 * The SDK's commands without the work that a store doesn't need: for a page of events the SDK spends four fifths of its
 * time on a copy of the answer for a logger that is off and on a walk through a schema that is known, and for a small
 * request a fifth on putting the same middleware together again.
 *
 * The requests still go through `client.send` and all middleware of the client, so that credentials, retries, endpoints,
 * errors, mocks and tracing stay the SDK's. Only middleware that looks into the items of an output sees a difference:
 * binary values are still the base64 text that was sent. And as with the SDK's own `cacheMiddleware`, a middleware is
 * given its context once for many requests. A client's own commands and cached handlers aren't touched.
 */
import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { parseAnswer } from "./answer-body.js";

/**
 * Makes a command fast: its output has items as they were sent. It stays an instance of its class, which is what mocks
 * and tracers know it by.
 *
 * The signal travels with the command and not with the options of `send`, since with options a client drops the
 * handlers that it has cached for its owner.
 */
export function fastCommand<C extends object>(command: C, client: object, abortSignal: AbortSignal): C {
  const plain = command as unknown as Command;
  const { resolveMiddleware, constructor: commandClass } = plain;
  const { config } = client as { readonly config?: { readonly cacheMiddleware?: boolean } };
  return Object.assign(command, {
    abortSignal,
    resolveMiddleware: (...[stack, config, options]: Parameters<Command["resolveMiddleware"]>) =>
      resolveFast(commandClass, plain.middlewareStack, stack, config, (quiet) =>
        resolveMiddleware.call(command, stack, quiet, options),
      ),
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
  readonly requestHandler: {
    handle(request: object, options?: object): Promise<{ readonly response: HttpResponse }>;
  };
  streamCollector(body: unknown): Promise<Uint8Array>;
}
interface HttpResponse {
  readonly statusCode: number;
  body: unknown;
}
interface Args {
  readonly input: object;
  readonly request: { body?: unknown };
  readonly abortSignal?: AbortSignal;
}
interface Result {
  readonly response: HttpResponse;
  readonly output: { readonly $metadata: unknown };
}
type Next = (args: Args) => Promise<Result>;
interface CommandStack {
  add(middleware: (next: Next) => Next, options: object): void;
  addRelativeTo(middleware: (next: Next) => Next, options: object): void;
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

  own.addRelativeTo(hideInput, {
    relation: "after",
    toMiddleware: "endpointV2Middleware",
    name: "protosourceHideInput",
  });
  own.addRelativeTo(writeBody, {
    relation: "after",
    toMiddleware: "serializerMiddleware",
    name: "protosourceWriteBody",
  });
  own.add(takeBody(config), { step: "deserialize", priority: "low", name: "protosourceTakeBody" });
  own.add(giveBody, { step: "deserialize", priority: "high", name: "protosourceGiveBody" });
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
const inputs = new WeakMap<object, object>();
const bodies = new WeakMap<object, object>();
const NO_BODY = new Uint8Array();

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

/** Gives the SDK's serializer nothing to walk through. */
function hideInput(next: Next): Next {
  return (args) => {
    const input = {};
    inputs.set(input, args.input);
    return next({ ...args, input });
  };
}

/** Writes the body of a request without a walk through its schema: the input is JSON already, but for its bytes. */
function writeBody(next: Next): Next {
  return (args) => {
    const input = inputs.get(args.input);
    if (!input) return next(args);
    args.request.body = JSON.stringify(toWire(input));
    return next({ ...args, input });
  };
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

/** Reads the body of a successful answer before the SDK's deserializer does, and leaves that one nothing to do. */
function takeBody(config: ClientConfig): (next: Next) => Next {
  return (next) => async (args) => {
    if (args.abortSignal) signals.set(args.request, args.abortSignal);
    const result = await next(args);
    const { response } = result;
    if (response.statusCode !== 200 || !response.body) return result;
    const chunks = await collect(response, config).catch((error: unknown) => {
      // As the SDK does when its deserializer fails: it tells an answer that broke off from a request that never left.
      if (error instanceof Error) Object.defineProperty(error, "$response", { value: response, configurable: true });
      throw error;
    });
    try {
      const body = parseAnswer(textOf(chunks));
      if (typeof body === "object" && body !== null) {
        bodies.set(response, withoutNulls(body));
        response.body = NO_BODY;
        return result;
      }
    } catch {
      // What isn't JSON is for the SDK to complain about.
    }
    response.body = new Uint8Array(Buffer.concat(chunks));
    return result;
  };
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
  const decoder = new StringDecoder();
  return (
    chunks
      .map(({ buffer, byteOffset, byteLength }) => decoder.write(Buffer.from(buffer, byteOffset, byteLength)))
      .join("") + decoder.end()
  );
}

/** Gives the body as the output, when it was read. */
function giveBody(next: Next): Next {
  return async (args) => {
    const result = await next(args);
    const body = bodies.get(result.response);
    return body ? { ...result, output: { ...body, $metadata: result.output.$metadata } } : result;
  };
}
