/** One request on its way through the handler, whichever protocol it came by. */
import type { Message } from "@bufbuild/protobuf";
import type { Logger } from "../logger.js";
import { whenAborted } from "../signals.js";
import type { Call, CallAnswer } from "./calls.js";
import { type Conditions, conditionsOf, tagOf } from "./headers.js";
import type { PageTokens } from "./page-tokens.js";
import { Refusal } from "./refusal.js";
import { RETRY_AFTER, refuse } from "./refuse.js";

/** The reason of a refusal when it isn't known who calls, since `authorize` failed. */
export const AUTHORIZE_FAILED = "authorize_failed";

/** What is authorized. */
export interface AuthorizedCall {
  /** The package and the rpc, such as `example.app.order.v1.Place`. */
  readonly name: string;
  /** Whether it changes nothing. */
  readonly read: boolean;
}

/** What a caller may do. */
export interface Grant {
  /** Who acts: it is the actor of the events. */
  readonly actor: string;
  /**
   * Tells whether the caller may see a row, or an aggregate. What he may not see isn't found, and is left out of pages.
   * For what he may change ask in the aggregate's `guard`. Everything by default.
   */
  readonly sees?: ((message: Message) => boolean) | undefined;
}

/** An error that isn't for callers, and where it came about. */
export interface FailedCall extends AuthorizedCall {
  /** The id that the caller was told, in `X-Request-Id`. */
  readonly requestId: string;
}

/** What a handler asks of its user for each call. */
export interface ExchangeRules {
  authorize(request: Request, call: AuthorizedCall): Grant | undefined | Promise<Grant | undefined>;
  readonly onError: ((error: unknown, call: FailedCall) => Refusal | undefined) | undefined;
  /** The `Cache-Control` of a read. */
  cacheControl(call: AuthorizedCall): string;
  readonly logger: Logger;
  /** Seals the tokens of pages; they are the store's cursors without it. */
  readonly pageTokens: PageTokens | undefined;
}

/** One request, and what becomes of it. */
export class Exchange {
  readonly request: Request;
  readonly requestId: string;
  /** Aborted when the client is gone, and at the time limit. */
  readonly signal: AbortSignal;
  readonly #rules: ExchangeRules;
  #grant: Grant | undefined;
  #conditions: Conditions | undefined;
  /** Why it was refused, once it was. */
  refusal: Refusal | undefined;
  /** What headers the answer gets beside those of its protocol. */
  readonly headers: Headers;

  constructor(request: Request, requestId: string, signal: AbortSignal, rules: ExchangeRules) {
    this.request = request;
    this.requestId = requestId;
    this.signal = signal;
    this.#rules = rules;
    this.headers = new Headers({ "x-request-id": requestId, "cache-control": "no-store" });
  }

