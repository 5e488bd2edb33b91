/** RFC 9457: a refusal as JSON, for requests that came by no protocol with errors of its own. */
import { create, toJson } from "@bufbuild/protobuf";
import { ErrorDetailSchema } from "../gen/protosource_es/rpc/v1/rpc_v1_pb.js";
import { type Refusal, STATUSES } from "./refusal.js";

/** The status of a refusal in plain HTTP. */
export function statusOf({ status, code }: Refusal): number {
  return status ?? STATUSES[code];
}

/** Answers a refusal as `application/problem+json`. */
export function problem(refusal: Refusal, headers: Headers): Response {
  const status = statusOf(refusal);
  headers.set("content-type", "application/problem+json");
  const detail = toJson(ErrorDetailSchema, create(ErrorDetailSchema, { ...refusal.detail, reason: refusal.reason }));
  const body = { type: "about:blank", title: refusal.code, status, detail: refusal.message, ...(detail as object) };
  return new Response(JSON.stringify(body), { status, headers });
}
