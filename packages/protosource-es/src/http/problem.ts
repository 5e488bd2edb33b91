/** RFC 9457: a refusal as JSON, for requests that came by no protocol with errors of its own. */
import { toJson } from "@bufbuild/protobuf";
import { ErrorDetailSchema } from "../gen/protosource_es/rpc/v1/rpc_v1_pb.js";
import { errorDetail } from "./error-detail.js";
import { Refusal, STATUSES } from "./refusal.js";

/** The content type of problems. */
export const PROBLEM_TYPE = "application/problem+json";

/** What is said of a problem: the members that RFC 9457 names, and beside them those that belong to the reason. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly [member: string]: unknown;
}

/** The status of a refusal in plain HTTP. */
export function statusOf({ status, code }: Refusal): number {
  return status ?? STATUSES[code];
}

/** Gives a refusal as the JSON of a problem. */
export function problemBody(refusal: Refusal): ProblemBody {
  const detail = toJson(ErrorDetailSchema, errorDetail(refusal));
  const status = statusOf(refusal);
  return { type: "about:blank", title: refusal.code, status, detail: refusal.message, ...(detail as object) };
}

/** Answers a refusal as `application/problem+json`. */
export function problem(refusal: Refusal, headers: Headers): Response {
  headers.set("content-type", PROBLEM_TYPE);
  const body = problemBody(refusal);
  return new Response(JSON.stringify(body), { status: body.status, headers });
}

/** Answers a body of a content type that nothing reads where it came. */
export function unreadable(contentType: string, headers: Headers): Response {
  const message = `a body of ${contentType || "no content type"} can't be read here`;
  return problem(new Refusal("unimplemented", message, { status: 415 }), headers);
}
