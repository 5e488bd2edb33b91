/** How events become bytes. */
export { decompress } from "../gzip/gzip.js";
export { binarySerializer } from "./binary.js";
export { jsonSerializer } from "./json.js";
export type { Serializer } from "./serializer.js";
