import type { Refusal } from "./refusal.js";

/** How messages are written. */
export type Encoding = "json" | "proto";

/** What is answered by a protocol, beside the headers that all answers have. */
export interface RpcAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Makes the function that tells the encoding of a content type by a pattern, whose group is the one of JSON. */
export function encodingBy(pattern: RegExp): RpcProtocol["encodingOf"] {
  return (contentType) => {
    const match = pattern.exec(contentType);
    if (match === null) return undefined;
    return match[1] === undefined ? "proto" : "json";
  };
}

/** One of the protocols by which rpcs are called: how what it sends is read, and what it is sent is written. */
export interface RpcProtocol {
  /** How a body of a content type is written; undefined for one that isn't of the protocol. */
  encodingOf(contentType: string): Encoding | undefined;
  /** The header that says how messages are compressed. */
  readonly compressionHeader: string;
  /** The header that says how long the caller waits. */
  readonly timeoutHeader: string;
  /** Reads that header, in milliseconds; undefined for what is no time. */
  timeoutOf(text: string): number | undefined;
  /** Gives the one message in a body. Throws a {@link Refusal} for another number of them. */
  messageIn(body: Uint8Array): Uint8Array;
  answer(encoding: Encoding, message: Uint8Array<ArrayBuffer>): RpcAnswer;
  refuse(encoding: Encoding, refusal: Refusal): RpcAnswer;
}
