import { whenAborted } from "../signals.js";

/** What is streamed, and until when. */
export interface EventStreamPlan {
  /** Each ends it. */
  readonly signals: readonly (AbortSignal | undefined)[];
  readonly heartbeatMs: number;
  readonly lifetimeMs: number;
  /** Makes the texts of the events, which end when the signal is aborted. */
  texts(signal: AbortSignal): AsyncGenerator<string, void, undefined>;
}

/** Tells an `EventSource` how long to wait before it comes again, in milliseconds. */
const HELLO = "retry: 1000\n\n";

/** A comment, which nobody is told of. */
const HEARTBEAT = ":\n\n";

/**
 * Makes the body of server-sent events. It makes no text before the client takes it, and leaves neither a timer nor a
 * listener behind once it has ended, whoever ended it.
 */
export function eventStream({ signals, heartbeatMs, lifetimeMs, texts }: EventStreamPlan): ReadableStream<Uint8Array> {
  const life = new AbortController();
  const timer = setTimeout(end, lifetimeMs);
  let forgets: readonly (() => void)[] = [];
  forgets = signals.map((signal) => whenAborted(signal, end));
  // One that was aborted before has ended it while there was nothing to forget.
  if (life.signal.aborted) end();
  const events = texts(life.signal);
  const encoder = new TextEncoder();
  let next: Promise<IteratorResult<string, void>> | undefined;

  function end(): void {
    life.abort();
    clearTimeout(timer);
    for (const forget of forgets) forget();
  }

  return new ReadableStream(
    {
      start: (controller) => controller.enqueue(encoder.encode(HELLO)),
      async pull(controller) {
        next ??= events.next();
        const result = await within(heartbeatMs, next);
        if (result === undefined) return controller.enqueue(encoder.encode(HEARTBEAT));
        next = undefined;
        if (!result.done) return controller.enqueue(encoder.encode(result.value));
        end();
        controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

/** Gives what a promise gives in time; undefined after that. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
