import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, base64Encode } from "@bufbuild/protobuf/wire";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { ErrorDetailSchema } from "../gen/protosource_es/rpc/v1/rpc_v1_pb.js";
import { errorDetail } from "./error-detail.js";
import { concat } from "./read-body.js";
import { Refusal, STATUSES } from "./refusal.js";
import { type Encoding, encodingBy, type RpcAnswer, type RpcProtocol } from "./rpc-protocol.js";

const CONTENT_TYPE = /^application\/grpc-web(?:\+(?:(json)(?:; ?charset=utf-?8)?|proto))?$/i;

/** Of a frame: a byte of flags, then the length of what is in it. */
const FRAME_HEAD = 5;
const COMPRESSED = 0x01;
const TRAILERS = 0x80;

/** The milliseconds in the units of times. */
const UNITS: { readonly [unit: string]: number } = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** gRPC-Web for unary rpcs: bodies are frames, of which the last one of an answer tells what came of the call. */
export const grpcWebProtocol: RpcProtocol = {
  encodingOf: encodingBy(CONTENT_TYPE),
  compressionHeader: "grpc-encoding",
  timeoutHeader: "grpc-timeout",
  timeoutOf(text) {
    const [, count, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
    return count === undefined ? undefined : Number(count) * (UNITS[unit] ?? Number.NaN);
  },
  messageIn(body) {
    if (body.length === 0) throw new Refusal("unimplemented", "there is no message: send one");
    const { length, flags } = frameAt(body);
    if (length > body.length - FRAME_HEAD) {
      throw new Refusal("invalid_argument", "the frame is longer than the body: send all of it");
    }
    if (flags & COMPRESSED) throw new Refusal("internal", "the message is compressed in no way that was said");
    if (FRAME_HEAD + length < body.length) throw new Refusal("unimplemented", "there is a second message: send one");
    return body.subarray(FRAME_HEAD);
  },
  answer: (encoding, message) => framesOf(encoding, [frame(0, message), trailers({ "grpc-status": "0" })]),
  refuse(encoding, refusal) {
    const code = numberOf(refusal);
    const status = new BinaryWriter();
    // google.rpc.Status: its code, its message, and what more there is to tell.
    status.uint32(1 << 3).int32(code);
    status.uint32((2 << 3) | 2).string(refusal.message);
    status.uint32((3 << 3) | 2).bytes(toBinary(AnySchema, anyPack(ErrorDetailSchema, errorDetail(refusal))));
    return framesOf(encoding, [
      trailers({
        "grpc-message": encodeURIComponent(refusal.message),
        "grpc-status": String(code),
        "grpc-status-details-bin": base64Encode(status.finish(), "std_raw"),
      }),
    ]);
  },
};

/** The number of a code in gRPC. */
function numberOf({ code }: Refusal): number {
  return 1 + Object.keys(STATUSES).indexOf(code);
}

function frameAt(body: Uint8Array): { readonly flags: number; readonly length: number } {
  if (body.length < FRAME_HEAD) return { flags: 0, length: body.length };
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return { flags: view.getUint8(0), length: view.getUint32(1) };
}

function frame(flags: number, content: Uint8Array): Uint8Array {
  const head = new Uint8Array(FRAME_HEAD);
  const view = new DataView(head.buffer);
  view.setUint8(0, flags);
  view.setUint32(1, content.length);
  return concat([head, content]);
}

function trailers(all: Readonly<Record<string, string>>): Uint8Array {
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return frame(TRAILERS, new TextEncoder().encode(lines.join("")));
}

function framesOf(encoding: Encoding, frames: readonly Uint8Array[]): RpcAnswer {
  return { status: 200, contentType: `application/grpc-web+${encoding}`, body: concat(frames) };
}
