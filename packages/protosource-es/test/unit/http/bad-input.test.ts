import { Refusal } from "protosource-es/http";
import { describe, expect, it } from "vitest";
import { type Answer, FAMILY, ORIGIN, orderApi, SERVICE } from "./api.js";

const JSON_TYPE = { "content-type": "application/json" };

/** A body in pieces, which ends, breaks or stays open behind them. */
function bodyOf(pieces: readonly string[], end: "closes" | "breaks" | "stays open"): ReadableStream<Uint8Array> {
  const left = pieces.map((piece) => new TextEncoder().encode(piece));
  return new ReadableStream({
    pull(controller) {
      const next = left.shift();
      if (next !== undefined) controller.enqueue(next);
      else if (end === "closes") controller.close();
      else if (end === "breaks") controller.error(new Error("connection reset"));
      else return new Promise(() => {});
      return undefined;
    },
  });
}

async function send(
  api: ReturnType<typeof orderApi>,
  body: NonNullable<RequestInit["body"]>,
  headers: Record<string, string> = {},
  signal: AbortSignal | null = null,
): Promise<readonly [status: number, code: unknown]> {
  const init = { method: "POST", headers: { ...JSON_TYPE, ...headers }, body, signal, duplex: "half" } as const;
  const answer = await api.handle(new Request(`${SERVICE}/Create`, init));
  const json = (await answer.json()) as Record<string, unknown>;
  return [answer.status, json["code"] ?? json["title"]];
}

function told({ status, json }: Answer): readonly unknown[] {
  return [status, json["code"]];
}

describe("who calls", () => {
  it("is asked before anything of the body is read", async () => {
    const asked: unknown[] = [];
    const api = orderApi({
      authorize(request, call) {
        asked.push({ ...call, used: request.bodyUsed });
        return undefined;
      },
    });
    let pulls = 0;
    const body = new ReadableStream({ pull: () => void pulls++ }, { highWaterMark: 0 });
    expect(await send(api, body)).toEqual([401, "unauthenticated"]);
    expect(pulls).toBe(0);
    expect(told(await api.family("/o1"))).toEqual([401, "AUTHZ_UNAUTHENTICATED"]);
    expect(asked).toEqual([
      { name: "example.app.order.v1.Create", read: false, used: false },
      { name: "example.app.order.v1.GetOrder", read: true, used: false },
    ]);
  });

  it.each([
    ["an empty actor", () => ({ actor: "" }), [401, "unauthenticated"]],
    [
      "a refusal",
      () => {
        throw new Refusal("permission_denied", "not you");
      },
      [403, "permission_denied"],
    ],
    [
      "a failure",
      () => {
        throw new Error("the directory is down");
      },
      [503, "unavailable"],
    ],
  ])("isn't let in by %s", async (_, authorize, expected) => {
    const api = orderApi({ authorize });
    const answer = await api.post("Create", { id: "o1" });
    expect(told(answer)).toEqual(expected);
    expect(JSON.stringify(answer.json)).not.toContain("directory");
    await expect(api.repository.load("o1")).rejects.toMatchObject({ code: "not_found" });
  });

  it("isn't said by the body, and is the actor of the events", async () => {
    const api = orderApi();
    expect(told(await api.post("Create", { id: "o1", actor: "eve" }))).toEqual([400, "invalid_argument"]);
    await api.post("Create", { id: "o1" }, { "x-user": "bob" });
    // The family's clients say an actor always, and Go overwrites it too.
    await api.family("/setshipping", { id: "o1", actor: "eve", shippingAddress: "Dock 3" }, { "x-user": "bob" });
    expect((await api.repository.history("o1")).map(({ actor }) => actor)).toEqual(["bob", "bob"]);
  });

  it("sees nothing that isn't for him", async () => {
    const sees = (row: object): boolean => (row as { customerId: string }).customerId === "c1";
    const api = orderApi({ authorize: () => ({ actor: "ann", sees }) });
    await api.post("Create", { id: "o1", customerId: "c1" });
    await api.post("Create", { id: "o2", customerId: "c2" });
    for (const rpc of ["GetOrder", "LoadOrder", "GetOrderHistory", "GetOrderSummary"]) {
      expect((await api.post(rpc, { id: "o1" })).status).toBe(200);
      const hidden = await api.post(rpc, { id: "o2" });
      const missing = await api.post(rpc, { id: "o3" });
      expect(JSON.stringify(hidden.json).replaceAll("o2", "o3")).toBe(JSON.stringify(missing.json));
      expect(hidden.status).toBe(404);
    }
    expect((await api.post("GetOrder", { id: "o2", minVersion: "1" })).status).toBe(404);
    const page = await api.post("SelectOrderByCustomerId", { customerId: "c2" });
    expect(page.json).toEqual({});
    for (const path of ["/o2", "/load/o2", "/o2/history"]) expect((await api.family(path)).status).toBe(404);
    expect((await api.family("/query/by-customer-id?customer_id=c2")).json).toEqual({});
  });
});

