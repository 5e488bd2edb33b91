import { toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { ErrorCode } from "protosource-es";
import { problemOf, Refusal } from "protosource-es/http";
import { ErrorDetailSchema } from "protosource-es/proto/protosource_es/rpc/v1/rpc_v1_pb.js";
import { describe, expect, it } from "vitest";
import { OrderService } from "../../gen/example/app/order/v1/order_v1_service_pb.js";
import { type Api, ORIGIN, orderApi } from "./api.js";
import { errorOf, HIDDEN, SECRET, TABLE, type Told } from "./error-table.js";

function apiThatFails(error: unknown, onError?: () => Refusal | undefined): ReturnType<typeof orderApi> {
  const guard = (): never => {
    throw error;
  };
  return orderApi({ rules: { guard }, onError });
}

/** Sends a command by each protocol, and reads the error that it comes to. */
const PROTOCOLS: Readonly<Record<string, (api: Api) => Promise<Answered>>> = {
  Connect: async (api) => {
    const { status, json, headers } = await api.post("Create", { id: "o1" });
    const [detail] = (json["details"] ?? []) as { debug: object }[];
    return { status, code: json["code"], message: json["message"], detail: detail?.debug, headers };
  },
  "gRPC-Web": async (api) => {
    let headers = new Headers();
    const transport = createGrpcWebTransport({
      baseUrl: ORIGIN,
      async fetch(url, init) {
        const answer = await api.handle(new Request(url as string, init));
        headers = answer.headers;
        return answer;
      },
    });
    const error = ConnectError.from(
      await createClient(OrderService, transport)
        .create({ id: "o1" })
        .then(() => undefined, ConnectError.from),
    );
    const [detail] = error.findDetails(ErrorDetailSchema);
    const code = snakeCase(Code[error.code] ?? "");
    return {
      status: 200,
      code,
      message: error.rawMessage,
      detail: detail && (toJson(ErrorDetailSchema, detail) as object),
      headers,
    };
  },
  "the family's paths": async (api) => {
    const { status, json, headers } = await api.family("/create", { id: "o1" });
    return { status, code: json["code"], message: json["message"], detail: undefined, headers };
  },
  "a problem on them": async (api) => {
    const { status, json, headers } = await api.family("/create", { id: "o1" }, { accept: "application/problem+json" });
    return { status, code: json["title"], message: json["detail"], detail: json, headers };
  },
};

interface Answered {
  readonly status: number;
  readonly code: unknown;
  readonly message: unknown;
  readonly detail: object | undefined;
  readonly headers: Headers;
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?<!^)[A-Z]/g, "_$&").toLowerCase();
}

function expectedBy(protocol: string, { connect, family }: Told): readonly [status: number, code: string] {
  if (protocol === "Connect") return connect;
  if (protocol === "gRPC-Web") return [200, connect[1]];
  return protocol === "a problem on them" ? [family[0], connect[1]] : family;
}

const CODES = Object.keys(TABLE) as ErrorCode[];

describe.each(Object.entries(PROTOCOLS))("the table of errors, by %s,", (protocol, send) => {
  it.each(CODES)("has what callers are told of %s", async (code) => {
    const [, told] = TABLE[code];
    const isHidden = told === HIDDEN;
    const error = errorOf(code);
    const api = apiThatFails(error);
    const answer = await send(api);
    expect([answer.status, answer.code]).toEqual(expectedBy(protocol, told));
    expect(Object.fromEntries(answer.headers)).toMatchObject(told.headers ?? {});
    if (answer.detail) expect(answer.detail).toMatchObject({ ...told.detail, reason: isHidden ? "internal" : code });
    if (error.rawMessage !== SECRET) expect(answer.message).toBe(error.rawMessage);
    expect(JSON.stringify([answer, ...answer.headers])).not.toContain(SECRET);
    expect(api.logged.length).toBe(isHidden ? 1 : 0);
  });
});

describe("the table of errors", () => {
  it.each(CODES)("has the problem that a route of your own tells of %s", (code) => {
    const [, told] = TABLE[code];
    const isHidden = told === HIDDEN;
    const error = errorOf(code);
    const problem = problemOf(error);
    const [status] = told.family;
    expect(problem).toMatchObject({
      status,
      headers: { ...told.headers, "content-type": "application/problem+json" },
      body: { ...told.detail, status, reason: isHidden ? "internal" : code },
    });
    expect(JSON.stringify(problem)).not.toContain(SECRET);
    if (error.rawMessage !== SECRET) expect(problem.body.detail).toBe(error.rawMessage);
  });

  it("has the problem of a refusal, and hides an error of anybody else's there too", () => {
    const full = new Refusal("resource_exhausted", "come back tomorrow", { retryAfter: 60, reason: "quota" });
    expect(problemOf(full)).toEqual({
      status: 429,
      headers: { "content-type": "application/problem+json", "retry-after": "60" },
      body: {
        type: "about:blank",
        title: "resource_exhausted",
        status: 429,
        detail: "come back tomorrow",
        reason: "quota",
      },
    });
    for (const error of [new Error(SECRET), SECRET, undefined]) {
      expect(problemOf(error).body).toMatchObject({ status: 500, reason: "internal", detail: "internal error" });
    }
  });

  it("hides an error of a rule's own, and logs it by the id of the request", async () => {
    const error = new Error(SECRET);
    const api = apiThatFails(error);
    const { status, json, headers } = await api.post("Create", { id: "o1" }, { "x-request-id": "r-1" });
    expect([status, json["code"], json["message"]]).toEqual([500, "internal", "internal error"]);
    expect(headers.get("x-request-id")).toBe("r-1");
    expect(api.logged).toEqual([{ message: "example.app.order.v1.Create failed", requestId: "r-1", error }]);
  });

  it("tells of an error of a rule's own what onError says", async () => {
    const banned = new Refusal("permission_denied", "you are banned", { reason: "banned", status: 451 });
    const api = apiThatFails(new Error(SECRET), () => banned);
    const connect = await api.post("Create", { id: "o1" });
    expect([connect.status, connect.json["code"], connect.json["message"]]).toEqual([
      451,
      "permission_denied",
      "you are banned",
    ]);
    expect((await api.family("/create", { id: "o1" })).json["code"]).toBe("AUTHZ_FORBIDDEN");
    expect(api.logged).toEqual([]);
  });

  it("hides what onError itself throws", async () => {
    const api = apiThatFails(new Error("first"), () => {
      throw new Error(SECRET);
    });
    const { status, json } = await api.post("Create", { id: "o1" });
    expect([status, json["message"]]).toEqual([500, "internal error"]);
    expect(api.logged).toHaveLength(2);
  });
});
