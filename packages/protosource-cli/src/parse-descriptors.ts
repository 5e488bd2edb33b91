import { gunzipSync } from "node:zlib";
import { createFileRegistry, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { usageError } from "./failure.js";

/** What gzipped descriptors may unpack to. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Reads descriptors, gzipped or not. `path` names them in what is wrong: `invalid_argument`. */
export function parseDescriptors(path: string, bytes: Uint8Array, maxBytes: number = MAX_BYTES): FileRegistry {
  const isGzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const whole = isGzipped ? unpacked(path, bytes, maxBytes) : bytes;
  let set: FileDescriptorSet;
  try {
    set = fromBinary(FileDescriptorSetSchema, whole);
  } catch (cause) {
    throw notDescriptors(path, "can't be read as one", cause);
  }
  if (set.file.length === 0) throw notDescriptors(path, "holds no files");
  try {
    return createFileRegistry(set);
  } catch (cause) {
    throw notDescriptors(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function unpacked(path: string, bytes: Uint8Array, maxBytes: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    const isTooLarge = (cause as Error).name === "RangeError";
    throw notDescriptors(path, isTooLarge ? `it unpacks to more than ${maxBytes} bytes` : "it is damaged", cause);
  }
}

function notDescriptors(path: string, problem: string, cause?: unknown): Error {
  return usageError(
    "--descriptors",
    `${path} is no set of descriptors (${problem}): make one by buf build -o image.binpb`,
    cause,
  );
}
