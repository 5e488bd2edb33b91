/** How events become bytes. */
export {
  compress,
  DEFAULT_COMPRESS_THRESHOLD,
  DEFAULT_INFLATE_LIMIT,
  decompress,
  isCompressed,
} from "../gzip/gzip.js";
export { binarySerializer } from "./binary.js";
export { createJsonSerializer, type JsonSerializerOptions, jsonSerializer } from "./json.js";
export type { Serializer } from "./serializer.js";
