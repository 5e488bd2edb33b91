/** The time that a function of AWS Lambda has left. */

/** The part of AWS Lambda's context that is looked at. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number;
}

/** The end of the time that is kept for the answer: a tenth of it, and 3 seconds at most. */
const MAX_MARGIN_MS = 3_000;

/** Runs work with a signal that is aborted, as by a timeout, while there is time for an answer yet. */
export async function withRemainingTime<T>(
  context: LambdaContext,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const remaining = context.getRemainingTimeInMillis();
  const time = new AbortController();
  const timer = setTimeout(
    () => time.abort(new DOMException("the function's time is up", "TimeoutError")),
    remaining - Math.min(remaining / 10, MAX_MARGIN_MS),
  );
  try {
    return await run(time.signal);
  } finally {
    clearTimeout(timer);
  }
}
