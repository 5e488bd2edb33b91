export { NUM_GSIS } from "../opaquedata/opaque-store.js";
export type { LambdaContext } from "../remaining-time.js";
export type { MeterLike, TelemetryOptions, TracerLike } from "../telemetry.js";
export { type BatchResponse, batchResponse } from "./batch-response.js";
export { type CapacityLimiter, createCapacityLimiter } from "./capacity-limiter.js";
export type { DynamoDBAdminClientLike, DynamoDBClientLike, SendOptions } from "./dynamodb-client.js";
export { type DynamoDBKeyStoreOptions, dynamoDBKeyStore } from "./dynamodb-key-store.js";
export { DynamoDBOpaqueStore, type DynamoDBOpaqueStoreOptions } from "./dynamodb-opaque-store.js";
export { DynamoDBStore, type DynamoDBStoreOptions } from "./dynamodb-store.js";
export { type DynamoDBStreamOptions, dynamoDBStream } from "./dynamodb-stream.js";
export {
  checkTables,
  type DifferentSetting,
  type EnsureTablesOptions,
  ensureTables,
  type TableNames,
  type TableReport,
  type TablesReport,
} from "./ensure-tables.js";
export { doorbellsOf, type LambdaDoorbell, type LambdaEvent, type LambdaRecord } from "./lambda-events.js";
export { type LambdaHandler, lambdaHandler } from "./lambda-handler.js";
export {
  AGGREGATES_TABLE_NAME,
  createProviderSet,
  DYNAMODB_CLIENT,
  EVENTS_TABLE_NAME,
  provideOpaqueStore,
  providerSet,
  provideStore,
  type StoreOptions,
} from "./providers.js";
export { requestTelemetry } from "./request-telemetry.js";
export type { ObservedRequest, RequestOptions, TimeLimits } from "./sending.js";
export type { ShardLeases } from "./shard-leases.js";
export type { ChangedValue, ChangeRecord, DynamoDBStreamsLike, StreamDescriptionLike } from "./streams-client.js";
export {
  type AggregatesTableName,
  aggregatesTableName,
  DEFAULT_AGGREGATES_TABLE,
  DEFAULT_EVENTS_TABLE,
  DEFAULT_FEEDS_TABLE,
  DEFAULT_KEYS_TABLE,
  type EventsTableName,
  eventsTableName,
  type FeedsTableName,
  feedsTableName,
  type KeysTableName,
  keysTableName,
} from "./table-names.js";
export {
  aggregatesTable,
  type EventsTableOptions,
  eventsTable,
  feedsTable,
  keysTable,
  TTL_ATTRIBUTE,
} from "./table-shapes.js";
