import { ProtosourceError, type Store } from "protosource-es";

/** Gives what a repository needs to load aggregates, and refuses to save any. */
export function loadOnly(store: Pick<Store, "load">): Store {
  return {
    load: (aggregateId, options) => store.load(aggregateId, options),
    async save(aggregateId) {
      throw new ProtosourceError("denied", `nothing is saved to ${aggregateId}: the studio only reads`, {
        reason: "read-only",
      });
    },
  };
}
