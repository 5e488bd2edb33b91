import type { Incoming } from "./node-listener.js";

/** The body of a request, as it comes. */
export interface IncomingBody {
  /** Takes no more from the connection than is asked for. Cancelling it leaves the connection as it is. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Throws away what comes yet, once the answer is sent. */
  leave(): void;
}

/**
 * The milliseconds in which the client of a body that nobody wants gets to the answer. Before it has read that, a
 * connection that is closed on bytes which weren't read would take it away.
 */
const LINGER_MS = 10_000;

/** Gives the body of a request. Throws for one that something else has begun to read. */
export function incomingBody(incoming: Incoming): IncomingBody {
  if (incoming.readableDidRead) {
    throw new Error("the body was read before the listener was called: mount it ahead of what reads bodies");
  }
  let isLeft = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const unlessLeft =
          <A extends readonly unknown[]>(run: (...args: A) => void) =>
          (...args: A): void => {
            if (!isLeft) run(...args);
          };
        incoming.on(
          "data",
          unlessLeft((piece: Uint8Array) => {
            incoming.pause();
            controller.enqueue(piece);
          }),
        );
        incoming.once(
          "end",
          unlessLeft(() => controller.close()),
        );
        incoming.once(
          "error",
          unlessLeft((error: unknown) => controller.error(error)),
        );
        incoming.pause();
      },
      pull() {
        incoming.resume();
      },
      cancel() {
        isLeft = true;
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    leave() {
      isLeft = true;
      if (incoming.complete || incoming.destroyed) return;
      const timer = setTimeout(() => incoming.destroy(), LINGER_MS);
      incoming.once("close", () => clearTimeout(timer));
      incoming.resume();
    },
  };
}
