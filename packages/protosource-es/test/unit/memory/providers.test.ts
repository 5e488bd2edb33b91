import { MemoryOpaqueStore, MemoryStore, provideOpaqueStore, providerSet, provideStore } from "protosource-es/memory";
import { expect, test } from "vitest";

/** A container of a few lines: what the providers must be fit for. */
function resolve(token: unknown, made: Map<unknown, unknown> = new Map()): unknown {
  const provider = providerSet.find(({ provide }) => provide === token);
  if (!provider) throw new Error(`nothing provides ${String(token)}`);
  if ("useExisting" in provider) return resolve(provider.useExisting, made);
  if (!made.has(token)) {
    const dependencies = provider.inject.map((dependency) => resolve(dependency, made));
    made.set(token, Reflect.apply(provider.useFactory, undefined, dependencies));
  }
  return made.get(token);
}

test("the provider set gives one store under all of its tokens, over one OpaqueStore", () => {
  const made = new Map();
  const [opaqueStore, ...stores] = [
    "protosource-es/opaque-store",
    "protosource-es/store",
    "protosource-es/snapshot-tail-store",
    "protosource-es/aggregate-store",
  ].map((name) => resolve(Symbol.for(name), made));
  expect(opaqueStore).toBeInstanceOf(MemoryOpaqueStore);
  const store = resolve(MemoryStore, made) as MemoryStore;
  expect(store).toBeInstanceOf(MemoryStore);
  expect(store.opaqueStore).toBe(opaqueStore);
  for (const one of stores) expect(one).toBe(store);
});

test("the factories can be called by hand", () => {
  const opaqueStore = provideOpaqueStore();
  expect(provideStore(opaqueStore).opaqueStore).toBe(opaqueStore);
});
