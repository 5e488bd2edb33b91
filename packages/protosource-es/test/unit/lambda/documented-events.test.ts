/** Events with all that AWS documents of each form, which is more than is looked at, and the requests that they are. */
import { type HttpEvent, type HttpEventV2, httpLambdaHandler } from "protosource-es/lambda";
import { describe, expect, it } from "vitest";
import { orderApi } from "../http/api.js";

const context = { getRemainingTimeInMillis: () => 30_000 };

const identity = {
  cognitoIdentityPoolId: null,
  accountId: null,
  cognitoIdentityId: null,
  caller: null,
  apiKey: null,
  sourceIp: "192.0.2.7",
  cognitoAuthenticationType: null,
  cognitoAuthenticationProvider: null,
  userArn: null,
  userAgent: "curl/8.5.0",
  user: null,
};

const restApi = {
  resource: "/{proxy+}",
  path: "/example/app/order/v1/o%201",
  httpMethod: "POST",
  headers: {
    Accept: "*/*",
    "Content-Type": "application/json",
    Cookie: "a=1; b=2",
    Host: "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
    "X-Amzn-Trace-Id": "Root=1-5eb33c07-de25b420912dee103a5db434",
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
    "X-Tag": "second",
  },
  multiValueHeaders: {
    Accept: ["*/*"],
    "Content-Type": ["application/json"],
    Cookie: ["a=1; b=2"],
    Host: ["a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"],
    "X-Amzn-Trace-Id": ["Root=1-5eb33c07-de25b420912dee103a5db434"],
    "X-Forwarded-For": ["192.0.2.7"],
    "X-Forwarded-Port": ["443"],
    "X-Forwarded-Proto": ["https"],
    "X-Tag": ["first", "second"],
  },
  queryStringParameters: { name: "me & you", tag: "y" },
  multiValueQueryStringParameters: { name: ["me & you"], tag: ["x", "y"] },
  pathParameters: { proxy: "example/app/order/v1/o 1" },
  stageVariables: { level: "7" },
  requestContext: {
    accountId: "123456789012",
    apiId: "a1b2c3d4e5",
    authorizer: { principalId: "ann", integrationLatency: 12 },
    domainName: "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
    domainPrefix: "a1b2c3d4e5",
    extendedRequestId: "JKJaXmPLvHcESHA=",
    httpMethod: "POST",
    identity,
    path: "/prod/example/app/order/v1/o%201",
    protocol: "HTTP/1.1",
    requestId: "deef4878-7910-11e6-8f14-25afc3e9ae33",
    requestTime: "12/Mar/2026:19:03:58 +0000",
    requestTimeEpoch: 1_773_342_238_390,
    resourceId: "roq9wj",
    resourcePath: "/{proxy+}",
    stage: "prod",
  },
  body: '{\r\n\t"a": 1\r\n}',
  isBase64Encoded: false,
};

/** What the console of a REST API calls with, to try it: nothing that isn't filled in there. */
const restApiOfConsole = {
  ...restApi,
  path: "/",
  httpMethod: "GET",
  headers: null,
  multiValueHeaders: null,
  queryStringParameters: null,
  multiValueQueryStringParameters: null,
  pathParameters: null,
  stageVariables: null,
  body: null,
};

/** An HTTP API with the payload format 1.0: like a REST API, with a version and with headers in small letters. */
const httpApiV1 = {
  version: "1.0",
  ...restApi,
  path: "/example/app/order/v1/o 1",
  headers: { "content-type": "application/json", host: "shop.example", "x-forwarded-proto": "https" },
  multiValueHeaders: {
    "content-type": ["application/json"],
    host: ["shop.example"],
    "x-forwarded-proto": ["https"],
    cookie: ["a=1", "b=2"],
  },
};

