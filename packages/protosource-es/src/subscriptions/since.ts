/** From when on events have an effect outside of the subscription. */
import { invalid } from "../errors.js";

/**
 * The events that a process or an outbox is for: all, or those from a time on, so that a new one leaves alone what
 * happened before it. Earlier ones are passed over; their handlers are called for the memo alone.
 */
export type Since = "beginning" | Date;

/** Gives the time from which events are handled, in microseconds. Throws `invalid_argument` for what is no time. */
export function beginOf(name: string, since: Since): bigint {
  if (since === "beginning") return 0n;
  const time = since instanceof Date ? since.getTime() : Number.NaN;
  if (!Number.isFinite(time)) throw invalid("since", `${name} needs a since: "beginning", or a Date`);
  return BigInt(time) * 1000n;
}
