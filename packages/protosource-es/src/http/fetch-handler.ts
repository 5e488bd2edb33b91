/** The handler: one function from a request to its answer, for every host that has them. */
import { type Logger, steadyLogger } from "../logger.js";
import { whenAborted } from "../signals.js";
import { addCors, type CorsOptions, isAllowed, preflight } from "./cors.js";
import { type AuthorizedCall, Exchange, type ExchangeRules, type FailedCall, type Grant } from "./exchange.js";
import { hasTag } from "./headers.js";
import { pageTokens } from "./page-tokens.js";
import { problem, unreadable } from "./problem.js";
import { Refusal } from "./refusal.js";
import type { FindRoute, MakeRoutes } from "./routes.js";
import { rpcRoutes } from "./rpc-routes.js";
import type { ServedService } from "./serve.js";

/** What a handler serves, and for whom. */
export interface FetchHandlerOptions {
  readonly services: readonly ServedService[];
  /** More protocols over the services, such as `familyRoutes`. None by default. */
  readonly routes?: readonly MakeRoutes[] | undefined;
  /**
   * Tells who calls, before anything of the body is read or anything is looked up, or throws a {@link Refusal}. Nobody's
   * call, undefined, is `unauthenticated`. It reads the headers of the request, and leaves the body alone.
   */
  authorize(request: Request, call: AuthorizedCall): Grant | undefined | Promise<Grant | undefined>;
  /**
   * Gives what a caller is told of an error that isn't meant for callers: one of a rule's own, or of a store. Without it,
   * and for undefined, that is `internal error`, and the logger gets the error.
   */
  readonly onError?: ((error: unknown, call: FailedCall) => Refusal | undefined) | undefined;
  /** What comes before each path, such as `/api`. Nothing by default. */
  readonly prefix?: string | undefined;
  /** Which pages of other origins may call. None by default: browsers keep them from it. */
  readonly cors?: CorsOptions | undefined;
  /** The bytes that a body may have; 1 MiB by default. */
  readonly maxBodyBytes?: number | undefined;
  /** The milliseconds that a request may take, its body included; 30 seconds by default. */
  readonly timeoutMs?: number | undefined;
  /** The `Cache-Control` of a read. By default `private, no-cache`: kept by the caller alone, who asks each time. */
  readonly cacheControl?: ((call: AuthorizedCall) => string) | undefined;
  /**
   * Seals the tokens of pages, so that each opens only for the caller and the rpc that it was made for, and shows nobody
   * the keys in it: any text that is hard to guess, and the same for all processes that answer. Without it a token is the
   * store's cursor, which shows the keys of the row where the page ended.
   */
  readonly pageTokenSecret?: string | undefined;
  /** Takes errors that callers aren't told of, with the id of the request. The console by default. */
  readonly logger?: Logger | undefined;
}

const MEBIBYTE = 1024 * 1024;
const HALF_A_MINUTE = 30_000;

/** An id that a caller may give to his request. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/**
 * Makes the function that answers requests for services: by Connect, with JSON or binary messages, where reads may also
 * be GET requests; and by gRPC-Web. It needs nothing but what the web platform has, and never throws.
 *
 * What is no call of a service is answered as a problem of RFC 9457. A request costs what its call costs on the store.
 */
export function fetchHandler(options: FetchHandlerOptions): (request: Request) => Promise<Response> {
  const { services, prefix = "", cors, maxBodyBytes = MEBIBYTE, timeoutMs = HALF_A_MINUTE } = options;
  const rules: ExchangeRules = {
    authorize: options.authorize,
    onError: options.onError,
    cacheControl: options.cacheControl ?? (() => "private, no-cache"),
    logger: steadyLogger(options.logger ?? console),
    pageTokens: options.pageTokenSecret === undefined ? undefined : pageTokens(options.pageTokenSecret),
  };
  const finders = [rpcRoutes, ...(options.routes ?? [])].map((make) => make(services, { maxBodyBytes }));
  const find: FindRoute = (path) => {
    for (const one of finders) {
      const route = one(path);
      if (route !== undefined) return route;
    }
    return undefined;
  };
  return async (request) => {
    const given = request.headers.get("x-request-id");
    const requestId = given !== null && REQUEST_ID.test(given) ? given : crypto.randomUUID();
    const timer = new AbortController();
    const end = (): void => timer.abort();
    const timeout = setTimeout(end, timeoutMs);
    const forget = whenAborted(request.signal, end);
    try {
      const exchange = new Exchange(request, requestId, timer.signal, rules);
      if (cors !== undefined && request.method === "OPTIONS" && isAllowed(cors, request)) {
        return preflight(cors, request, exchange.headers);
      }
      const answer = await answerOf(exchange, prefix, cors, find);
      if (cors !== undefined && isAllowed(cors, request)) addCors(cors, request, answer.headers);
      return answer;
    } finally {
      clearTimeout(timeout);
      forget();
    }
  };
}

async function answerOf(
  exchange: Exchange,
  prefix: string,
  cors: CorsOptions | undefined,
  find: FindRoute,
): Promise<Response> {
  const { request, headers } = exchange;
  if (cors !== undefined && !isAllowed(cors, request)) {
    return problem(new Refusal("permission_denied", "pages of this origin may not call"), headers);
  }
  const { pathname } = new URL(request.url);
  const route = pathname.startsWith(prefix) ? find(pathname.slice(prefix.length)) : undefined;
  if (route === undefined) return problem(new Refusal("not_found", `there is nothing at ${pathname}`), headers);
  if (!route.methods.includes(request.method)) {
    headers.set("allow", route.methods.join(", "));
    return problem(new Refusal("unimplemented", `${request.method} isn't possible here`, { status: 405 }), headers);
  }
  const contentType = request.headers.get("content-type") ?? "";
  if (request.method === "POST" && !route.takes(contentType)) return unreadable(contentType, headers);
  const answer = await route.answer(exchange);
  const isKnown = hasTag(request.headers.get("if-none-match"), answer.headers.get("etag"));
  if (request.method !== "GET" || answer.status !== 200 || !isKnown) return answer;
  return new Response(null, { status: 304, headers: withoutBody(answer.headers) });
}

/** The headers of an answer whose body is left out, since the caller has it. */
function withoutBody(headers: Headers): Headers {
  const left = new Headers(headers);
  for (const name of ["content-type", "content-length", "content-encoding"]) left.delete(name);
  return left;
}
