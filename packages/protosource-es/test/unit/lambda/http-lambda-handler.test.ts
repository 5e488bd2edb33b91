import { type HttpEvent, type HttpResult, httpLambdaHandler } from "protosource-es/lambda";
import { describe, expect, it } from "vitest";
import { orderApi } from "../http/api.js";
import { alb, functionUrl, type Sent, v1, v2 } from "./events.js";

const context = { getRemainingTimeInMillis: () => 30_000 };

const forms: Readonly<Record<string, (sent: Sent) => HttpEvent>> = {
  "a REST API": v1,
  "an HTTP API": v2,
  "a function URL": functionUrl,
  "a load balancer": (sent) => alb(sent, false),
  "a load balancer with multi-value headers": (sent) => alb(sent, true),
};

const create: Sent = {
  method: "POST",
  path: "/example.app.order.v1.OrderService/Create",
  query: [],
  headers: [
    ["Content-Type", "application/json"],
    ["X-User", "bob"],
  ],
  cookies: [],
  body: new TextEncoder().encode('{"id":"o1"}'),
};

const get: Sent = {
  method: "GET",
  path: "/example/app/order/v1/o%201",
  query: [["min_version", "1"]],
  headers: [["Accept", "application/json"]],
  cookies: ["a=1", "b=2"],
  body: undefined,
};

function jsonOf({ body }: HttpResult): unknown {
  return JSON.parse(body);
}

describe.each(Object.entries(forms))("called by %s", (_, formOf) => {
  it("answers requests for services, texts as they are and bytes in base64", async () => {
    const api = orderApi();
    const call = httpLambdaHandler(api.handle);
    const created = await call(formOf(create), context);
    expect([created.statusCode, jsonOf(created)]).toEqual([200, { id: "o1", version: "1" }]);
    expect((await api.repository.history("o1"))[0]?.actor).toBe("bob");
    expect(created.isBase64Encoded).toBe(false);
    await api.post("Create", { id: "o 1" });
    expect(jsonOf(await call(formOf(get), context))).toMatchObject({ id: "o 1", version: "1" });
    const binary = await call(formOf({ ...get, headers: [["Accept", "application/protobuf"]] }), context);
    expect(binary.isBase64Encoded).toBe(true);
    expect(Buffer.from(binary.body, "base64").toString()).toContain("o 1");
  });

  it("answers 400 where no request can be made of what came", async () => {
    const call = httpLambdaHandler(async () => new Response("never"));
    expect((await call(formOf({ ...get, method: "TRACE" }), context)).statusCode).toBe(400);
  });

  it("says in time that there is no time", async () => {
    const guard = (): Promise<void> => new Promise(() => {});
    const call = httpLambdaHandler(orderApi({ rules: { guard } }).handle);
    const late = await call(formOf(create), { getRemainingTimeInMillis: () => 20 });
    expect([late.statusCode, jsonOf(late)]).toMatchObject([504, { code: "deadline_exceeded" }]);
  });
});

describe("a form of its own", () => {
  const seen = httpLambdaHandler(async ({ url }) => new Response(url, { headers: { "content-type": "text/plain" } }));

  it("has a path that is decoded, from an HTTP API", async () => {
    expect((await seen(v2({ ...get, query: [], path: "/50% off?/ü#1" }), context)).body).toBe(
      "https://shop.example/50%25%20off%3F/%C3%BC%231",
    );
  });

  it("has parameters that are decoded from a REST API, and not from a load balancer", async () => {
    const query: Sent["query"] = [["a b", "c&d=é"]];
    const expected = "https://shop.example/?a%20b=c%26d%3D%C3%A9";
    for (const event of [v1, (sent: Sent) => alb(sent, true), (sent: Sent) => alb(sent, false)]) {
      expect((await seen(event({ ...get, path: "/", query }), context)).body).toBe(expected);
    }
  });

  it("has the health check of a load balancer, with neither a host nor a body", async () => {
    const check = alb({ ...get, path: "/", query: [] }, false);
    const { host, ...headers } = check.headers as Record<string, string>;
    expect(host).toBeDefined();
    expect((await seen({ ...check, headers }, context)).body).toBe("https://localhost/");
  });

  it("has a body that is text, which says no type of its own, or none", async () => {
    const call = httpLambdaHandler(async (request) =>
      Response.json([request.headers.get("content-type"), await request.text()]),
    );
    const event = { ...v2({ ...create, headers: [] }), isBase64Encoded: false };
    expect(jsonOf(await call({ ...event, body: '{"ü":1}' }, context))).toEqual([null, '{"ü":1}']);
    expect(jsonOf(await call(v1({ ...create, headers: [], body: undefined }), context))).toEqual([null, ""]);
    expect((await call({ ...event, body: "§", isBase64Encoded: true }, context)).statusCode).toBe(400);
  });

  it("takes several cookies where it can, and the last of them where it can't", async () => {
    const headers = new Headers([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
    const call = httpLambdaHandler(async () => new Response(null, { status: 204, headers }));
    const none = { statusCode: 204, body: "", isBase64Encoded: false };
    expect(await call(v2(get), context)).toEqual({ ...none, headers: {}, cookies: ["a=1", "b=2"] });
    const multiple = { ...none, multiValueHeaders: { "set-cookie": ["a=1", "b=2"] } };
    expect(await call(v1(get), context)).toEqual(multiple);
    expect(await call(alb(get, true), context)).toEqual(multiple);
    expect(await call(alb(get, false), context)).toEqual({ ...none, headers: { "set-cookie": "b=2" } });
  });
});
