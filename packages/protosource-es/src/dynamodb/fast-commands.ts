/**
 * The SDK's commands without the work that a store doesn't need: for a page of events the SDK spends four fifths of its
 * time on a copy of the answer for a logger that is off and on a walk through a schema that is known, and for a small
 * request a fifth on putting the same middleware together again.
 *
 * The requests still go through `client.send` and all middleware of the client, so that credentials, retries, endpoints,
 * errors, mocks and tracing stay the SDK's. Only middleware that looks into the items of an output sees a difference:
 * binary values are still the base64 text that was sent. A client's own commands and cached handlers aren't touched.
 */
import {
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";

/** A QueryCommand whose output has its items as they were sent. */
export class FastQueryCommand extends QueryCommand {
  override resolveMiddleware(...args: Parameters<Resolve<QueryCommand>>): ReturnType<Resolve<QueryCommand>> {
    return resolveFast(this, args, (...fast) => super.resolveMiddleware(...fast));
  }
}

/** A ScanCommand whose output has its items as they were sent. */
export class FastScanCommand extends ScanCommand {
  override resolveMiddleware(...args: Parameters<Resolve<ScanCommand>>): ReturnType<Resolve<ScanCommand>> {
    return resolveFast(this, args, (...fast) => super.resolveMiddleware(...fast));
  }
}

/** A GetItemCommand whose output has its item as it was sent. */
export class FastGetItemCommand extends GetItemCommand {
  override resolveMiddleware(...args: Parameters<Resolve<GetItemCommand>>): ReturnType<Resolve<GetItemCommand>> {
    return resolveFast(this, args, (...fast) => super.resolveMiddleware(...fast));
  }
}

/** A PutItemCommand. */
export class FastPutItemCommand extends PutItemCommand {
  override resolveMiddleware(...args: Parameters<Resolve<PutItemCommand>>): ReturnType<Resolve<PutItemCommand>> {
    return resolveFast(this, args, (...fast) => super.resolveMiddleware(...fast));
  }
}

/** A TransactWriteItemsCommand. */
export class FastTransactWriteItemsCommand extends TransactWriteItemsCommand {
  override resolveMiddleware(
    ...args: Parameters<Resolve<TransactWriteItemsCommand>>
  ): ReturnType<Resolve<TransactWriteItemsCommand>> {
    return resolveFast(this, args, (...fast) => super.resolveMiddleware(...fast));
  }
}

/**
 * Gives a command the signal that ends its request. It travels with the command and not with the options of `send`,
 * since with options the client would drop the handlers that it has cached for its owner.
 */
export function withSignal<C extends object>(command: C, abortSignal: AbortSignal): C {
  return Object.assign(command, { abortSignal });
}

type Resolve<C extends { resolveMiddleware: (...args: never[]) => unknown }> = C["resolveMiddleware"];

/** The parts of the SDK that are looked at; they are the same from its first to its newest release. */
interface ClientStack {
  applyToStack(stack: { add: Look; addRelativeTo: Look; identifyOnResolve: () => boolean }): unknown;
}
type Look = (middleware: unknown) => void;
interface Protocol {
  serializeRequest(operation: unknown, input: object, context: unknown): Promise<{ body?: unknown }>;
}
interface ClientConfig {
  readonly protocol?: Protocol;
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
interface DeserializeArgs {
  readonly request: object;
  readonly abortSignal?: AbortSignal;
}
interface DeserializeResult {
  readonly response: HttpResponse;
  readonly output: { readonly $metadata: unknown };
}
type DeserializeNext = (args: DeserializeArgs) => Promise<DeserializeResult>;
interface CommandStack {
  add(middleware: (next: DeserializeNext) => DeserializeNext, options: object): void;
}

/** A handler that was put together, and what of the client it was put together from. */
interface CachedHandler {
  readonly middleware: readonly unknown[];
  readonly settings: readonly unknown[];
  readonly handler: unknown;
}

const handlers = new WeakMap<object, WeakMap<object, CachedHandler>>();

/** Puts the handler of a command together, or gives the one of the last time if the client is the same as then. */
function resolveFast<S, C, O, H>(
  command: { readonly constructor: object; readonly middlewareStack: unknown },
  [stack, config, options]: [stack: S, config: C, options: O],
  resolve: (stack: S, config: C, options: O) => H,
): H {
  const clientStack = stack as ClientStack;
  let ofClient = handlers.get(clientStack);
  if (!ofClient) {
    ofClient = new WeakMap();
    handlers.set(clientStack, ofClient);
  }
  const middleware = middlewareOf(clientStack);
  const settings = settingsOf(config as ClientConfig);
  const cached = ofClient.get(command.constructor);
  if (cached && areSame(cached.middleware, middleware) && areSame(cached.settings, settings))
    return cached.handler as H;

  const clientConfig = config as ClientConfig;
  const own = command.middlewareStack as CommandStack;
  own.add(takeBody(clientConfig), { step: "deserialize", priority: "low", name: "protosourceTakeBody" });
  own.add(giveBody, { step: "deserialize", priority: "high", name: "protosourceGiveBody" });
  const handler = resolve(stack, quiet(clientConfig) as C, options);
  ofClient.set(command.constructor, { middleware, settings, handler });
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
const bodies = new WeakMap<object, object>();
const NO_BODY = new Uint8Array();

/** Gives a client's configuration with a logger for which nothing is prepared, unless the client has a real one. */
function quiet(config: ClientConfig): ClientConfig {
  const isOff = config.logger === undefined || config.logger.constructor?.name === "NoOpLogger";
  const { requestHandler, protocol } = config;
  return {
    ...config,
    logger: isOff ? {} : config.logger,
    requestHandler: {
      handle: (request, options) => requestHandler.handle(request, { ...options, abortSignal: signals.get(request) }),
    },
    // Releases before late 2025 have no protocol, and write their requests themselves.
    ...(protocol === undefined ? {} : { protocol: withPlainRequests(protocol) }),
  };
}

/** Writes the body of a request without a walk through its schema: the input is JSON already, but for its bytes. */
function withPlainRequests(protocol: Protocol): Protocol {
  return Object.create(protocol, {
    serializeRequest: {
      value: async (operation: unknown, input: object, context: unknown) => {
        const request = await protocol.serializeRequest(operation, {}, context);
        request.body = JSON.stringify(toWire(input));
        return request;
      },
    },
  }) as Protocol;
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
function takeBody(config: ClientConfig): (next: DeserializeNext) => DeserializeNext {
  return (next) => async (args) => {
    if (args.abortSignal) signals.set(args.request, args.abortSignal);
    const result = await next(args);
    const { response } = result;
    if (response.statusCode !== 200) return result;
    const { body } = response;
    const bytes = body instanceof Uint8Array ? body : await config.streamCollector(body);
    try {
      bodies.set(
        response,
        JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as object,
      );
      response.body = NO_BODY;
    } catch {
      // What isn't JSON is for the SDK to complain about.
      response.body = bytes;
    }
    return result;
  };
}

/** Gives the body as the output, when it was read. */
function giveBody(next: DeserializeNext): DeserializeNext {
  return async (args) => {
    const result = await next(args);
    const body = bodies.get(result.response);
    return body ? { ...result, output: { ...body, $metadata: result.output.$metadata } } : result;
  };
}
