/** One request and one answer, on whichever way they go. */
import fc from "fast-check";
import { nodeListener } from "protosource-es/http/node";
import { type HttpEvent, type HttpResult, httpLambdaHandler } from "protosource-es/lambda";
import { expect, it } from "vitest";
import { listening } from "../http-node/listening.js";
import { alb, encoded, functionUrl, type Sent, v1, v2 } from "./events.js";

/** What a handler is to answer. */
interface Wanted {
  readonly status: number;
  readonly type: string;
  readonly cookies: readonly string[];
  readonly body: Uint8Array<ArrayBuffer>;
}

interface Case {
  readonly sent: Sent;
  readonly wanted: Wanted;
}

/** What there is to see of an answer, and of the request in its headers. */
interface Seen {
  readonly status: number;
  readonly type: string | null;
  readonly request: unknown;
  readonly cookies: readonly string[];
  readonly body: string;
}

/** Answers what is wanted, and says in a header how the request looked. */
function echo(wanted: () => Wanted): (request: Request) => Promise<Response> {
  return async (request) => {
    const { status, type, cookies, body } = wanted();
    const { pathname, searchParams } = new URL(request.url);
    const looked = {
      method: request.method,
      pathname,
      query: [...new Set(searchParams.keys())].sort().map((name) => [name, searchParams.getAll(name)]),
      headers: [...request.headers].filter(([name]) => /^x-h|^cookie$/.test(name)),
      body: Buffer.from(await request.arrayBuffer()).toString("hex"),
    };
    const headers = new Headers({ "content-type": type, "x-request": encodeURIComponent(JSON.stringify(looked)) });
    for (const cookie of cookies) headers.append("set-cookie", cookie);
    return new Response(status === 204 ? null : body, { status, headers });
  };
}

async function seenOf(answer: Response): Promise<Seen> {
  const { status, headers } = answer;
  const request: unknown = JSON.parse(decodeURIComponent(headers.get("x-request") ?? "null"));
  const body = Buffer.from(await answer.arrayBuffer()).toString("hex");
  return { status, type: headers.get("content-type"), request, cookies: headers.getSetCookie(), body };
}

function answerIn({ statusCode, headers, multiValueHeaders = {}, cookies = [], ...rest }: HttpResult): Response {
  const given = new Headers(headers);
  for (const [name, values] of Object.entries(multiValueHeaders)) for (const one of values) given.append(name, one);
  for (const cookie of cookies) given.append("set-cookie", cookie);
  const body = rest.isBase64Encoded ? Buffer.from(rest.body, "base64") : rest.body;
  return new Response(statusCode === 204 ? null : body, { status: statusCode, headers: given });
}

function requestOf(origin: string, { method, path, query, headers, cookies, body }: Sent): Request {
  const given = new Headers(headers as [string, string][]);
  if (cookies.length > 0) given.set("cookie", cookies.join("; "));
  return new Request(`${origin}${path}?${encoded(query).join("&")}`, { method, headers: given, body: body ?? null });
}

const token = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const entries = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(name, value), { maxLength: 3 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((some) => new Uint8Array(some));
const text = fc.string({ unit: "grapheme" }).map((some) => new Uint8Array(new TextEncoder().encode(some)));
/** Headers have no blanks around them, and those of AWS's forms are joined with commas where they are repeated. */
const headerValue = fc.stringMatching(/^[!-+\--~]([ -+\--~]{0,8}[!-+\--~])?$/);
const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 5 }).map(encodeURIComponent);

const sent: fc.Arbitrary<Sent> = fc
  .record({
    method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH"),
    path: fc
      .array(segment, { maxLength: 3 })
      .map((some) => `/${some.filter((one) => !/^\.{1,2}$/.test(one)).join("/")}`),
    query: entries(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }),
      fc.string({ unit: "grapheme", maxLength: 4 }),
    ),
    headers: fc.uniqueArray(
      fc.tuple(
        token.map((name) => `x-h${name}`),
        headerValue,
      ),
      {
        selector: ([name]) => name,
        maxLength: 3,
      },
    ),
    cookies: fc.uniqueArray(
      fc.tuple(token, token).map(([name, value]) => `${name}=${value}`),
      { maxLength: 2 },
    ),
    body: fc.option(bytes, { nil: undefined }),
  })
  .map((one) => (one.method === "GET" ? { ...one, body: undefined } : one));

const wanted: fc.Arbitrary<Wanted> = fc
  .record({
    status: fc.constantFrom(200, 201, 204, 400, 404, 503),
    content: fc.oneof(
      fc.tuple(fc.constantFrom("application/json", "text/event-stream", "application/problem+json"), text),
      fc.tuple(fc.constantFrom("application/proto", "application/grpc-web+proto", "image/png"), bytes),
    ),
    cookies: fc.uniqueArray(
      fc.tuple(token, token).map(([name, value]) => `${name}=${value}; Path=/`),
      { maxLength: 2 },
    ),
  })
  .map(({ content: [type, body], ...rest }) => ({ ...rest, type, body }));

it("is the same by fetch, through a listener of Node, and in each form of a function of AWS Lambda", async () => {
  let current: Case | undefined;
  const handle = echo(() => (current as Case).wanted);
  const port = await listening(nodeListener(handle));
  const call = httpLambdaHandler(handle);
  const context = { getRemainingTimeInMillis: () => 30_000 };
  const forms: readonly ((one: Sent) => HttpEvent)[] = [v1, v2, functionUrl, (one) => alb(one, true)];
  await fc.assert(
    fc.asyncProperty(fc.record({ sent, wanted }), async (one) => {
      current = one;
      const expected = await seenOf(await handle(requestOf("https://shop.example", one.sent)));
      expect(await seenOf(await fetch(requestOf(`http://127.0.0.1:${port}`, one.sent)))).toEqual(expected);
      for (const formOf of forms) {
        expect(await seenOf(answerIn(await call(formOf(one.sent), context)))).toEqual(expected);
      }
      const { cookies, ...single } = await seenOf(answerIn(await call(alb(one.sent, false), context)));
      expect(cookies).toEqual(expected.cookies.slice(-1));
      const { request, cookies: _, ...answer } = expected;
      expect(single).toMatchObject(answer);
      // Without multi-value headers a load balancer says the last of several parameters of a name.
      if (new Set(one.sent.query.map(([name]) => name)).size === one.sent.query.length) {
        expect(single.request).toEqual(request);
      }
    }),
    { numRuns: 60 },
  );
});
