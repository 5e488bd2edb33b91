/**
 * One `client.send`, and how far its requests got. A client holds back what its agent has no socket for: that is neither
 * sent nor unanswered, however long it takes.
 */
import { isUnconnected } from "./failures.js";

/** Is told of a request that waits. */
interface WaitObserver {
  /** A request waits in this process for a socket. */
  onWait(): void;
  /** A request that waited has got a socket. */
  onLeave(): void;
}

/** An attempt, as the one that waits for its answer and the one that sends it share it. */
export interface Attempt extends WaitObserver {
  readonly abortSignal: AbortSignal;
  /** Whether the client lets its requests be seen. A mock, for one, doesn't: all that is known is what it answers. */
  isShown: boolean;
  /** How many requests may have reached DynamoDB. */
  left: number;
  /** Tells whether a request is waiting just now. */
  isWaiting(): boolean;
}

/** Makes an attempt that nothing is known of. */
export function createAttempt(abortSignal: AbortSignal, observer: WaitObserver): Attempt {
  return { ...observer, abortSignal, isShown: false, left: 0, isWaiting: () => false };
}

/** Tells whether DynamoDB may have got a request of an attempt. */
export function mayHaveLeft({ isShown, left }: Attempt): boolean {
  return !isShown || left > 0;
}

/** The part of the SDK's HTTP handler that is looked at. Its agents are known once it has handled a request. */
export interface HttpHandler {
  httpHandlerConfigs?(): { readonly httpAgent?: Agent; readonly httpsAgent?: Agent };
}

/** The part of Node's agent that is looked at. */
interface Agent {
  /** The requests that have no socket yet, by where they go. */
  readonly requests?: Readonly<Record<string, readonly QueuedRequest[] | undefined>>;
}

interface QueuedRequest {
  readonly destroyed: boolean;
  getHeader(name: string): unknown;
  once(event: "socket", listener: () => void): unknown;
}

/** The header by which a request is found in a queue. The SDK gives each call an id of its own. */
const ID = "amz-sdk-invocation-id";

/** Hands a request on to the HTTP handler, and notes for its attempt whether it leaves. */
export async function depart<T>(
  attempt: Attempt,
  handler: HttpHandler,
  request: { readonly headers: object },
  handle: () => Promise<T>,
): Promise<T> {
  const { [ID]: id } = request.headers as Readonly<Record<string, unknown>>;
  let waiting: QueuedRequest | undefined;
  attempt.left++;
  const answer = handle();
  attempt.isWaiting = () => {
    if (waiting) return true;
    waiting = queuedRequest(handler, id);
    if (!waiting) return false;
    attempt.left--;
    attempt.onWait();
    waiting.once("socket", () => {
      waiting = undefined;
      attempt.left++;
      attempt.onLeave();
    });
    return true;
  };
  // Before its first request, a handler has no agents yet.
  if (!attempt.isWaiting() && agentsOf(handler).length === 0) setImmediate(attempt.isWaiting);
  try {
    return await answer;
  } catch (error) {
    if (isUnconnected(error)) attempt.left--;
    throw error;
  } finally {
    attempt.isWaiting = () => false;
  }
}

function queuedRequest(handler: HttpHandler, id: unknown): QueuedRequest | undefined {
  if (id === undefined) return undefined;
  for (const { requests = {} } of agentsOf(handler)) {
    for (const queue of Object.values(requests)) {
      // From the end, where a request is found at once when it has just been made.
      const found = queue?.findLast((one) => !one.destroyed && one.getHeader(ID) === id);
      if (found) return found;
    }
  }
  return undefined;
}

function agentsOf(handler: HttpHandler): readonly Agent[] {
  const { httpAgent, httpsAgent } = handler.httpHandlerConfigs?.() ?? {};
  return [httpAgent ?? [], httpsAgent ?? []].flat();
}