  /** Asks who calls, before anything else of the request is read. Throws a {@link Refusal}. */
  async admit(call: Call): Promise<void> {
    await this.refusing(call, async () => {
      const grant = await untilAborted(this.signal, this.request, () => this.#authorize(call));
      if (!grant?.actor) throw new Refusal("unauthenticated", "nobody is logged in");
      this.#grant = grant;
      this.#conditions = call.read ? undefined : conditionsOf(this.request.headers);
    });
  }

  /**
   * Asks the user who calls. An error there says nothing of the request, not even one of this package: it may be of the
   * store of sessions.
   */
  async #authorize(call: Call): Promise<Grant | undefined> {
    try {
      return await this.#rules.authorize(this.request, { name: call.name, read: call.read });
    } catch (error) {
      if (error instanceof Refusal) throw error;
      const message = "who calls can't be told at the moment: try again later";
      throw this.#hide(
        error,
        call,
        new Refusal("unavailable", message, { reason: AUTHORIZE_FAILED, retryAfter: RETRY_AFTER, cause: error }),
      );
    }
  }

  /** What the caller of an admitted request may see; all of it where it is undefined. */
  get sees(): Grant["sees"] {
    return this.#grant?.sees;
  }

  /** Makes the call of an admitted request. Throws a {@link Refusal}. */
  async perform(call: Call, message: Message, signal: AbortSignal): Promise<CallAnswer> {
    const grant = this.#grant;
    if (grant === undefined) throw new Refusal("internal", "the request wasn't admitted");
    const { expectedVersion, idempotencyKey } = this.#conditions ?? {};
    const { actor, sees } = grant;
    // Keys are their callers' own: nobody learns by another's what came of it.
    const commandId = idempotencyKey && `${encodeURIComponent(actor)}/${idempotencyKey}`;
    const run = (): Promise<CallAnswer> => call.run(message, { actor, sees, expectedVersion, commandId, signal });
    const answer = await this.refusing(call, () =>
      untilAborted(signal, this.request, call.paged ? () => this.#pageOf(call, message, actor, run) : run),
    );
    if (call.read) this.headers.set("cache-control", this.#rules.cacheControl({ name: call.name, read: true }));
    if (answer.version !== undefined) this.headers.set("etag", tagOf(answer.version));
    if (answer.replayed) this.headers.set("idempotency-replayed", "true");
    return answer;
  }

  /** Reads a page whose tokens are sealed for the caller, if any are. */
  async #pageOf(call: Call, message: Message, actor: string, run: () => Promise<CallAnswer>): Promise<CallAnswer> {
    const { pageTokens } = this.#rules;
    const request = message as Message & { pageToken: string };
    const holder = `${call.name} ${actor}`;
    if (pageTokens && request.pageToken !== "") request.pageToken = await pageTokens.open(request.pageToken, holder);
    const answer = await run();
    const page = answer.message as Message & { nextPageToken: string };
    if (pageTokens && page.nextPageToken !== "") page.nextPageToken = await pageTokens.seal(page.nextPageToken, holder);
    return answer;
  }

  /** Runs a step, and gives what fails in it as a refusal: what isn't for callers is logged, and they get the id of it. */
  async refusing<T>(call: Call, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      throw this.refuse(error, call);
    }
  }

  /** Gives what the caller is told of an error, once it is what the request comes to. */
  refuse(error: unknown, call: Call): Refusal {
    const refusal = this.#refusalOf(error, call);
    if (refusal.retryAfter !== undefined) this.headers.set("retry-after", String(refusal.retryAfter));
    this.refusal = refusal;
    return refusal;
  }

  #refusalOf(error: unknown, call: Call): Refusal {
    if (error instanceof Refusal) return error;
    const isConditional = this.#conditions?.expectedVersion !== undefined;
    const told = refuse(error, { isConditional, commandScope: call.commandScope });
    return told ?? this.#hide(error, call, new Refusal("internal", "internal error", { cause: error }));
  }

  /** Gives what callers are told of an error that isn't for them: what the user says of it, else what is given. */
  #hide(error: unknown, { name, read }: Call, told: Refusal): Refusal {
    const { requestId } = this;
    const { onError, logger } = this.#rules;
    try {
      const own = onError?.(error, { name, read, requestId });
      if (own !== undefined) return own;
    } catch (failure) {
      logger.warn(`onError failed for ${name}`, { requestId, error: failure });
    }
    logger.warn(`${name} failed`, { requestId, error });
    return told;
  }
}

/**
 * Runs a call, and no longer waits for it once the signal is aborted. Throws a {@link Refusal} then: for a caller who is
 * gone, or whose time is up.
 */
export async function untilAborted<T>(signal: AbortSignal, request: Request, run: () => Promise<T>): Promise<T> {
  const refusal = (): Refusal =>
    request.signal.aborted && !isTimeout(request.signal)
      ? new Refusal("canceled", "the request was cancelled")
      : new Refusal("deadline_exceeded", "the request took too long: try again later", { retryAfter: RETRY_AFTER });
  if (signal.aborted) throw refusal();
  let forget = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    forget = whenAborted(signal, () => reject(refusal()));
  });
  try {
    return await Promise.race([aborted, run()]);
  } catch (error) {
    throw signal.aborted ? refusal() : error;
  } finally {
    forget();
  }
}

/** Tells whether a signal was aborted as by `AbortSignal.timeout`: then it is the host's time that is up. */
function isTimeout({ reason }: AbortSignal): boolean {
  return (reason as Partial<Error> | undefined)?.name === "TimeoutError";
}
