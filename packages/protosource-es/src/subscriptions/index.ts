/** Subscriptions: what events cause, once each, on every store. */
export type { AuditFinding, AuditReport } from "./audit.js";
export type { CatchUpCounts, CatchUpPlan, CatchUpProgress } from "./catch-up.js";
export { cloudEvent } from "./cloud-events.js";
export { defineHandler, type HandlerContext, type HandlerOptions } from "./define-handler.js";
export { defineLedger, type Ledger, type LedgerOptions } from "./define-ledger.js";
export {
  defineOutbox,
  type OutboxAnswer,
  type OutboxContext,
  type OutboxOptions,
  type Outgoing,
} from "./define-outbox.js";
export {
  defineProcess,
  type Process,
  type ProcessContext,
  type ProcessOptions,
  type TimerContext,
  type TimerHandler,
} from "./define-process.js";
export { defineReadModel, type ReadModel, type ReadModelOptions, type RowContext } from "./define-read-model.js";
export type { Delivery, DeliveryFailure } from "./deliver.js";
export type { DropCounts, DropPlan, DropProgress } from "./drop.js";
export type { Engine, Happening, ObservedStep, TraceStep } from "./engine.js";
export { type FeedEvent, type FeedPlan, feed } from "./feed.js";
export type { FiredTimers } from "./fire-timers.js";
export { feedBehind } from "./follow-feed.js";
export { type LedgerFeedOptions, ledgerFeed } from "./ledger-feed.js";
export { modelRows } from "./model-rows.js";
export { type EventContext, type HandledSource, type Handlers, on } from "./on.js";
export { type Rung, ring } from "./ring.js";
export type { Saved } from "./saved.js";
export type { Counts, ScanPlan, ScanProgress, SegmentState } from "./scan-plan.js";
export {
  after,
  cancel,
  type Delay,
  type ProcessAnswer,
  type ProcessStep,
  type Refused,
  type Sending,
  send,
  type TimerCancelling,
  type TimerSetting,
} from "./send.js";
export type { Since } from "./since.js";
export type { FormattedEvent, OutboxMessage, OutgoingEvent, Sink } from "./sink.js";
export { type EventBridgeLike, type EventBridgeOptions, eventBridge } from "./sinks/event-bridge.js";
export { type KafkaOptions, type KafkaProducerLike, kafka } from "./sinks/kafka.js";
export { type SnsLike, type SnsOptions, sns } from "./sinks/sns.js";
export { type SqsLike, type SqsOptions, sqs } from "./sinks/sqs.js";
export { type SubscriptionStatus, subscriptionStatuses } from "./status.js";
export {
  type Effect,
  type EventRun,
  type ReactTools,
  type Subscription,
  type SubscriptionSource,
  type SubscriptionStore,
  subscriptionId,
} from "./subscription.js";
export { type SubscriptionTelemetry, subscriptionTelemetry } from "./subscription-telemetry.js";
export {
  type ParkedStream,
  Subscriptions,
  type SubscriptionsOptions,
} from "./subscriptions.js";
export { type PromotePlan, servedRows } from "./versions.js";
