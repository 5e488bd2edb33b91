/** What an engine says that requests cost, to hold what is told of that to it. */
import type { Fate } from "protosource-es/testing/faults";

/** What a proxy has counted. */
export interface CountedCost {
  /** What becomes of requests: they pass, and what the engine says of their cost is counted. */
  readonly fate: Fate;
  readonly cost: { readonly requests: number; readonly readUnits: number };
}

/** Begins to count, at nothing. */
export function countedCost(): CountedCost {
  const cost = { requests: 0, readUnits: 0 };
  return {
    fate: {
      rewrite(answer) {
        const { CapacityUnits = 0 } = (answer["ConsumedCapacity"] ?? {}) as { readonly CapacityUnits?: number };
        cost.requests++;
        cost.readUnits += CapacityUnits;
        return answer;
      },
    },
    cost,
  };
}
