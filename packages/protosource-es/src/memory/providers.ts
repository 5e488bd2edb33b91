/** The providers of this backend, for NestJS and containers like it. */
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import { AGGREGATE_STORE, OPAQUE_STORE, type Provider, SNAPSHOT_TAIL_STORE, STORE } from "../store/provider.js";
import { MemoryOpaqueStore } from "./memory-opaque-store.js";
import { MemoryStore } from "./memory-store.js";

/** Makes the store of rows. */
export function provideOpaqueStore(): MemoryOpaqueStore {
  return new MemoryOpaqueStore();
}

/** Makes the store of streams. */
export function provideStore(opaqueStore: OpaqueStore): MemoryStore {
  return new MemoryStore({ opaqueStore });
}

/**
 * Everything that a container needs for this backend. `STORE`, `SNAPSHOT_TAIL_STORE` and `AGGREGATE_STORE` are one and
 * the same store.
 */
export const providerSet: Provider[] = [
  { provide: OPAQUE_STORE, useFactory: provideOpaqueStore, inject: [] },
  { provide: MemoryStore, useFactory: provideStore, inject: [OPAQUE_STORE] },
  { provide: STORE, useExisting: MemoryStore },
  { provide: SNAPSHOT_TAIL_STORE, useExisting: MemoryStore },
  { provide: AGGREGATE_STORE, useExisting: MemoryStore },
];
