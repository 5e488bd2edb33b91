/** What the services that take several messages in one request have in common. */
import { invalid, ProtosourceError } from "../../errors.js";
import type { OutboxMessage } from "../sink.js";

/** How much a service takes in one request. */
export interface BatchLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** What AWS's services took for long, and their smallest queues and topics still take. */
export const AWS_LIMITS: BatchLimits = { messages: 10, bytes: 262_144 };

/** A message that a service didn't take. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Codes that services give one entry of a request for what is in it. Others speak of their state, or of the set-up. */
const UNSENDABLE: ReadonlySet<string> = new Set([
  "InvalidArgument",
  "InvalidMessageContents",
  "InvalidParameter",
  "InvalidParameterValue",
  "MalformedDetail",
]);

/**
 * Gives the messages, from the first on, that fit in one request. Throws `too_large` when the first alone doesn't.
 */
export function firstBatch(
  service: string,
  messages: readonly OutboxMessage[],
  limits: BatchLimits,
  sizeOf: (message: OutboxMessage) => number,
): readonly OutboxMessage[] {
  let size = 0;
  let count = 0;
  for (const message of messages.slice(0, limits.messages)) {
    const bytes = sizeOf(message);
    if (bytes > limits.bytes) {
      if (count > 0) break;
      throw tooLarge(service, message, bytes, limits.bytes);
    }
    size += bytes;
    if (size > limits.bytes) break;
    count++;
  }
  return messages.slice(0, count);
}

/**
 * Counts the messages that were taken before the first that wasn't. When that is the first of all it throws:
 * `invalid_argument` where it is refused for what is in it, else `unavailable`.
 */
export function countTaken(service: string, refusals: readonly (Refusal | undefined)[]): number {
  const [first] = refusals;
  if (first !== undefined) {
    const { code, message } = first;
    if (UNSENDABLE.has(code)) throw invalid("message", `${service} refuses the message (${code}: ${message})`);
    const why = `${service} didn't take the message for now (${code}: ${message}): it is sent again`;
    throw new ProtosourceError("unavailable", why, { operation: "send", reasons: [code], outcome: "not_applied" });
  }
  const refused = refusals.findIndex((refusal) => refusal !== undefined);
  return refused < 0 ? refusals.length : refused;
}

/** Makes the error of a message that no request can hold. */
export function tooLarge(
  service: string,
  { dedupeId, type }: OutboxMessage,
  size: number,
  limit: number,
): ProtosourceError<"too_large"> {
  const what = `the message ${dedupeId} (${type})`;
  return new ProtosourceError(
    "too_large",
    `${what} has ${size} bytes, and ${service} takes ${limit}: tell less of the event, or raise maxBytes where it takes more`,
    { what, size, limit },
  );
}

/** Gives how many bytes texts are as UTF-8. */
export function utf8Bytes(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + ENCODER.encode(text).length, 0);
}

const ENCODER = new TextEncoder();
