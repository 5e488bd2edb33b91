import { fromBinary, fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { invalid } from "../errors.js";
import { type ErrorDetail, ErrorDetailSchema } from "../gen/protosource_es/rpc/v1/rpc_v1_pb.js";
import { isObject } from "../serializer/exact-json.js";
import { Refusal, type RefusalCode, STATUSES } from "./refusal.js";

/**
 * Reads an error that a handler has answered, for clients: one of Connect, or a problem of plain paths, such as
 * `problemOf` gives.
 *
 * Throws `invalid_argument` for JSON that is no such error, as something between a client and the handler may answer.
 */
export function refusalOf(json: JsonValue): Refusal {
  try {
    const refusal = isObject(json) ? (ofConnect(json) ?? ofProblem(json)) : undefined;
    if (refusal !== undefined) return refusal;
  } catch {
    // A detail that can't be read is that of something else.
  }
  throw invalid("json", "this is no error of Connect, nor a problem of a handler: look at the whole answer");
}

function ofConnect({ code, message = "", details = [] }: JsonObject): Refusal | undefined {
  if (!isCode(code) || typeof message !== "string" || !Array.isArray(details)) return undefined;
  const own = details.find((detail) => isObject(detail) && detail["type"] === ErrorDetailSchema.typeName);
  const value = isObject(own ?? null) ? (own as JsonObject)["value"] : "";
  return refusalWith(code, message, undefined, fromBinary(ErrorDetailSchema, base64Decode(String(value))));
}

function ofProblem({ title, status, detail = "", type: _, ...rest }: JsonObject): Refusal | undefined {
  if (!isCode(title) || typeof status !== "number" || typeof detail !== "string") return undefined;
  return refusalWith(title, detail, status, fromJson(ErrorDetailSchema, rest, { ignoreUnknownFields: true }));
}

function refusalWith(code: RefusalCode, message: string, status: number | undefined, told: ErrorDetail): Refusal {
  const { $typeName: _, reason, ...detail } = told;
  return new Refusal(code, message, { status, reason: reason === "" ? code : reason, detail });
}

function isCode(code: JsonValue | undefined): code is RefusalCode {
  return typeof code === "string" && Object.hasOwn(STATUSES, code);
}
