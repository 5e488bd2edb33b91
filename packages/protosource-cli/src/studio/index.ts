/** The API of `protosource studio`, to be put into pages and servers of one's own. */
export { type SchemaExtras, type Schemas, schemasOf } from "../schemas.js";
export { studioApi } from "./api.js";
export type * from "./contract.js";
export type * from "./domain-contract.js";
export type * from "./health-contract.js";
export {
  type GivenFile,
  kindOfFile,
  type ReadExport,
  type ReadFileOptions,
  readDescriptorsFile,
  readExportFile,
} from "./read-files.js";
export type * from "./rows-contract.js";
export type { Followed, FollowedStore, Meter, ReadableStore, StudioOptions } from "./studio.js";
export type * from "./subscriptions-contract.js";
