/**
 * gRPC, for handlers that speak gRPC-Web: the bodies are the same, save that gRPC has behind them as trailers of HTTP/2
 * what gRPC-Web has in the last frame of the body. A `Response` has no trailers.
 */
import type { Outgoing } from "./node-listener.js";

/** The content types of gRPC: those of gRPC-Web go on differently. */
const GRPC = /^application\/grpc(?=$|[+;])/i;

/** Of a frame: a byte of flags, then the length of what is in it. */
const FRAME_HEAD = 5;
const TRAILERS = 0x80;

/** The codes that gRPC has for answers which aren't its own. */
const CODES: { readonly [status: number]: number } = { 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 };
const UNKNOWN = 2;

/** Gives the content type of gRPC-Web that has the same bodies as one of gRPC; undefined for any other. */
export function asGrpcWeb(contentType: string | undefined): string | undefined {
  return contentType !== undefined && GRPC.test(contentType)
    ? contentType.replace(GRPC, "application/grpc-web")
    : undefined;
}

/** Sends an answer of gRPC-Web as one of gRPC. */
export async function sendGrpc(answer: Response, contentType: string, outgoing: Outgoing): Promise<void> {
  const body = new Uint8Array(await answer.arrayBuffer());
  const isWeb = answer.headers.get("content-type")?.startsWith("application/grpc-web") === true;
  const end = isWeb ? trailersAt(body) : 0;
  for (const [name, value] of answer.headers) outgoing.setHeader(name, value);
  outgoing.removeHeader("content-length");
  outgoing.setHeader("content-type", contentType);
  outgoing.writeHead(200);
  outgoing.addTrailers(
    isWeb ? trailersOf(body.subarray(end + FRAME_HEAD)) : { "grpc-status": `${CODES[answer.status] ?? UNKNOWN}` },
  );
  outgoing.end(body.subarray(0, end));
}

/** Gives where the last frame begins, the one of trailers. */
function trailersAt(body: Uint8Array): number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  while (at + FRAME_HEAD <= body.length && (view.getUint8(at) & TRAILERS) === 0) {
    at += FRAME_HEAD + view.getUint32(at + 1);
  }
  return at;
}

function trailersOf(lines: Uint8Array): Record<string, string> {
  const trailers = new TextDecoder().decode(lines).split("\r\n").filter(Boolean);
  return Object.fromEntries(
    trailers.map((line) => {
      const [name = "", ...value] = line.split(":");
      return [name.toLowerCase(), value.join(":").trim()];
    }),
  );
}
