import { create } from "@bufbuild/protobuf";
import { type ErrorDetail, ErrorDetailSchema } from "../gen/protosource_es/rpc/v1/rpc_v1_pb.js";
import type { Refusal } from "./refusal.js";

/** Gives what a refusal tells programs, as all protocols send it. */
export function errorDetail({ detail, reason }: Refusal): ErrorDetail {
  return create(ErrorDetailSchema, { ...detail, reason });
}
