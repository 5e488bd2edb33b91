import { type ErrorCode, type ErrorDetails, ProtosourceError } from "protosource-es";
import { problemOf, Refusal } from "protosource-es/http";
import { describe, expect, it } from "vitest";
import { orderApi } from "./api.js";

/** What a caller is told of an error, by Connect and by the family's paths. */
interface Told {
  readonly connect: readonly [status: number, code: string];
  readonly family: readonly [status: number, code: string];
  readonly detail?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const HIDDEN: Told = { connect: [500, "internal"], family: [500, "CMD_INTERNAL"] };
const SECRET = "table-7 of arn:aws:dynamodb";

/** Each error that a command can come to, with details of that kind. */
const TABLE: { readonly [code in ErrorCode]: readonly [ErrorDetails[code], Told] } = {
  invalid_argument: [{ argument: "item" }, { connect: [400, "invalid_argument"], family: [400, "CMD_INVALID"] }],
  validation_failed: [
    { violations: [{ field: "customer_id", rule: "string.min_len", message: "too short" }] },
    {
      connect: [400, "invalid_argument"],
      family: [400, "CMD_VALIDATION"],
      detail: { violations: [{ field: "customer_id", rule: "string.min_len", message: "too short" }] },
    },
  ],
  too_large: [
    { what: "record", size: 9, limit: 8 },
    { connect: [413, "invalid_argument"], family: [413, "CMD_INVALID"] },
  ],
  not_found: [
    { aggregateId: "o1", reason: "unknown" },
    { connect: [404, "not_found"], family: [404, "CMD_NOT_FOUND"] },
  ],
  not_created: [{ aggregateId: "o1" }, { connect: [404, "not_found"], family: [404, "CMD_NOT_CREATED"] }],
  already_created: [
    { aggregateId: "o1", version: 3n },
    { connect: [409, "already_exists"], family: [409, "CMD_ALREADY_CREATED"], detail: { version: "3" } },
  ],
  claim_taken: [
    { scope: "email", owner: SECRET },
    { connect: [409, "already_exists"], family: [409, "CMD_ALREADY_EXISTS"] },
  ],
  command_id_reused: [
    { aggregateId: SECRET, commandId: SECRET },
    { connect: [422, "failed_precondition"], family: [422, "CMD_REFUSED"] },
  ],
  state_not_allowed: [
    { aggregateId: "o1", state: "STATE_PAID", allowed: ["STATE_DRAFT"] },
    {
      connect: [400, "failed_precondition"],
      family: [409, "CMD_STATE_VIOLATION"],
      detail: { state: "STATE_PAID", allowedStates: ["STATE_DRAFT"] },
    },
  ],
  version_conflict: [
    { aggregateId: "o1", version: 3n },
    { connect: [409, "aborted"], family: [409, "CMD_CONFLICT"], detail: { version: "3" } },
  ],
  subject_erased: [{ subject: SECRET }, { connect: [400, "failed_precondition"], family: [409, "CMD_REFUSED"] }],
  unavailable: [
    { operation: SECRET, reasons: [SECRET], outcome: "unknown" },
    { connect: [503, "unavailable"], family: [503, "CMD_UNAVAILABLE"], headers: { "retry-after": "1" } },
  ],
  cancelled: [{ operation: "apply" }, { connect: [499, "canceled"], family: [499, "CMD_CANCELLED"] }],
  not_configured: [{ option: SECRET }, HIDDEN],
  not_keyed: [{ typeName: SECRET }, HIDDEN],
  table_missing: [{ table: SECRET }, HIDDEN],
  denied: [{ reason: SECRET }, HIDDEN],
  unhandled_command: [{ typeName: SECRET }, HIDDEN],
  unhandled_event: [{ typeName: SECRET }, HIDDEN],
  position_conflict: [{ subscription: SECRET, streamId: SECRET, version: 1n, parked: false }, HIDDEN],
  row_conflict: [{ pk: SECRET, sk: SECRET }, HIDDEN],
  not_caught_up: [{ subscription: SECRET, reason: "behind", streamId: SECRET }, HIDDEN],
  partial_save: [{ aggregateId: SECRET, committed: 1n, commitId: new Uint8Array(1) }, HIDDEN],
  key_missing: [{ key: SECRET, keyId: SECRET }, HIDDEN],
  corrupt_record: [{ key: SECRET }, HIDDEN],
  corrupt_stream: [{ aggregateId: SECRET, problem: "gap", version: 1n }, HIDDEN],
};

/** Those of whose text callers get nothing, although they are told what it was. */
const REWORDED: ReadonlySet<string> = new Set(["command_id_reused", "subject_erased", "unavailable", "cancelled"]);

function apiThatFails(error: unknown, onError?: () => Refusal | undefined): ReturnType<typeof orderApi> {
  const guard = (): never => {
    throw error;
  };
  return orderApi({ rules: { guard }, onError });
}

describe("the table of errors", () => {
  it.each(Object.entries(TABLE))("has what callers are told of %s", async (code, [details, told]) => {
    const isHidden = told === HIDDEN;
    const text = isHidden || REWORDED.has(code) ? SECRET : "say it otherwise";
    const api = apiThatFails(
      new ProtosourceError(code as ErrorCode, text, details as never, { cause: new Error(SECRET) }),
    );
    const connect = await api.post("Create", { id: "o1" });
    const family = await api.family("/create", { id: "o1" });
    expect([connect.status, connect.json["code"]]).toEqual(told.connect);
    expect([family.status, family.json["code"]]).toEqual(told.family);
    const [detail] = (connect.json["details"] ?? []) as { debug: object }[];
    expect(detail?.debug).toMatchObject({ ...told.detail, reason: isHidden ? "internal" : code });
    for (const { headers } of [connect, family]) expect(Object.fromEntries(headers)).toMatchObject(told.headers ?? {});
    expect(JSON.stringify([connect.json, family.json])).not.toContain(SECRET);
    if (text !== SECRET) expect([connect.json["message"], family.json["message"]]).toEqual([text, text]);
    expect(api.logged.length).toBe(isHidden ? 2 : 0);
  });

  it.each(Object.entries(TABLE))("has the problem that a route of your own tells of %s", (code, [details, told]) => {
    const isHidden = told === HIDDEN;
    const text = isHidden || REWORDED.has(code) ? SECRET : "say it otherwise";
    const problem = problemOf(new ProtosourceError(code as ErrorCode, text, details as never));
    const [status] = told.family;
    expect(problem).toMatchObject({
      status,
      headers: { ...told.headers, "content-type": "application/problem+json" },
      body: { ...told.detail, status, reason: isHidden ? "internal" : code },
    });
    expect(JSON.stringify(problem)).not.toContain(SECRET);
    if (text !== SECRET) expect(problem.body.detail).toBe(text);
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