describe("a request", () => {
  it.each([
    ["an rpc that there isn't", "POST", `${SERVICE}/Destroy`, 404],
    ["another path", "POST", `${ORIGIN}/favicon.ico`, 404],
    ["a path that is no text", "GET", `${FAMILY}/%E0%A4%A`, 404],
    ["a command by GET", "GET", `${SERVICE}/Create?encoding=json&message={}`, 405],
    ["a read by DELETE", "DELETE", `${FAMILY}/o1`, 405],
    ["an rpc by PUT", "PUT", `${SERVICE}/GetOrder`, 405],
  ])("for %s is a problem", async (_, method, url, status) => {
    const answer = await orderApi().handle(new Request(url, { method, headers: JSON_TYPE }));
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ type: "about:blank", status });
    if (status === 405) expect(answer.headers.get("allow")).toMatch(/GET|POST/);
  });

  it.each(["text/plain", "application/xml", ""])("with a body of the content type %o is 415", async (type) => {
    const body = new Blob(["{}"]);
    const request = new Request(`${SERVICE}/Create`, { method: "POST", headers: { "content-type": type }, body });
    expect((await orderApi().handle(request)).status).toBe(415);
  });

  it.each([
    ["a list", "[]"],
    ["no JSON", "{"],
    ["a text", '"o1"'],
    ["another field", '{"id":"o1","colour":"red"}'],
    ["a field of another type", '{"id":1}'],
  ])("whose body is %s is refused", async (_, body) => {
    const api = orderApi();
    expect(told(await api.post("Create", body))).toEqual([400, "invalid_argument"]);
    const init = { method: "POST", headers: { ...JSON_TYPE, accept: "application/json" }, body };
    const family = await api.handle(new Request(`${FAMILY}/create`, init));
    expect([family.status, await family.json()]).toMatchObject([400, { code: "CMD_UNMARSHAL" }]);
  });

  it("whose body is in gzip is refused", async () => {
    const { post, family } = orderApi();
    expect(told(await post("Create", { id: "o1" }, { "content-encoding": "gzip" }))).toEqual([501, "unimplemented"]);
    expect(told(await family("/create", { id: "o1" }, { "content-encoding": "gzip" }))).toEqual([
      415,
      "CMD_UNSUPPORTED",
    ]);
  });

  it("whose body is no Protobuf is refused", async () => {
    const api = orderApi();
    const body = Uint8Array.of(0x0a, 0xff, 0x01);
    for (const [url, type] of [
      [`${SERVICE}/Create`, "application/proto"],
      [`${FAMILY}/create`, "application/protobuf"],
    ] as const) {
      const answer = await api.handle(new Request(url, { method: "POST", headers: { "content-type": type }, body }));
      expect(answer.status).toBe(400);
    }
  });

  it.each(["1.5", "1e-1", '"1.5"', "true", "9223372036854775808", '"x"'])(
    "with %s for a number of 64 bits is refused",
    async (number) => {
      const api = orderApi();
      await api.post("Create", { id: "o1" });
      expect(told(await api.post("LoadOrder", `{"id":"o1","minVersion":${number}}`))).toEqual([
        400,
        "invalid_argument",
      ]);
      const family = await api.family(`/load/o1?min_version=${number.replaceAll('"', "")}`);
      expect(family.status).toBe(400);
    },
  );

  it.each(["1.5", "true", "9223372036854775808"])(
    "with %s for a number of 64 bits is refused by GET and by gRPC-Web as well",
    async (number) => {
      const api = orderApi();
      await api.post("Create", { id: "o1" });
      const message = `{"id":"o1","minVersion":${number}}`;
      const get = await api.handle(
        new Request(`${SERVICE}/LoadOrder?encoding=json&message=${encodeURIComponent(message)}`),
      );
      expect([get.status, await get.json()]).toMatchObject([400, { code: "invalid_argument" }]);
      const body = new Blob([Uint8Array.of(0, 0, 0, 0, message.length), message]);
      const headers = { "content-type": "application/grpc-web+json" };
      const web = await api.handle(new Request(`${SERVICE}/LoadOrder`, { method: "POST", headers, body }));
      expect(await web.text()).toContain("grpc-status: 3");
    },
  );

  it.each([
    ["says JSON and is Protobuf", "json", Uint8Array.of(0x0a, 0x02, 0x6f, 0x31)],
    ["says Protobuf and is JSON", "proto", new TextEncoder().encode('{"id":"o1"}')],
  ])("whose content type %s is refused", async (_, type, body) => {
    const api = orderApi();
    for (const [url, contentType] of [
      [`${SERVICE}/Create`, `application/${type}`],
      [`${FAMILY}/create`, type === "json" ? "application/json" : "application/protobuf"],
    ] as const) {
      const init = { method: "POST", headers: { "content-type": contentType }, body };
      expect((await api.handle(new Request(url, init))).status).toBe(400);
    }
    await expect(api.repository.load("o1")).rejects.toMatchObject({ code: "not_found" });
  });

  it("keeps every digit of a number of 64 bits that is no text", async () => {
    const api = orderApi();
    await api.post("Create", { id: "o1" });
    const item = '{"itemId":"i1","priceCents":9007199254740993,"quantity":1}';
    expect((await api.post("AddItem", `{"id":"o1","item":${item}}`)).status).toBe(200);
    expect((await api.repository.load("o1")).items["i1"]?.priceCents).toBe(9007199254740993n);
  });

  it("whose path says one id and whose body another is refused", async () => {
    const api = orderApi();
    await api.family("/create/o1", {});
    expect(told(await api.family("/cancel/o1", { id: "o2" }))).toEqual([400, "CMD_INVALID"]);
    expect((await api.family("/cancel/o1", { id: "o1" })).json).toEqual({ id: "o1", version: "2" });
  });

  it.each([
    ["garbage", "not a cursor"],
    ["a number", "1"],
  ])("with %s for a page is refused", async (_, pageToken) => {
    const { post } = orderApi();
    const answer = await post("SelectOrderByCustomerId", { customerId: "c1", pageToken });
    expect(told(answer)).toEqual([400, "invalid_argument"]);
  });

  it("with the page of another index or key is refused", async () => {
    const { post } = orderApi();
    for (const id of ["o1", "o2"]) await post("Create", { id, customerId: "c1" });
    const { json } = await post("SelectOrderByCustomerId", { customerId: "c1", pageSize: 1 });
    const pageToken = json["nextPageToken"];
    expect(pageToken).toBeTypeOf("string");
    for (const [rpc, message] of [
      ["SelectOrderByCustomerId", { customerId: "c2" }],
      ["SelectOrderSummaryByState", { state: "STATE_DRAFT" }],
      ["GetOrderHistory", { id: "o1" }],
    ] as const) {
      expect(told(await post(rpc, { ...message, pageToken }))).toEqual([400, "invalid_argument"]);
    }
    expect((await post("SelectOrderByCustomerId", { customerId: "c1", pageToken })).json["items"]).toHaveLength(1);
  });

  it("with the page of another caller is refused, where tokens are sealed", async () => {
    const { post, family } = orderApi({ pageTokenSecret: "a secret of the tests" });
    for (const id of ["order-one", "order-two"]) await post("Create", { id, customerId: "c1" });
    const wanted = { customerId: "c1", pageSize: 1 };
    const pageToken = String((await post("SelectOrderByCustomerId", wanted)).json["nextPageToken"]);
    expect(atob(pageToken.replaceAll("-", "+").replaceAll("_", "/"))).not.toContain("order-one");
    const next = { ...wanted, pageToken };
    expect((await post("SelectOrderByCustomerId", next)).json["items"]).toMatchObject([{ id: "order-two" }]);
    expect(told(await post("SelectOrderByCustomerId", next, { "x-user": "bob" }))).toEqual([400, "invalid_argument"]);
    expect(told(await post("SelectOrderSummaryByCustomerId", next))).toEqual([400, "invalid_argument"]);
    const forged = { ...wanted, pageToken: `A${pageToken.slice(1)}` };
    expect(told(await post("SelectOrderByCustomerId", forged))).toEqual([400, "invalid_argument"]);
    expect((await family("/query/by-customer-id?customer_id=c1")).json["items"]).toHaveLength(2);
  });

  it("for a page of a negative size, or on a condition that says nothing, is refused", async () => {
    const { post } = orderApi();
    for (const bad of [{ pageSize: -1 }, { createAt: {} }, { createAt: { between: { low: "5", high: "1" } } }]) {
      expect(told(await post("SelectOrderByCustomerId", { customerId: "c1", ...bad }))).toEqual([
        400,
        "invalid_argument",
      ]);
    }
  });
});

