/** Keys that are kept for a while, so that not every read and every command asks for them. */
import type { Clock } from "../clock.js";

/** Keeps values for a time, and the last ones used of them. */
export interface KeyCache<V> {
  get(name: string): V | undefined;
  set(name: string, value: V): void;
  clear(): void;
}

/** Makes a cache of at most `size` values, each of which it keeps for `maxAgeSeconds`. */
export function keyCache<V>(size: number, maxAgeSeconds: number, clock: Clock): KeyCache<V> {
  const entries = new Map<string, { readonly value: V; readonly until: bigint }>();
  const maxAge = BigInt(Math.round(maxAgeSeconds * 1_000_000));
  return {
    get(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      entries.delete(name);
      if (entry.until <= clock.now()) return undefined;
      entries.set(name, entry);
      return entry.value;
    },
    set(name, value) {
      entries.delete(name);
      entries.set(name, { value, until: clock.now() + maxAge });
      const [oldest] = entries.keys();
      if (entries.size > size && oldest !== undefined) entries.delete(oldest);
    },
    clear() {
      entries.clear();
    },
  };
}
