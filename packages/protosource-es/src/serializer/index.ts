/** How events become bytes. */
export { binarySerializer } from "./binary.js";
export { jsonSerializer } from "./json.js";
export type { Serializer } from "./serializer.js";
