/** Functions of AWS Lambda that are called with requests, and with messages of a queue. */
export type { LambdaContext } from "../remaining-time.js";
export type { AlbEvent, HttpEvent, HttpEventV1, HttpEventV2 } from "./http-events.js";
export { type HttpLambdaHandler, httpLambdaHandler } from "./http-lambda-handler.js";
export type { HttpResult } from "./http-results.js";
export {
  type ProcessBatchOptions,
  processBatch,
  type SqsBatchResponse,
  type SqsEvent,
  type SqsRecord,
} from "./process-batch.js";
