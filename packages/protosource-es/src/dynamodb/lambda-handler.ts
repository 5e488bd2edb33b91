/** The function that AWS Lambda's event source mapping calls. */
import type { DoorbellReceiver } from "../store/doorbell.js";
import { type BatchResponse, batchResponse } from "./batch-response.js";
import { doorbellsOf, type LambdaEvent } from "./lambda-events.js";

/** The part of AWS Lambda's context that is looked at. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number;
}

/** What a mapping calls. */
export type LambdaHandler = (event: LambdaEvent, context: LambdaContext) => Promise<BatchResponse>;

/** The end of the time that is kept for the answer: a tenth of it, and 3 seconds at most. */
const MAX_MARGIN_MS = 3_000;

/**
 * Makes the handler of an event source mapping of DynamoDB Streams, or of Kinesis, with `ReportBatchItemFailures`: it
 * brings what rings to `Subscriptions`. What
 * can't be done for now, and what there is no time for, rings again; what a handler of yours refuses is parked, and done.
 *
 * A mapping reads the stream without a charge.
 */
export function lambdaHandler(receiver: DoorbellReceiver): LambdaHandler {
  return async (event, context) => {
    const doorbells = doorbellsOf(event);
    if (doorbells.length === 0) return batchResponse([]);
    const remaining = context.getRemainingTimeInMillis();
    const time = new AbortController();
    const timer = setTimeout(() => time.abort(), remaining - Math.min(remaining / 10, MAX_MARGIN_MS));
    try {
      const { failures } = await receiver.deliver(doorbells, { signal: time.signal });
      const failed = new Set(failures.map(({ doorbell }) => doorbell.streamId));
      return batchResponse(doorbells.flatMap((one) => (failed.has(one.streamId) ? one.sequenceNumber : [])));
    } finally {
      clearTimeout(timer);
    }
  };
}
