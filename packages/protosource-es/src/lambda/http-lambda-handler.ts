/** The function that API Gateway, a function URL and a load balancer call. */
import { type LambdaContext, withRemainingTime } from "../remaining-time.js";
import { type HttpEvent, requestOf } from "./http-events.js";
import { type HttpResult, resultOf } from "./http-results.js";

/** What is called with a request. */
export type HttpLambdaHandler<E extends HttpEvent = HttpEvent> = (
  event: E,
  context: LambdaContext,
) => Promise<HttpResult>;

/**
 * Makes the function that answers with what a handler of requests answers, whoever calls it: API Gateway with either
 * payload format, a function URL, or an Application Load Balancer. It is none for a stream of changes: that is
 * `lambdaHandler` of `protosource-es/dynamodb`.
 *
 * The signal of the request is aborted with a tenth of the function's time left, 3 seconds at most, for an answer yet.
 * The handler is given the event, too, with what an authorizer in front has found out, in the form that its parameter says.
 * What AWS called with and no request can be made of is answered with status 400. A load balancer without multi-value
 * headers takes only the last of several cookies, and a REST API gives binary bodies on for its `binaryMediaTypes` alone.
 */
export function httpLambdaHandler<E extends HttpEvent = HttpEvent>(
  handle: (request: Request, event: E) => Promise<Response>,
): HttpLambdaHandler<E> {
  return (event, context) =>
    withRemainingTime(context, async (signal) => {
      const request = requestIn(event, signal);
      return resultOf(
        request === undefined ? new Response(null, { status: 400 }) : await handle(request, event),
        event,
      );
    });
}

function requestIn(event: HttpEvent, signal: AbortSignal): Request | undefined {
  try {
    return requestOf(event, signal);
  } catch {
    return undefined;
  }
}