const httpApiV2 = {
  version: "2.0" as const,
  routeKey: "$default",
  rawPath: "/example/app/order/v1/o 1",
  rawQueryString: "tag=x&tag=y&name=me+%26%20you",
  cookies: ["a=1", "b=2"],
  headers: {
    accept: "*/*",
    "content-type": "application/json",
    host: "shop.example",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
    "x-tag": "first,second",
  },
  queryStringParameters: { tag: "x,y", name: "me & you" },
  requestContext: {
    accountId: "123456789012",
    apiId: "a1b2c3d4e5",
    authentication: { clientCert: { clientCertPem: "CERT_CONTENT", subjectDN: "www.example.com" } },
    authorizer: { jwt: { claims: { sub: "ann", admin: "false" }, scopes: ["orders"] } },
    domainName: "shop.example",
    domainPrefix: "shop",
    http: {
      method: "POST",
      path: "/example/app/order/v1/o 1",
      protocol: "HTTP/1.1",
      sourceIp: "192.0.2.7",
      userAgent: "",
    },
    requestId: "JKJaXmPLvHcESHA=",
    routeKey: "$default",
    stage: "$default",
    time: "12/Mar/2026:19:03:58 +0000",
    timeEpoch: 1_773_342_238_390,
  },
  body: "SGVsbG8=",
  pathParameters: { proxy: "example/app/order/v1/o 1" },
  isBase64Encoded: true,
  stageVariables: { level: "7" },
};

/** A function URL says cookies twice, and has the path as it was sent. */
const functionUrl = {
  ...httpApiV2,
  rawPath: "/example/app/order/v1/o%201",
  headers: {
    ...httpApiV2.headers,
    cookie: "a=1; b=2",
    host: "abcdefghij.lambda-url.eu-central-1.on.aws",
    "x-amzn-tls-version": "TLSv1.3",
  },
  requestContext: {
    ...httpApiV2.requestContext,
    accountId: "anonymous",
    authentication: null,
    authorizer: { iam: { accessKey: "AKIAEXAMPLE", accountId: "111122223333", userId: "AIDAEXAMPLE" } },
    domainName: "abcdefghij.lambda-url.eu-central-1.on.aws",
  },
};

const elb = {
  targetGroupArn: "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/orders/6d0ecf831eec9f09",
};

const loadBalancer = {
  requestContext: { elb },
  httpMethod: "POST",
  path: "/example/app/order/v1/o%201",
  queryStringParameters: { name: "me%20%26%20you", tag: "y" },
  headers: {
    accept: "text/html,application/xhtml+xml",
    "content-type": "application/json",
    cookie: "a=1; b=2",
    host: "orders-846800462.us-east-2.elb.amazonaws.com",
    "x-amzn-trace-id": "Root=1-5bdb40ca-556d8b0c50dc66f0511bf520",
    "x-forwarded-for": "192.0.2.7",
    "x-forwarded-port": "80",
    "x-forwarded-proto": "http",
  },
  isBase64Encoded: false,
  body: "request_body",
};

const { headers: _, queryStringParameters: __, ...common } = loadBalancer;
const loadBalancerWithMultiValues = {
  ...common,
  multiValueQueryStringParameters: { tag: ["x", "y"], name: ["me%20%26%20you"] },
  multiValueHeaders: {
    "content-type": ["application/json"],
    cookie: ["a=1", "b=2"],
    host: ["orders-846800462.us-east-2.elb.amazonaws.com"],
    "x-forwarded-proto": ["http"],
    "x-tag": ["first", "second"],
  },
};

const healthCheck = {
  requestContext: { elb },
  httpMethod: "GET",
  path: "/health",
  queryStringParameters: {},
  headers: { "user-agent": "ELB-HealthChecker/2.0" },
  body: "",
  isBase64Encoded: false,
};

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly cookie: string | null;
  readonly tag: string | null;
  readonly body: string;
}

const PATH = "example/app/order/v1/o%201";
const body = restApi.body;

