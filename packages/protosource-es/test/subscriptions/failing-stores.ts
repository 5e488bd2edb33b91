/** Stores that fail around a save. */
import { type EventStore, ProtosourceError } from "protosource-es";

/** A store that saves, and whose answers to every other save are lost. */
export function losingAnswers(store: EventStore): EventStore {
  let saves = 0;
  return withSaveAll(store, async (...args) => {
    const outcome = await store.saveAll(...args);
    if (saves++ % 2 === 1) return outcome;
    const details = { operation: "saveAll", reasons: ["lost"], outcome: "unknown" } as const;
    throw new ProtosourceError("unavailable", "lost", details);
  });
}

/** A store whose process ends before anything is saved. */
export function endingBeforeSave(store: EventStore): EventStore {
  return withSaveAll(store, () => Promise.reject(new ProtosourceError("cancelled", "ended", { operation: "saveAll" })));
}

function withSaveAll(store: EventStore, saveAll: EventStore["saveAll"]): EventStore {
  return new Proxy(store, {
    get: (target, key) => {
      if (key === "saveAll") return saveAll;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
