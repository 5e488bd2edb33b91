/** Stands for `node:zlib` in a browser: what the store takes of it. */
import { gzip, Inflate } from "pako";

/** Compresses bytes. */
export function gzipSync(data: Uint8Array): Uint8Array {
  return gzip(data);
}

/** Unpacks bytes. Throws for what is damaged, and as soon as it is more than allowed. */
export function gunzipSync(
  data: Uint8Array,
  { maxOutputLength = Number.POSITIVE_INFINITY }: { readonly maxOutputLength?: number } = {},
): Uint8Array {
  const inflate = new Inflate();
  const parts: Uint8Array[] = [];
  let length = 0;
  inflate.onData = (part) => {
    length += part.length;
    if (length > maxOutputLength) throw new RangeError(`the unpacked data has more than ${maxOutputLength} bytes`);
    parts.push(part);
  };
  inflate.push(data, true);
  if (inflate.err !== 0 || !inflate.ended) throw new Error(inflate.msg || "the data ends too early");
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
