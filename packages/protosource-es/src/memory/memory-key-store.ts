/** Keys in memory. */
import type { KeyStore } from "../personal/key-store.js";
import { type KeyEntry, type KeyTableOptions, tableKeyStore } from "../personal/key-table.js";
import { throwIfAborted } from "../store/save-checks.js";

/** Keeps the keys of persons in memory, for tests: when the process ends, nothing that they sealed opens any more. */
export function memoryKeyStore(options: KeyTableOptions = {}): KeyStore {
  const entries = new Map<string, KeyEntry>();
  return tableKeyStore(
    {
      async read(names, { signal }) {
        throwIfAborted(signal, "KeyStore");
        return new Map(names.flatMap((name) => [[name, entries.get(name)] as const]).filter(isFound));
      },
      async write(name, entry) {
        if ((entries.get(name)?.revision ?? 0) !== entry.revision - 1) return false;
        entries.set(name, entry);
        return true;
      },
    },
    options,
  );
}

function isFound(found: readonly [string, KeyEntry | undefined]): found is readonly [string, KeyEntry] {
  return found[1] !== undefined;
}
