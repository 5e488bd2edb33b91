import { AsyncLocalStorage } from "node:async_hooks";
import type { ObservedRequest } from "protosource-es/dynamodb";
import type { Meter } from "./studio.js";

interface Sum {
  requests: number;
  readUnits: number;
}

/** Makes what adds up the requests of a piece of work, of whatever else runs at the same time none. */
export function requestMeter(): Meter & { readonly onRequest: (request: ObservedRequest) => void } {
  const current = new AsyncLocalStorage<Sum>();
  return {
    async measure(work) {
      const cost: Sum = { requests: 0, readUnits: 0 };
      const result = await current.run(cost, work);
      return { result, cost };
    },
    onRequest({ readUnits }) {
      const sum = current.getStore();
      if (sum === undefined) return;
      sum.requests++;
      sum.readUnits += readUnits;
    },
  };
}
