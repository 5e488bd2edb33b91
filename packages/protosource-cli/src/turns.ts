/** Long work that never waits by itself: nobody else has a turn meanwhile, and an interruption isn't heard. */
import { setImmediate } from "node:timers/promises";
import { throwIfInterrupted } from "./failure.js";

/** How long work may go on without a turn for others, in milliseconds. */
const TURN_EVERY_MS = 50;

/** Makes what such work awaits again and again: now and then it lets others have their turn. It throws `cancelled`. */
export function createTurns(signal: AbortSignal): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < TURN_EVERY_MS) return;
    await setImmediate();
    last = performance.now();
    throwIfInterrupted(signal);
  };
}
