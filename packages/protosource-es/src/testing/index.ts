/** What tests need: the cases that judge a store, given/when/then for aggregates, and a clock that stands still. */
export type {
  Capability,
  ConformanceCase,
  ConformanceContext,
  OpenOptions,
  StoreUnderTest,
} from "./conformance/conformance-case.js";
export { type RunnableCase, runnableCases, type StoreHarness } from "./conformance/runnable-cases.js";
export { storeConformance } from "./conformance/store-conformance.js";
export { FakeClock } from "./fake-clock.js";
export { type CommandExpectation, type Given, type GivenOptions, given, type Refusal } from "./given.js";
