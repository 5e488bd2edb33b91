/** Messages as rows of a table with secondary indexes: their keys, how rows are kept and how they are found. */
export { type AutoPKSK, autoPKSK } from "./auto-pksk.js";
export { checkKey, checkQuery, checkRow } from "./checks.js";
export { type CursorPosition, decodeCursor, encodeCursor } from "./cursor.js";
export { eachItem } from "./each-item.js";
export { indexAttributes, KEY_ATTRIBUTES, type KeyAttribute, NO_KEY } from "./key-attribute.js";
export { type KeyFields, type RowId, rowKey } from "./key-fields.js";
export { MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES } from "./key-limits.js";
export {
  isExpired,
  MAX_TTL_SECONDS,
  type OpaqueDataOptions,
  opaqueDataFromMessage,
  rehydrate,
  rowKeys,
  versionOf,
} from "./opaque-data.js";
export {
  eachRow,
  type GetOptions,
  type GsiNumber,
  NUM_GSIS,
  type OpaqueKey,
  type OpaquePage,
  type OpaqueQuery,
  type OpaqueRow,
  type OpaqueStore,
  type PutOptions,
  type PutOutcome,
  type RowPage,
  type ScannableOpaqueStore,
} from "./opaque-store.js";
export { type QueryClient, queryClient } from "./query-client.js";
export type {
  ExactSort,
  NumberSort,
  OneOf,
  Page,
  PageOptions,
  QueryOptions,
  TextSort,
} from "./query-options.js";
export { beginsWith, between, eq, ge, gt, le, lt, matches, type SortCondition } from "./sort-condition.js";
export { compareUtf8, utf8Length } from "./utf8.js";
