/**
 * The compression rule, shared with the family's Go members: data is gzipped when it is long, and what is gzipped is
 * known by its first two bytes. Neither a protobuf message nor JSON can begin with them.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { ProtosourceError } from "../errors.js";

/** Data of this many bytes and more is compressed. */
export const DEFAULT_COMPRESS_THRESHOLD = 300;

/** What compressed data may unpack to, in bytes: 64 MiB. A stored item holds at most 400 KB. */
export const DEFAULT_INFLATE_LIMIT: number = 64 * 1024 * 1024;

/** Tells whether data is gzipped. */
export function isCompressed(data: Uint8Array): boolean {
  return data.length >= 2 && data[0] === 0x1f && data[1] === 0x8b;
}

/**
 * Compresses data of at least `threshold` bytes, and gives shorter data back as it is. 0 or less compresses nothing.
 * The compressed form is kept even if it came out longer.
 */
export function compress(data: Uint8Array, threshold: number = DEFAULT_COMPRESS_THRESHOLD): Uint8Array {
  if (threshold <= 0 || data.length < threshold) return data;
  return plain(gzipSync(data, { chunkSize: chunkSize(data.length) }));
}

/**
 * Unpacks data that is compressed, and gives other data back as it is.
 *
 * Throws `corrupt_record` when the data is damaged or would unpack to more than `limit` bytes; `key` names the item.
 */
export function decompress(data: Uint8Array, key: string, limit: number = DEFAULT_INFLATE_LIMIT): Uint8Array {
  if (!isCompressed(data)) return data;
  try {
    return plain(gunzipSync(data, { maxOutputLength: limit, chunkSize: chunkSize(unpackedLength(data)) }));
  } catch (cause) {
    throw new ProtosourceError(
      "corrupt_record",
      `${key}: the gzipped data is damaged, or unpacks to more than ${limit} bytes`,
      { key },
      { cause },
    );
  }
}

/** Gzip says at its end how long the unpacked data is. Whether that is true only unpacking tells. */
function unpackedLength({ buffer, byteOffset, byteLength }: Uint8Array): number {
  return byteLength < 4 ? 0 : new DataView(buffer, byteOffset, byteLength).getUint32(byteLength - 4, true);
}

/**
 * Gives the size of the pieces in which a result of about `length` bytes is made. The last piece stays in memory as a
 * whole, however little of it is used, so the usual 16 KB would be kept for each small event.
 */
function chunkSize(length: number): number {
  return Math.max(MIN_CHUNK, Math.min(length + 1, MAX_CHUNK));
}

/** What Node takes at least, and by default. */
const MIN_CHUNK = 64;
const MAX_CHUNK = 16 * 1024;

/** Gives the bytes without the methods of Node's own kind of array. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
