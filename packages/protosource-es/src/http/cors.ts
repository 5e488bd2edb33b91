/** Which pages of other origins may call, and see what is answered. */

/** What pages of other origins may do. */
export interface CorsOptions {
  /** The origins whose pages may call, such as `https://shop.example`; `*` alone for any, which takes no credentials. */
  readonly origins: readonly string[] | "*";
  /** Whether cookies and other credentials of the browser count. False by default. */
  readonly credentials?: boolean | undefined;
  /** Seconds for which a browser remembers that it may; two hours by default. */
  readonly maxAge?: number | undefined;
}

const TWO_HOURS = 7200;

/** What a browser may send, beside what it always may. */
const REQUEST_HEADERS = [
  "authorization",
  "connect-protocol-version",
  "connect-timeout-ms",
  "content-type",
  "grpc-timeout",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "x-grpc-web",
  "x-request-id",
  "x-user-agent",
];

/** What a page may see of an answer, beside what it always may. */
const RESPONSE_HEADERS = [
  "etag",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
  "idempotency-replayed",
  "retry-after",
  "x-request-id",
];

/** Tells whether a page of an origin may call. What has no origin is no page of another one. */
export function isAllowed({ origins }: CorsOptions, request: Request): boolean {
  const origin = request.headers.get("origin");
  return origin === null || origins === "*" || origins.includes(origin) || origin === new URL(request.url).origin;
}

/** Adds what a browser asks for before it shows an answer to a page. */
export function addCors({ origins, credentials }: CorsOptions, request: Request, headers: Headers): void {
  const origin = request.headers.get("origin");
  if (origins !== "*") headers.append("vary", "origin");
  if (origin === null) return;
  headers.set("access-control-allow-origin", origins === "*" ? "*" : origin);
  headers.set("access-control-expose-headers", RESPONSE_HEADERS.join(", "));
  if (credentials && origins !== "*") headers.set("access-control-allow-credentials", "true");
}

/** Answers what a browser asks before the request itself. */
export function preflight(cors: CorsOptions, request: Request, headers: Headers): Response {
  addCors(cors, request, headers);
  headers.set("access-control-allow-methods", "GET, POST");
  headers.set("access-control-allow-headers", REQUEST_HEADERS.join(", "));
  headers.set("access-control-max-age", String(cors.maxAge ?? TWO_HOURS));
  return new Response(null, { status: 204, headers });
}
