import { toBinary, toJson } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { ErrorDetailSchema } from "../gen/protosource_es/rpc/v1/rpc_v1_pb.js";
import { errorDetail } from "./error-detail.js";
import { type Refusal, STATUSES } from "./refusal.js";
import { encodingBy, type RpcProtocol } from "./rpc-protocol.js";

const CONTENT_TYPE = /^application\/(?:(json)(?:; ?charset=utf-?8)?|proto)$/i;

/** Connect for unary rpcs, as https://connectrpc.com/docs/protocol has it: the body is the message. */
export const connectProtocol: RpcProtocol = {
  encodingOf: encodingBy(CONTENT_TYPE),
  compressionHeader: "content-encoding",
  timeoutHeader: "connect-timeout-ms",
  timeoutOf: (text) => (/^\d{1,10}$/.test(text) ? Number(text) : undefined),
  messageIn: (body) => body,
  answer: (encoding, body) => ({ status: 200, contentType: `application/${encoding}`, body }),
  refuse: (_, refusal) => ({
    status: refusal.status ?? statusOf(refusal),
    contentType: "application/json",
    body: new TextEncoder().encode(JSON.stringify(errorOf(refusal))) as Uint8Array<ArrayBuffer>,
  }),
};

/** The status of a code, which is another in plain HTTP for one of them. */
function statusOf({ code }: Refusal): number {
  return code === "failed_precondition" ? 400 : STATUSES[code];
}

function errorOf(refusal: Refusal): object {
  const detail = errorDetail(refusal);
  const value = base64Encode(toBinary(ErrorDetailSchema, detail), "std_raw");
  const debug = toJson(ErrorDetailSchema, detail);
  const { code, message } = refusal;
  return { code, ...(message !== "" && { message }), details: [{ type: ErrorDetailSchema.typeName, debug, value }] };
}
