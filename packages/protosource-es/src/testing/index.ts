/** What tests need: the cases that judge a store, given/when/then for aggregates, read models and processes, and a clock that stands still. */
export type { AnyOrderOptions } from "./any-order.js";
export { type Api, type ApiExpectation, type ApiWithPast, api } from "./api.js";
export type {
  Capability,
  ConformanceCase,
  ConformanceContext,
  OpenOptions,
  StoreUnderTest,
} from "./conformance/conformance-case.js";
export { type KeyStoreCase, type KeyStoreContext, keyStoreConformance } from "./conformance/key-store-conformance.js";
export { type RunnableCase, runnableCases, type StoreHarness } from "./conformance/runnable-cases.js";
export { storeConformance } from "./conformance/store-conformance.js";
export { FakeClock } from "./fake-clock.js";
export { given } from "./given.js";
export type { CommandExpectation, EventOptions, Given, GivenOptions, Refusal } from "./given-aggregate.js";
export type { AnswerExpectation, GivenProcess } from "./given-process.js";
export type { ExpectedRows, GivenReadModel, HappenedReadModel, RowsExpectation } from "./given-read-model.js";
export type { StreamEvents } from "./stream-events.js";