describe("a body", () => {
  const long = JSON.stringify({ id: "o1", customerName: "x".repeat(1000) });

  it("that is longer than it may be is 413, whether it says so or not", async () => {
    const api = orderApi({ maxBodyBytes: 100 });
    expect(await send(api, long)).toEqual([413, "resource_exhausted"]);
    expect(await send(api, bodyOf([long], "closes"))).toEqual([413, "resource_exhausted"]);
    expect(await send(api, bodyOf(["{}"], "stays open"), { "content-length": "1000" })).toEqual([
      413,
      "resource_exhausted",
    ]);
    const family = await api.family("/create", JSON.parse(long));
    expect(told(family)).toEqual([413, "CMD_TOO_LARGE"]);
  });

  it("that is cut is refused", async () => {
    const api = orderApi();
    expect(await send(api, bodyOf(['{"id":"o1"'], "breaks"))).toEqual([400, "invalid_argument"]);
    expect(await send(api, bodyOf(['{"id":"o1"}'], "closes"), { "content-length": "20" })).toEqual([
      400,
      "invalid_argument",
    ]);
    const short = { method: "POST", headers: { ...JSON_TYPE, "content-length": "20" }, body: '{"id":"o1"}' };
    expect((await api.handle(new Request(`${FAMILY}/create`, short))).status).toBe(400);
    await expect(api.repository.load("o1")).rejects.toMatchObject({ code: "not_found" });
  });

  it("that comes too slowly is given up", async () => {
    const api = orderApi({ timeoutMs: 20 });
    expect(await send(api, bodyOf(['{"id":'], "stays open"))).toEqual([504, "deadline_exceeded"]);
  });

  it("of a caller who is gone is given up", async () => {
    const api = orderApi();
    const caller = new AbortController();
    const sent = send(api, bodyOf(['{"id":'], "stays open"), {}, caller.signal);
    caller.abort();
    expect(await sent).toEqual([499, "canceled"]);
  });
});

