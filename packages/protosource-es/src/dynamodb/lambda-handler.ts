/** The function that AWS Lambda's event source mapping calls. */
import { type LambdaContext, withRemainingTime } from "../remaining-time.js";
import type { DoorbellReceiver } from "../store/doorbell.js";
import { type BatchResponse, batchResponse } from "./batch-response.js";
import { doorbellsOf, type LambdaEvent } from "./lambda-events.js";

/** What a mapping calls. */
export type LambdaHandler = (event: LambdaEvent, context: LambdaContext) => Promise<BatchResponse>;

/**
 * Makes the handler of an event source mapping of DynamoDB Streams, or of Kinesis, with `ReportBatchItemFailures`: it
 * brings what rings to `Subscriptions`. What
 * can't be done for now, and what there is no time for, rings again; what a handler of yours refuses is parked, and done.
 *
 * A mapping reads the stream without a charge. For requests there is `httpLambdaHandler` of `protosource-es/lambda`.
 */
export function lambdaHandler(receiver: DoorbellReceiver): LambdaHandler {
  return async (event, context) => {
    const doorbells = doorbellsOf(event);
    if (doorbells.length === 0) return batchResponse([]);
    return withRemainingTime(context, async (signal) => {
      const { failures } = await receiver.deliver(doorbells, { signal });
      const failed = new Set(failures.map(({ doorbell }) => doorbell.streamId));
      return batchResponse(doorbells.flatMap((one) => (failed.has(one.streamId) ? one.sequenceNumber : [])));
    });
  };
}
