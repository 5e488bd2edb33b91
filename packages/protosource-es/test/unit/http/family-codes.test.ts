import { ProtosourceError, Repository } from "protosource-es";
import { familyRoutes, fetchHandler, Refusal, serve } from "protosource-es/http";
import { MemoryStore } from "protosource-es/memory";
import { describe, expect, it } from "vitest";
import { defineSample } from "../../gen/example/app/keys/v1/keys_v1_protosource.js";
import { SampleService } from "../../gen/example/app/keys/v1/keys_v1_service_pb.js";
import { FAMILY, orderApi } from "./api.js";

const SECRET = "sessions-7 refused the connection";

function failsWith(error: unknown): () => never {
  return () => {
    throw error;
  };
}

type Case = readonly [who: string, authorize: () => undefined, status: number, family: string, connect: string];

describe("who may not call", () => {
  it.each<Case>([
    ["nobody", () => undefined, 401, "AUTHZ_UNAUTHENTICATED", "unauthenticated"],
    ["who is refused", failsWith(new Refusal("permission_denied", "no")), 403, "AUTHZ_FORBIDDEN", "permission_denied"],
    ["who can't be told", failsWith(new Error(SECRET)), 503, "AUTHZ_UNAVAILABLE", "unavailable"],
    [
      "whose session isn't found",
      failsWith(new ProtosourceError("not_found", SECRET, { aggregateId: SECRET, reason: "unknown" })),
      503,
      "AUTHZ_UNAVAILABLE",
      "unavailable",
    ],
  ])("is told so: %s", async (_, authorize, status, code, connect) => {
    const api = orderApi({ authorize });
    for (const answer of [await api.family("/create", { id: "o1" }), await api.family("/o1")]) {
      expect([answer.status, answer.json["code"]]).toEqual([status, code]);
      expect(JSON.stringify(answer.json)).not.toContain(SECRET);
    }
    const { json, headers } = await api.post("Create", { id: "o1" });
    expect([json["code"], headers.get("retry-after")]).toEqual([connect, status === 503 ? "1" : null]);
    expect(JSON.stringify(json)).not.toContain(SECRET);
    expect(api.logged).toHaveLength(status === 503 ? 3 : 0);
  });

  it("is told what onError says of a failure to find out", async () => {
    const onError = (): Refusal => new Refusal("unauthenticated", "log in again");
    const { status, json } = await orderApi({ authorize: failsWith(new Error(SECRET)), onError }).family("/o1");
    expect([status, json]).toEqual([401, { code: "AUTHZ_UNAUTHENTICATED", message: "log in again" }]);
  });
});

describe("a code of the family", () => {
  it.each([
    ["/create", {}, 400, "CMD_EMPTY_ID"],
    ["/setshipping", {}, 400, "CMD_EMPTY_ID"],
    ["/query/by-customer-id", undefined, 400, "QUERY_MISSING_PK"],
    ["/query/by-customer-id?customer_id=c1&sk_op=like&create_at=5", undefined, 400, "QUERY_BAD_OP"],
    ["/query/by-customer-id?customer_id=c1&sk_op=ge", undefined, 400, "QUERY_MISSING_SK"],
    ["/query/by-customer-id?customer_id=c1&sk_op=between&create_at=5", undefined, 400, "QUERY_MISSING_SK"],
    ["/query/by-customer-id?customer_id=c1&sk_op=ge&create_at=soon", undefined, 400, "QUERY_BAD_PARAM"],
  ])("tells what is wrong with %s %o", async (path, message, status, code) => {
    const answer = await orderApi().family(path, message);
    expect([answer.status, answer.json["code"]]).toEqual([status, code]);
  });

  it.each([
    ["/create", { id: "o1" }, "CMD_INTERNAL"],
    ["/o1", undefined, "GET_FAILED"],
    ["/load/o1", undefined, "LOAD_FAILED"],
    ["/o1/history", undefined, "HIST_LOAD"],
    ["/query/by-customer-id?customer_id=c1", undefined, "QUERY_EXEC"],
  ])("tells by the path which part failed inside: %s", async (path, message, code) => {
    const api = orderApi();
    const broken = failsWith(new ProtosourceError("table_missing", SECRET, { table: SECRET }));
    for (const name of ["save", "load", "loadTail", "events"] as const) api.store[name] = broken;
    for (const name of ["get", "query"] as const) api.store.opaqueStore[name] = broken;
    const { status, json } = await api.family(path, message);
    expect([status, json]).toEqual([500, { code, message: "internal error" }]);
  });
});

it("a query's path names the sort fields where an index before it has the same partition", async () => {
  const store = new MemoryStore();
  const repository = new Repository(defineSample(), store);
  const handle = fetchHandler({
    services: [serve(SampleService, { repository, queries: store.opaqueStore })],
    routes: [familyRoutes],
    authorize: () => ({ actor: "ann" }),
  });
  const base = `${FAMILY.replace("order", "keys")}/query`;
  const ask = async (path: string): Promise<unknown> =>
    (await handle(new Request(`${base}/${path}`, { headers: { accept: "application/json" } }))).json();
  expect(await ask("by-bucket-with-int32-value?bucket=b&sk_op=ge&int32_value=x")).toMatchObject({
    code: "QUERY_BAD_PARAM",
  });
  expect(await ask("by-bucket-with-int32-value?bucket=b&sk_op=ge&double_value=1")).toMatchObject({
    message: "missing required parameter: int32_value",
  });
  expect(await ask("by-bucket?bucket=b&sk_op=ge&double_value=1")).toEqual({});
});
