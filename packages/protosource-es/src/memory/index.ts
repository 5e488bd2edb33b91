/** Streams and rows in memory: for tests, first steps, and as an example of a store. */
export { memoryKeyStore } from "./memory-key-store.js";
export { MemoryOpaqueStore, type MemoryOpaqueStoreOptions, type MemoryRows } from "./memory-opaque-store.js";
export {
  type MemoryClaim,
  type MemoryClaims,
  type MemoryPositions,
  type MemoryRecord,
  MemoryStore,
  type MemoryStoreOptions,
  type MemoryStreams,
} from "./memory-store.js";
export { provideOpaqueStore, providerSet, provideStore } from "./providers.js";
