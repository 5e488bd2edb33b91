/** The forms in which AWS calls a function with a request, as far as they are looked at. */
import { base64Decode } from "@bufbuild/protobuf/wire";

/** What the forms have in common. */
interface BodyOfEvent {
  readonly body?: string | null | undefined;
  readonly isBase64Encoded?: boolean | undefined;
}

/** Names with a value, or with several. */
type Values<T> = { readonly [name: string]: T | undefined } | null | undefined;

/** A request by an API Gateway with the payload format 1.0, as REST APIs have it. */
export interface HttpEventV1 extends BodyOfEvent {
  readonly httpMethod: string;
  /** Without the stage, and with what a domain name maps to it. */
  readonly path: string;
  readonly headers?: Values<string>;
  readonly multiValueHeaders?: Values<readonly string[]>;
  /** Decoded. */
  readonly queryStringParameters?: Values<string>;
  readonly multiValueQueryStringParameters?: Values<readonly string[]>;
  readonly requestContext?: { readonly domainName?: string | undefined; readonly elb?: undefined } | undefined;
}

/** A request by an Application Load Balancer. */
export interface AlbEvent extends Omit<HttpEventV1, "requestContext"> {
  /** As it was sent: still encoded. */
  readonly queryStringParameters?: Values<string>;
  readonly requestContext: { readonly elb: object };
}

/** A request by an API Gateway with the payload format 2.0, as HTTP APIs have it, or by a function URL. */
export interface HttpEventV2 extends BodyOfEvent {
  readonly version: "2.0";
  /** With the stage, if that has a name. */
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly cookies?: readonly string[] | undefined;
  readonly headers: Values<string>;
  readonly requestContext: {
    readonly domainName?: string | undefined;
    readonly http: { readonly method: string };
  };
}

/** A request in any of the forms. */
export type HttpEvent = HttpEventV1 | HttpEventV2 | AlbEvent;

/** Tells whether it has the payload format 2.0. */
export function isV2(event: HttpEvent): event is HttpEventV2 {
  return "version" in event && event.version === "2.0";
}

/** Tells whether a load balancer sent it. */
export function isAlb(event: HttpEvent): event is AlbEvent {
  return event.requestContext !== undefined && "elb" in event.requestContext && event.requestContext.elb !== undefined;
}

/** Gives the request of an event. Throws for one that the web platform has no form for, such as of a broken host. */
export function requestOf(event: HttpEvent, signal: AbortSignal): Request {
  const { method, path, query, headers } = isV2(event) ? partsOfV2(event) : partsOfV1(event);
  const domain =
    event.requestContext && "domainName" in event.requestContext ? event.requestContext.domainName : undefined;
  const scheme = headers.get("x-forwarded-proto") === "http" ? "http" : "https";
  const address = `${scheme}://${headers.get("host") ?? domain ?? "localhost"}${addressed(path)}`;
  const body = method === "GET" || method === "HEAD" ? null : bodyOf(event);
  return new Request(query === "" ? address : `${address}?${query}`, { method, headers, body, signal });
}

interface Parts {
  readonly method: string;
  readonly path: string;
  /** As it stands in an address, without the question mark. */
  readonly query: string;
  readonly headers: Headers;
}

function partsOfV2({ rawPath, rawQueryString, cookies, headers, requestContext }: HttpEventV2): Parts {
  const given = new Headers();
  for (const [name, value] of pairs(headers, undefined)) given.append(name, value);
  if (cookies !== undefined && cookies.length > 0) given.set("cookie", cookies.join("; "));
  return { method: requestContext.http.method, path: rawPath, query: rawQueryString, headers: given };
}

function partsOfV1(event: HttpEventV1 | AlbEvent): Parts {
  const headers = new Headers();
  for (const [name, value] of pairs(event.headers, event.multiValueHeaders)) headers.append(name, value);
  const encode = isAlb(event) ? (text: string) => text : encodeURIComponent;
  const query = pairs(event.queryStringParameters, event.multiValueQueryStringParameters)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join("&");
  return { method: event.httpMethod, path: event.path, query, headers };
}

/** Gives each name with each of its values. An event that has several values of a name has the last of them apart too. */
function pairs(single: Values<string>, multiple: Values<readonly string[]>): readonly (readonly [string, string])[] {
  if (multiple)
    return Object.entries(multiple).flatMap(([name, values = []]) => values.map((value) => [name, value] as const));
  return Object.entries(single ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

/**
 * Some forms have the path decoded: what `URL` would end it at, leave out, or take for a slash or a code is encoded again.
 * A path that is still encoded stays as it is.
 */
function addressed(path: string): string {
  return path.replace(/%(?![\da-f]{2})|[?#\\]|[^!-~]/giu, encodeURIComponent);
}

/** Bytes bring no content type of their own. */
function bodyOf({ body, isBase64Encoded }: BodyOfEvent): Uint8Array<ArrayBuffer> | null {
  if (body === undefined || body === null) return null;
  return (isBase64Encoded ? base64Decode(body) : new TextEncoder().encode(body)) as Uint8Array<ArrayBuffer>;
}
