/** The API on one page: an aggregate, its repository, the contracts of a store, and what both are made of. */
export { type Aggregate, applyEvent, beginsLife, commandSchema, defineAggregate, fold } from "./aggregate/aggregate.js";
export type { FileModel } from "./aggregate/file-model.js";
export { isStaleSnapshot } from "./aggregate/fingerprint.js";
export type {
  AggregateTypes,
  CommandNamed,
  CommandOf,
  Decision,
  DecisionContext,
  Emits,
  EmittedNames,
  Evaluate,
  Evaluations,
  EventFields,
  EventOf,
  EventsFor,
  Fill,
  Init,
  Outcome,
  RetiredOf,
  Rules,
  Upcast,
  UpcastingRules,
  Upcasts,
} from "./aggregate/types.js";
export { upcast } from "./aggregate/upcast.js";
export type { CallOptions, ScanOptions, ScanSegment } from "./call-options.js";
export { type Clock, systemClock } from "./clock.js";
export {
  type ErrorCode,
  type ErrorDetails,
  type ErrorJson,
  type FieldViolation,
  isProtosourceError,
  ProtosourceError,
} from "./errors.js";
export type { Logger } from "./logger.js";
export {
  type AnyAggregate,
  type RebuildCounts,
  type RebuildFailure,
  type RebuildOptions,
  type RebuildProgress,
  type RebuildStore,
  rebuild,
  type SegmentProgress,
} from "./read-models/rebuild.js";
export { type AnyCommandFor, type AppliedAll, type CommandFor, commandFor } from "./repository/command-for.js";
export type { Plan } from "./repository/commit.js";
export { decide } from "./repository/decide.js";
export type { LoadAggregateOptions, Loaded, LoadManyOptions } from "./repository/load-aggregates.js";
export type { Moment } from "./repository/moment.js";
export type { ObservedOperation, ObserveOperation } from "./repository/observed-operation.js";
export { provideRepository, type RepositoryClass } from "./repository/provide-repository.js";
export { Repository } from "./repository/repository.js";
export type {
  AggregateChoice,
  AppendEventsOptions,
  Applied,
  ApplyAllOptions,
  ApplyOptions,
  DeleteOptions,
  HistoryOptions,
  PlanOptions,
  RepositoryOptions,
  RepositoryStore,
} from "./repository/repository-options.js";
export { repositoryTelemetry } from "./repository/repository-telemetry.js";
export {
  fromRecord,
  project,
  type RecordOptions,
  streamId,
  streamPrefix,
  toRecord,
} from "./repository/stream-records.js";
export type { ValidateFields } from "./repository/validate.js";
export type { AggregateCache, CachedAggregate } from "./repository/warm-aggregates.js";
export type { Doorbell, DoorbellBatch, DoorbellReceiver, DoorbellSource } from "./store/doorbell.js";
export { type EventReference, metaOf, type SaveMeta } from "./store/meta.js";
export type {
  KeptRow,
  Parking,
  Position,
  PositionMove,
  PositionPage,
  PositionReadOptions,
  PositionScanOptions,
  PositionStore,
  StoredPosition,
} from "./store/positions.js";
export {
  AGGREGATE_STORE,
  type ExistingProvider,
  type FactoryProvider,
  OPAQUE_STORE,
  type Provider,
  type ProviderToken,
  SNAPSHOT_TAIL_STORE,
  STORE,
} from "./store/provider.js";
export type {
  AggregateStore,
  Claim,
  ClaimingStore,
  ClaimPage,
  ClaimScanningStore,
  EventStore,
  EventsOptions,
  History,
  LoadOptions,
  RecordPage,
  RecordScanOptions,
  RepairableStore,
  RestorableStore,
  RowWrite,
  SaveAggregateOptions,
  SaveOptions,
  ScannableStore,
  ScannedClaim,
  ScannedRecord,
  SnapshotTailStore,
  Store,
  StoredClaim,
  StoredRecord,
  StreamCheck,
  StreamingStore,
  StreamWrite,
  TransactionalStore,
  TransactionOptions,
  TrimmableStore,
} from "./store/store.js";
export { isTombstone, tombstoneOf, tombstoneRecord } from "./store/tombstone.js";
export type { MeterLike, SpanLike, TelemetryOptions, TracerLike } from "./telemetry.js";
