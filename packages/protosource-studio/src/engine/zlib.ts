/** Stands for `node:zlib` in a browser: what the store takes of it. */
import { inflateSync } from "fflate";

/** The most that a block of deflate holds where it isn't compressed. */
const MAX_BLOCK = 0xffff;

/** How many bytes are before and behind what is compressed, at least. */
const FRAME = 18;

/** A byte of what is compressed becomes this many at most. */
const MOST = 1032;

/** The flags of a header: what is in it, and those that mean nothing yet. Nobody writes a sum of the header itself. */
const [EXTRA, NAME, COMMENT, UNKNOWN] = [0x04, 0x08, 0x10, 0xe2];

/** Packs bytes, and leaves them as long as they are: what makes them shorter is large, and in a page nothing is kept. */
export function gzipSync(data: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(data.length / MAX_BLOCK));
  const packed = new Uint8Array(FRAME + 5 * blocks + data.length);
  packed.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  let at = 10;
  for (let block = 0; block < blocks; block++) {
    const part = data.subarray(block * MAX_BLOCK, (block + 1) * MAX_BLOCK);
    const { length } = part;
    packed.set([block === blocks - 1 ? 1 : 0, length, length >> 8, ~length, ~length >> 8], at);
    packed.set(part, at + 5);
    at += 5 + length;
  }
  const end = new DataView(packed.buffer, at);
  end.setUint32(0, crc32(data), true);
  end.setUint32(4, data.length, true);
  return packed;
}

/** Unpacks bytes. Throws for what is damaged, and for more than allowed. */
export function gunzipSync(
  data: Uint8Array,
  { maxOutputLength = Number.POSITIVE_INFINITY }: { readonly maxOutputLength?: number } = {},
): Uint8Array {
  const body = bodyOf(data);
  const end = new DataView(data.buffer, data.byteOffset + data.length - 8);
  const length = end.getUint32(4, true);
  if (length > maxOutputLength) throw new RangeError(`the unpacked data has more than ${maxOutputLength} bytes`);
  if (length > MOST * data.length) throw new Error("the data ends too early");
  // There is one place more than the end says: what is longer shows by that.
  const whole = inflateSync(body, { out: new Uint8Array(length + 1) });
  if (whole.length !== length || crc32(whole) !== end.getUint32(0, true))
    throw new Error("the data isn't what was packed");
  return whole;
}

/** Gives what is compressed, between its header and its end. */
function bodyOf(data: Uint8Array): Uint8Array {
  const [first, second, method, flags = UNKNOWN] = data;
  if (first !== 0x1f || second !== 0x8b || method !== 8 || (flags & UNKNOWN) !== 0)
    throw new Error("the data isn't gzip");
  let at = 10;
  if (flags & EXTRA) at += 2 + (data[at] ?? 0) + 256 * (data[at + 1] ?? 0);
  for (const text of [NAME, COMMENT]) {
    if ((flags & text) === 0) continue;
    const end = data.indexOf(0, at);
    at = end < 0 ? data.length : end + 1;
  }
  // Even nothing takes two bytes.
  if (data.length < at + 10) throw new Error("the data ends too early");
  return data.subarray(at, -8);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  return sum;
});

function crc32(data: Uint8Array): number {
  let sum = -1;
  for (const byte of data) sum = (sum >>> 8) ^ (CRC_TABLE[(sum ^ byte) & 0xff] as number);
  return ~sum >>> 0;
}
