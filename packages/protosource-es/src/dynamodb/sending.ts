/** Sends one request with its time limits and retries, and tells an observer what it cost. */
import type { ConsumedCapacity } from "@aws-sdk/client-dynamodb";
import { ProtosourceError } from "../errors.js";
import { sleep } from "../signals.js";
import type { Attempt } from "./attempt.js";
import { failureOf, NO_FREE_SOCKET, type Refusal } from "./failures.js";
import { runAttempt } from "./run-attempt.js";

/** How long a request may take. */
export interface TimeLimits {
  /**
   * Milliseconds for one `client.send`, with the retries that the SDK makes within it. 5,000 by default. They begin
   * anew when a request that waited in this process for a socket has got one.
   */
  readonly attemptMs?: number | undefined;
  /** Milliseconds for one request with all its attempts, without the waiting for a socket. 20,000 by default. */
  readonly totalMs?: number | undefined;
  /**
   * Milliseconds that a request may wait in this process, beside the others, while the client's agent uses all of its
   * `maxSockets`. 120,000 by default. What waited in vain was never sent.
   */
  readonly socketMs?: number | undefined;
}

/** One finished request. */
export interface ObservedRequest {
  readonly operation: string;
  readonly table: string;
  /** How often the request was given to the client. */
  readonly attempts: number;
  /** Read capacity units, as DynamoDB reports them. */
  readonly readUnits: number;
  /** Write capacity units, as DynamoDB reports them. It doesn't report those of a failed request. */
  readonly writeUnits: number;
  readonly milliseconds: number;
  /** Why the request failed, when it did. */
  readonly failure: string | undefined;
}

/** What the stores have in common. */
export interface RequestOptions {
  readonly timeLimits?: TimeLimits | undefined;
  /**
   * Is told of each request. Without it no capacity is asked for, which saves some 60 bytes of each answer. When it
   * throws, the process emits a warning, and the request goes on.
   */
  readonly onRequest?: ((request: ObservedRequest) => void) | undefined;
  /**
   * Takes answers as they come, without the SDK's copies and schema walks. Off, the SDK's plain commands are sent; they
   * take up to five times the processor time. A client's own middleware, logger, mocks and tracers work as before, but
   * see binary values of items as base64, and a middleware is given its context once for many requests. On by default.
   */
  readonly fastPath?: boolean | undefined;
}

/**
 * What became of a request: its output, or why each of its items was refused, and then whether an attempt was made
 * before that may still be carried out.
 */
export type Sent<O> =
  | { readonly output: O; readonly refusals?: undefined; readonly inDoubt?: undefined }
  | { readonly output?: undefined; readonly refusals: readonly Refusal[]; readonly inDoubt: boolean };

/**
 * Sends a request until it is answered, refused, or out of time.
 *
 * Throws `cancelled`, `table_missing`, `denied`, `invalid_argument` or `unavailable`; the last with outcome `"unknown"`
 * when an attempt was made of which nobody knows whether it was carried out.
 */
export type Sender = <O extends object>(
  /** As DynamoDB calls it. */
  operation: string,
  table: string,
  signal: AbortSignal | undefined,
  /** Sends the request, the same each time. */
  send: (capacity: "TOTAL" | undefined, attempt: Attempt) => Promise<O>,
) => Promise<Sent<O>>;

type Consumed = ConsumedCapacity | ConsumedCapacity[];

const READS = new Set([
  "Query",
  "Scan",
  "GetItem",
  "DescribeTable",
  "DescribeTimeToLive",
  "DescribeContinuousBackups",
  "ListStreams",
  "DescribeStream",
  "GetShardIterator",
  "GetRecords",
]);

const DEFAULT_ATTEMPT_MS = 5_000;
const DEFAULT_TOTAL_MS = 20_000;
const DEFAULT_SOCKET_MS = 120_000;
const MAX_ATTEMPTS = 8;
const BACK_OFF_MS = 50;
const MAX_BACK_OFF_MS = 2_000;