describe("a call that takes too long", () => {
  it("is given up, whatever it does about it", async () => {
    const signals: unknown[] = [];
    const guard = (
      _order: unknown,
      _command: unknown,
      { signal }: { signal: AbortSignal | undefined },
    ): Promise<void> => {
      signals.push(signal);
      return new Promise(() => {});
    };
    const api = orderApi({ rules: { guard }, timeoutMs: 20 });
    expect(told(await api.post("Create", { id: "o1" }))).toEqual([504, "deadline_exceeded"]);
    expect(signals).toMatchObject([{ aborted: true }]);
    const unasked = orderApi({ authorize: () => new Promise(() => {}), timeoutMs: 20 });
    expect(told(await unasked.post("Create", { id: "o1" }))).toEqual([504, "deadline_exceeded"]);
    const patient = orderApi({ rules: { guard } });
    const hasty = await patient.post("Create", { id: "o1" }, { "connect-timeout-ms": "20" });
    expect(told(hasty)).toEqual([504, "deadline_exceeded"]);
  });
});

describe("a page of another origin", () => {
  const from = (api: ReturnType<typeof orderApi>, origin: string, method = "POST"): Promise<Response> =>
    api.handle(
      new Request(`${SERVICE}/Create`, {
        method,
        headers: { ...JSON_TYPE, origin },
        body: method === "POST" ? "{}" : null,
      }),
    );

  it("may call where it is allowed, and sees the headers of the answers", async () => {
    const api = orderApi({ cors: { origins: ["https://app.example"], credentials: true } });
    const preflight = await from(api, "https://app.example", "OPTIONS");
    expect([preflight.status, Object.fromEntries(preflight.headers)]).toMatchObject([
      204,
      {
        "access-control-allow-origin": "https://app.example",
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-credentials": "true",
      },
    ]);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("idempotency-key");
    const answer = await from(api, "https://app.example");
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(answer.headers.get("access-control-expose-headers")).toContain("etag");
    expect(answer.headers.get("vary")).toContain("origin");
    expect((await from(api, ORIGIN)).status).toBe(400);
  });

  it("may not where it isn't, and neither may it ask", async () => {
    const api = orderApi({ cors: { origins: ["https://app.example"] } });
    for (const origin of ["https://evil.example", "null", "https://app.example.evil.example"]) {
      for (const method of ["POST", "OPTIONS"]) {
        const answer = await from(api, origin, method);
        expect(answer.status).toBe(403);
        expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      }
    }
  });

  it("gets no leave where none is given", async () => {
    const api = orderApi();
    expect((await from(api, "https://app.example", "OPTIONS")).status).toBe(405);
    expect((await from(api, "https://app.example")).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("the id of a request", () => {
  it("is the caller's where it is one, and new elsewhere", async () => {
    const { post } = orderApi();
    const idFor = async (given: string): Promise<string | null> =>
      (await post("Create", {}, { "x-request-id": given })).headers.get("x-request-id");
    expect(await idFor("trace-1:a.b")).toBe("trace-1:a.b");
    expect(await idFor("<script>")).toMatch(/^[0-9a-f-]{36}$/);
    expect(await idFor("x".repeat(129))).toMatch(/^[0-9a-f-]{36}$/);
  });
});
