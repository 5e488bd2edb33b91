import { whenAborted } from "../signals.js";
import { type Attempt, createAttempt, mayHaveLeft } from "./attempt.js";
import { NO_FREE_SOCKET } from "./failures.js";

/** How long one attempt may take, in milliseconds. */
export interface AttemptLimits {
  /** From its start on, or from when a request that waited for a socket has got one. */
  readonly attemptMs: number;
  /** How long a request may wait in this process for a socket. */
  readonly socketMs: number;
}

/** What became of an attempt. */
export interface AttemptOutcome<O> {
  readonly output?: O;
  readonly error?: unknown;
  /** Whether DynamoDB may have got it. */
  readonly left: boolean;
  /** How long it waited for a socket, in milliseconds. */
  readonly waitedMs: number;
}

/** The longest time that a timer of Node's takes. At a longer one, it goes off at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Makes an attempt that ends when its time is up or the signal is aborted, whether the client listens or not. */
export async function runAttempt<O extends object>(
  { attemptMs, socketMs }: AttemptLimits,
  signal: AbortSignal | undefined,
  send: (attempt: Attempt) => Promise<O>,
): Promise<AttemptOutcome<O>> {
  const controller = new AbortController();
  let waitedMs = 0;
  let waitingSince: number | undefined;
  let giveUp = (): void => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = () => {
      controller.abort();
      const error = new Error("the attempt was given up");
      const timeUp = waitingSince === undefined ? "TimeoutError" : NO_FREE_SOCKET;
      error.name = signal?.aborted ? "AbortError" : timeUp;
      reject(error);
    };
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const endIn = (ms: number, end: () => void): void => {
    clearTimeout(timer);
    timer = setTimeout(end, Math.min(ms, MAX_TIMER_MS));
  };
  // Where the program was busy, an answer may have arrived in time that isn't read yet.
  const endSoon = (): void => {
    const expired = timer;
    setImmediate(() => {
      if (timer === expired && !attempt.isWaiting()) giveUp();
    });
  };
  const endWait = (): void => {
    if (waitingSince !== undefined) waitedMs += performance.now() - waitingSince;
    waitingSince = undefined;
  };
  const attempt = createAttempt(controller.signal, {
    onWait() {
      waitingSince = performance.now();
      endIn(socketMs - waitedMs, giveUp);
    },
    onLeave() {
      endWait();
      endIn(attemptMs, endSoon);
    },
  });
  endIn(attemptMs, endSoon);
  const forget = whenAborted(signal, giveUp);
  try {
    return { output: await Promise.race([send(attempt), givenUp]), left: true, waitedMs };
  } catch (error) {
    endWait();
    return { error, left: mayHaveLeft(attempt), waitedMs };
  } finally {
    clearTimeout(timer);
    forget();
  }
}
