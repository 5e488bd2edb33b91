/** Stands for Node's `Buffer` in a browser: base64, which exports are written in. */
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";

/** What of it is taken. */
interface Base64 {
  from(text: string, encoding: "base64"): Uint8Array;
  from(bytes: ArrayBuffer, offset: number, length: number): { toString(encoding: "base64"): string };
}

export const Buffer: Base64 = { from };

function from(text: string, encoding: "base64"): Uint8Array;
function from(bytes: ArrayBuffer, offset: number, length: number): { toString(encoding: "base64"): string };
function from(data: string | ArrayBuffer, offset: "base64" | number, length?: number): object {
  if (typeof data !== "string") return { toString: () => base64Encode(new Uint8Array(data, Number(offset), length)) };
  try {
    return base64Decode(data);
  } catch {
    // As Node does, which takes what it can read: it doesn't come to the same text again.
    return new Uint8Array();
  }
}
