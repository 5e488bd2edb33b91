/** All that generated code imports. It changes only by additions, so that code generated earlier keeps working. */
export { create } from "@bufbuild/protobuf";
export { type Aggregate, defineAggregate } from "../aggregate/aggregate.js";
export { type DisplayNames, displayNames } from "../aggregate/display-names.js";
export type { AggregateTypes, CommandOf, Emits, EventOf, Init, Rules, UpcastingRules } from "../aggregate/types.js";
export {
  type ExactSort,
  type GetOptions,
  type NumberSort,
  type OpaqueStore,
  type Page,
  type PageOptions,
  type QueryClient,
  type QueryOptions,
  queryClient,
  type TextSort,
} from "../opaquedata/index.js";
export type { Keyring } from "../personal/keyring.js";
