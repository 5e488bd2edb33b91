/** Who may ask the studio's server, and what its answers forbid. */
import { timingSafeEqual } from "node:crypto";

/** What requests must show. */
export interface GuardOptions {
  /** The names that the server goes by, with its port, such as `127.0.0.1:4477`. */
  readonly hosts: readonly string[];
  /** The secret that the page was given. */
  readonly token: string;
}

/** What each answer says, so that a page in trouble can do no harm, and nothing of it is kept. */
export const HEADERS: { readonly [name: string]: string } = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
};

/**
 * Keeps strangers out. A request must name the server as the page does (421: another name may be one that leads here by a
 * trick), come from the page itself (403), only read (405), and for `/api/` bring the token (401), which no other program of
 * the machine knows.
 */
export function guarded(
  answer: (request: Request) => Promise<Response>,
  options: GuardOptions,
): (request: Request) => Promise<Response> {
  return async (request) => refuse(request, options) ?? answer(request);
}

function refuse({ method, headers, url }: Request, { hosts, token }: GuardOptions): Response | undefined {
  const host = headers.get("host") ?? "";
  if (!hosts.includes(host)) return refusal(421, `this server isn't ${host}: open the address that it printed`);
  const site = headers.get("sec-fetch-site") ?? "none";
  const origin = headers.get("origin");
  if ((site !== "same-origin" && site !== "none") || (origin !== null && origin !== `http://${host}`)) {
    return refusal(403, "another page may not ask: open the address that the server printed");
  }
  if (method !== "GET" && method !== "HEAD") return refusal(405, `${method} isn't answered: the studio only reads`);
  if (!new URL(url).pathname.startsWith("/api/")) return undefined;
  if (isSecret(headers.get("authorization") ?? "", `Bearer ${token}`)) return undefined;
  return refusal(401, "the request lacks the token: open the address that the server printed, with all behind its #");
}

/** Compares with a secret, in a time that tells nothing of it. */
export function isSecret(given: string, secret: string): boolean {
  const [actual, expected] = [given, secret].map((text) => new TextEncoder().encode(text));
  return (
    actual !== undefined &&
    expected !== undefined &&
    actual.length === expected.length &&
    timingSafeEqual(actual, expected)
  );
}

function refusal(status: number, message: string): Response {
  return Response.json({ error: { code: "denied", message } }, { status });
}
