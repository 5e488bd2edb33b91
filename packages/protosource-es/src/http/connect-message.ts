/** The message in a request of Connect or gRPC-Web: what both protocols' handlers get is looked at here first. */
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { concat, readBody, tooLong } from "./read-body.js";
import { withExactNumbers } from "./read-json.js";
import { Refusal } from "./refusal.js";

/** Of an envelope: a byte of flags, then the length of the message in it. */
const ENVELOPE_HEAD = 5;

/**
 * Gives the headers of a request, as those of a POST: a read by GET has in its address what others have in headers. The
 * length is left out, which the message may change.
 */
export function headersAsOfPost(request: Request): Headers {
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  if (request.method !== "GET") return headers;
  const params = new URL(request.url).searchParams;
  headers.set("content-type", `application/${params.get("encoding") ?? ""}`);
  headers.set("content-encoding", params.get("compression") ?? "identity");
  const version = params.get("connect");
  if (version !== null) headers.set("connect-protocol-version", version.replace(/^v/, ""));
  return headers;
}

/**
 * Reads the body of a request, or what stands for it in the address of a GET. JSON keeps the digits of large numbers, and
 * what is no message is the caller's mistake, whatever the protocol and the encoding.
 *
 * Throws a {@link Refusal}: for what isn't a message, and as `readBody` does.
 */
export async function readMessage(
  request: Request,
  contentType: string,
  input: DescMessage,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const type = contentType.toLowerCase();
  const check = (message: Uint8Array): Uint8Array => {
    if (type.includes("json")) return withExactNumbers(input, message);
    fromBinary(input, message);
    return message;
  };
  const body = request.method === "GET" ? undefined : await readBody(request, { maxBytes, signal });
  try {
    if (body === undefined) return check(messageInAddress(request.url, maxBytes));
    return type.startsWith("application/grpc-web") ? withinEnvelope(body, check) : check(body);
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal("invalid_argument", `the message isn't a ${input.name}`, { reason: "unmarshal", cause });
  }
}

function messageInAddress(url: string, maxBytes: number): Uint8Array {
  const params = new URL(url).searchParams;
  const text = params.get("message") ?? "";
  const message = params.get("base64") === "1" ? base64Decode(text) : new TextEncoder().encode(text);
  if (message.length > maxBytes) throw tooLong(maxBytes);
  return message;
}

/** Anything but one plain envelope is an error of the protocol, which its handler tells. */
function withinEnvelope(body: Uint8Array, check: (message: Uint8Array) => Uint8Array): Uint8Array {
  if (body.length < ENVELOPE_HEAD || body[0] !== 0) return body;
  if (viewOf(body).getUint32(1) !== body.length - ENVELOPE_HEAD) return body;
  const message = check(body.subarray(ENVELOPE_HEAD));
  const head = new Uint8Array(ENVELOPE_HEAD);
  viewOf(head).setUint32(1, message.length);
  return concat([head, message]);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
