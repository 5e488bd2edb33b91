/** Requests in the forms in which AWS calls a function with them. */
import type { AlbEvent, HttpEventV1, HttpEventV2 } from "protosource-es/lambda";

/** A request, apart from any form. */
export interface Sent {
  readonly method: string;
  /** Encoded. */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly cookies: readonly string[];
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

const HOST = "shop.example";

/** As an API Gateway with the payload format 1.0 sends it: a REST API. */
export function v1(sent: Sent): HttpEventV1 & Readonly<Record<string, unknown>> {
  const headers = grouped(headersOf(sent));
  const query = grouped(sent.query);
  return {
    resource: "/{proxy+}",
    path: sent.path,
    httpMethod: sent.method,
    headers: lastOf(headers),
    multiValueHeaders: headers,
    queryStringParameters: sent.query.length === 0 ? null : lastOf(query),
    multiValueQueryStringParameters: sent.query.length === 0 ? null : query,
    pathParameters: { proxy: sent.path.slice(1) },
    stageVariables: null,
    requestContext: {
      resourcePath: "/{proxy+}",
      httpMethod: sent.method,
      path: `/prod${sent.path}`,
      accountId: "123456789012",
      protocol: "HTTP/1.1",
      stage: "prod",
      domainName: HOST,
      identity: { sourceIp: "192.0.2.1", userAgent: "curl/8.5.0" },
    } as HttpEventV1["requestContext"],
    body: sent.body === undefined ? null : Buffer.from(sent.body).toString("base64"),
    isBase64Encoded: sent.body !== undefined,
  };
}

/** As an API Gateway with the payload format 2.0 sends it: an HTTP API. */
export function v2(sent: Sent): HttpEventV2 & Readonly<Record<string, unknown>> {
  const joined = Object.entries(grouped(headersOf({ ...sent, cookies: [] }))).map(([name, values]) => [
    name.toLowerCase(),
    values.join(","),
  ]);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: sent.path,
    rawQueryString: encoded(sent.query).join("&"),
    ...(sent.cookies.length === 0 ? {} : { cookies: sent.cookies }),
    headers: Object.fromEntries(joined),
    requestContext: {
      accountId: "123456789012",
      apiId: "a1b2c3d4e5",
      domainName: HOST,
      http: { method: sent.method, path: sent.path, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "curl" },
      requestId: "JKJaXmPLvHcESHA=",
      routeKey: "$default",
      stage: "$default",
      timeEpoch: 1_767_225_600_000,
    } as HttpEventV2["requestContext"],
    ...(sent.body === undefined ? {} : { body: Buffer.from(sent.body).toString("base64") }),
    isBase64Encoded: sent.body !== undefined,
  };
}

/** As a function URL sends it: the payload format 2.0, with a context of its own. */
export function functionUrl(sent: Sent): HttpEventV2 {
  const event = v2(sent);
  const context = { ...event.requestContext, accountId: "anonymous", domainPrefix: "abcdefghij", authentication: null };
  return { ...event, requestContext: context };
}

/** As an Application Load Balancer sends it to a target group with multi-value headers, or without. */
export function alb(sent: Sent, multiValue: boolean): AlbEvent & Readonly<Record<string, unknown>> {
  const headers = Object.fromEntries(
    Object.entries(grouped(headersOf(sent))).map(([name, values]) => [name.toLowerCase(), values]),
  );
  const query = grouped(sent.query.map(([name, value]) => [encodeURIComponent(name), encodeURIComponent(value)]));
  return {
    requestContext: {
      elb: {
        targetGroupArn: "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lambda/49e9d65c45c6791a",
      },
    },
    httpMethod: sent.method,
    path: sent.path,
    ...(multiValue
      ? { multiValueHeaders: headers, multiValueQueryStringParameters: query }
      : { headers: lastOf(headers), queryStringParameters: lastOf(query) }),
    body: sent.body === undefined ? "" : Buffer.from(sent.body).toString("base64"),
    isBase64Encoded: sent.body !== undefined,
  };
}

/** Encodes the parameters of an address. */
export function encoded(query: Sent["query"]): readonly string[] {
  return query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
}

function headersOf({ headers, cookies }: Sent): Sent["headers"] {
  const cookie = cookies.length === 0 ? [] : [["Cookie", cookies.join("; ")] as const];
  return [["Host", HOST], ["X-Forwarded-Proto", "https"], ...cookie, ...headers];
}

function grouped(entries: Sent["headers"]): Readonly<Record<string, string[]>> {
  const groups: Record<string, string[]> = {};
  for (const [name, value] of entries) {
    groups[name] ??= [];
    groups[name].push(value);
  }
  return groups;
}

function lastOf(groups: Readonly<Record<string, string[]>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(groups).map(([name, values]) => [name, values.at(-1) ?? ""]));
}