const cases: readonly (readonly [name: string, event: HttpEvent, seen: Seen])[] = [
  [
    "a REST API",
    restApi,
    {
      method: "POST",
      url: `https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/${PATH}?name=me%20%26%20you&tag=x&tag=y`,
      cookie: "a=1; b=2",
      tag: "first, second",
      body,
    },
  ],
  [
    "the console of a REST API",
    restApiOfConsole,
    {
      method: "GET",
      url: "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/",
      cookie: null,
      tag: null,
      body: "",
    },
  ],
  [
    "an HTTP API with the payload format 1.0",
    httpApiV1,
    {
      method: "POST",
      url: `https://shop.example/${PATH}?name=me%20%26%20you&tag=x&tag=y`,
      cookie: "a=1; b=2",
      tag: null,
      body,
    },
  ],
  [
    "an HTTP API with the payload format 2.0",
    httpApiV2,
    {
      method: "POST",
      url: `https://shop.example/${PATH}?tag=x&tag=y&name=me+%26%20you`,
      cookie: "a=1; b=2",
      tag: "first,second",
      body: "Hello",
    },
  ],
  [
    "a function URL",
    functionUrl,
    {
      method: "POST",
      url: `https://abcdefghij.lambda-url.eu-central-1.on.aws/${PATH}?tag=x&tag=y&name=me+%26%20you`,
      cookie: "a=1; b=2",
      tag: "first,second",
      body: "Hello",
    },
  ],
  [
    "a load balancer",
    loadBalancer,
    {
      method: "POST",
      url: `http://orders-846800462.us-east-2.elb.amazonaws.com/${PATH}?name=me%20%26%20you&tag=y`,
      cookie: "a=1; b=2",
      tag: null,
      body: "request_body",
    },
  ],
  [
    "a load balancer with multi-value headers",
    loadBalancerWithMultiValues,
    {
      method: "POST",
      url: `http://orders-846800462.us-east-2.elb.amazonaws.com/${PATH}?tag=x&tag=y&name=me%20%26%20you`,
      cookie: "a=1; b=2",
      tag: "first, second",
      body: "request_body",
    },
  ],
  [
    "the health check of a load balancer",
    healthCheck,
    { method: "GET", url: "https://localhost/health", cookie: null, tag: null, body: "" },
  ],
];

describe("an event as documented", () => {
  it.each(cases)("of %s is the request that was sent", async (_name, event, expected) => {
    const call = httpLambdaHandler(async (request) => {
      const { method, url, headers } = request;
      return Response.json({
        method,
        url,
        cookie: headers.get("cookie"),
        tag: headers.get("x-tag"),
        body: await request.text(),
      });
    });
    const { statusCode, body } = await call(event, context);
    expect([statusCode, JSON.parse(body)]).toEqual([200, expected]);
  });

  it("gives the handler who an authorizer found, over what the caller says", async () => {
    interface WithJwt extends HttpEventV2 {
      readonly requestContext: HttpEventV2["requestContext"] & {
        readonly authorizer: { readonly jwt: { readonly claims: { readonly sub: string } } };
      };
    }
    const api = orderApi();
    const call = httpLambdaHandler((request, { requestContext }: WithJwt) => {
      request.headers.set("x-user", requestContext.authorizer.jwt.claims.sub);
      return api.handle(request);
    });
    const headers = { ...httpApiV2.headers, "x-user": "mallory" };
    const event = {
      ...httpApiV2,
      headers,
      rawPath: "/example.app.order.v1.OrderService/Create",
      isBase64Encoded: false,
    };
    expect((await call({ ...event, body: '{"id":"o1"}' }, context)).statusCode).toBe(200);
    expect((await api.repository.history("o1")).map(({ actor }) => actor)).toEqual(["ann"]);
  });

  it("has a path that stays what it was when an HTTP API has decoded it", async () => {
    const api = orderApi();
    const call = httpLambdaHandler(api.handle);
    for (const id of ["50% off", "a\nb", "a\\b", "a?b#c", "ü 1", "100%"]) {
      await api.post("Create", { id });
      const event = {
        ...httpApiV2,
        rawPath: `/example/app/order/v1/${id}`,
        rawQueryString: "",
        headers: { host: "shop.example", accept: "application/json" },
        requestContext: { ...httpApiV2.requestContext, http: { method: "GET" } },
      };
      const { statusCode, body } = await call(event, context);
      expect([statusCode, JSON.parse(body)]).toMatchObject([200, { id }]);
    }
  });
});