/** Makes a sender with the given limits. Throws `invalid_argument` for a limit that isn't positive. */
export function createSender(options: RequestOptions): Sender {
  const attemptMs = positive(options.timeLimits?.attemptMs ?? DEFAULT_ATTEMPT_MS, "timeLimits.attemptMs");
  const totalMs = positive(options.timeLimits?.totalMs ?? DEFAULT_TOTAL_MS, "timeLimits.totalMs");
  const socketMs = positive(options.timeLimits?.socketMs ?? DEFAULT_SOCKET_MS, "timeLimits.socketMs");
  const { onRequest } = options;

  return async (operation, table, signal, send) => {
    const capacity = onRequest ? "TOTAL" : undefined;
    const start = performance.now();
    let end = start + totalMs;
    let waitedMs = 0;
    let attempts = 0;
    let inDoubt = false;
    let reasons: readonly string[] = [];
    let cause: unknown;

    const isRead = READS.has(operation);

    const observe = (failure: string | undefined, output: { ConsumedCapacity?: Consumed } = {}): void => {
      const units = [output.ConsumedCapacity ?? []].flat().reduce((sum, c) => sum + (c.CapacityUnits ?? 0), 0);
      try {
        onRequest?.({
          operation,
          table,
          attempts,
          readUnits: isRead ? units : 0,
          writeUnits: isRead ? 0 : units,
          milliseconds: performance.now() - start,
          failure,
        });
      } catch (error) {
        // What was saved mustn't look like a failure to the caller, who would do it again.
        process.emitWarning(`onRequest threw: ${String(error)}`);
      }
    };

    while (!signal?.aborted) {
      attempts++;
      const limits = { attemptMs: Math.min(attemptMs, end - performance.now()), socketMs: socketMs - waitedMs };
      const answer = await runAttempt(limits, signal, (attempt) => send(capacity, attempt));
      end += answer.waitedMs;
      waitedMs += answer.waitedMs;
      if (answer.output) {
        observe(undefined, answer.output);
        return { output: answer.output };
      }
      cause = answer.error;
      const failure = failureOf(cause, operation, table, answer.left);
      inDoubt ||= failure.inDoubt;
      if (failure.kind === "refused") {
        observe("refused");
        return { refusals: failure.refusals, inDoubt };
      }
      if (failure.kind === "final" && (isRead || !inDoubt)) {
        observe(failure.error.code);
        throw failure.error;
      }
      reasons = failure.reasons;
      if (failure.kind === "final" || attempts === MAX_ATTEMPTS || reasons.includes(NO_FREE_SOCKET)) break;
      const pause = Math.random() * Math.min(MAX_BACK_OFF_MS, BACK_OFF_MS * 2 ** (attempts - 1));
      if (performance.now() + pause >= end) break;
      await sleep(pause, signal);
    }

    const unknown = inDoubt && !isRead;
    if (signal?.aborted && !unknown) {
      observe("cancelled");
      throw new ProtosourceError(
        "cancelled",
        `${operation} on ${table}: the signal was aborted`,
        { operation },
        {
          cause: signal.reason,
        },
      );
    }
    observe("unavailable");
    const advice = reasons.includes(NO_FREE_SOCKET)
      ? `give the agent of the client's requestHandler more maxSockets, or send less at once`
      : "check the endpoint and the table's capacity, and try again";
    throw new ProtosourceError(
      "unavailable",
      `${operation} on ${table} wasn't answered after ${attempts} attempts (${reasons.join(", ")})${
        unknown ? "; it may have been carried out" : ""
      }: ${advice}`,
      { operation, reasons, outcome: unknown ? "unknown" : "not_applied" },
      { cause },
    );
  };
}

function positive(value: number, argument: string): number {
  if (!(value > 0)) {
    throw new ProtosourceError("invalid_argument", `${argument} is ${value}: give a number of milliseconds above 0`, {
      argument,
    });
  }
  return value;
}
