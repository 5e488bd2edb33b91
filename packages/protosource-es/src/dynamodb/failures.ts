/** The one place that tells what an error of the SDK means. */
import { asError, isErrorLike, ProtosourceError } from "../errors.js";
import type { Item } from "./limits.js";

/** Why one item of a write was refused, by its index in the request. */
export interface Refusal {
  readonly code: string;
  /** What is stored under the item's key, where the request asked for it. */
  readonly item: Item | undefined;
}

/** What an error means for the one who sent the request. */
export type Failure =
  /**
   * A condition was not met, or the request is wrong for some of its items; nothing was written. `inDoubt` when the SDK
   * made attempts before, which may have been carried out or are still under way.
   */
  | { readonly kind: "refused"; readonly inDoubt: boolean; readonly refusals: readonly Refusal[] }
  /** Worth another try. After `inDoubt` the request may have been carried out. */
  | { readonly kind: "transient"; readonly inDoubt: boolean; readonly reasons: readonly string[] }
  /** Another try would fail alike. What the error says of a write isn't so `inDoubt`. */
  | {
      readonly kind: "final";
      readonly inDoubt: boolean;
      readonly reasons: readonly string[];
      readonly error: ProtosourceError;
    };

/** The errors by which DynamoDB refuses a request, or an item of a transaction, for now, having done nothing. */
export const REFUSED_FOR_NOW: ReadonlySet<string> = new Set([
  "LimitExceededException",
  "ProvisionedThroughputExceeded",
  "ProvisionedThroughputExceededException",
  "ReplicatedWriteConflictException",
  "RequestLimitExceeded",
  "ThrottlingError",
  "ThrottlingException",
  "TransactionConflict",
  "TransactionConflictException",
  "TransactionInProgressException",
]);

const DENIED = new Set([
  "AccessDeniedException",
  "CredentialsProviderError",
  "ExpiredTokenException",
  "IncompleteSignatureException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationTokenException",
  "NotAuthorized",
  "OptInRequired",
  "SignatureDoesNotMatch",
  "TokenProviderError",
  "UnrecognizedClientException",
]);

/** The status of an answer by which something before DynamoDB, such as a proxy, denies a request. */
const DENIED_STATUS = new Set([401, 403, 407]);

/** The status of an answer by which a request was turned away, or not waited for. */
const TOO_MANY_REQUESTS = 429;
const REQUEST_TIMEOUT = 408;

/** The codes of Node's sockets, name service and TLS, of its parser of HTTP, and of undici, which is behind `fetch`. */
const NETWORK_CODE = /^(E[A-Z]+(_[A-Z]+)?|UND_ERR_\w+|HPE_\w+|ERR_(HTTP2|SOCKET|SSL|STREAM)_\w+)$/;

/** The system calls after which nothing was sent. */
const CONNECTING = new Set(["connect", "getaddrinfo"]);

/** The fields of the SDK's errors that are looked at, and of those that they are caused by. */
interface SdkError extends Error {
  readonly code?: unknown;
  readonly syscall?: string;
  /** What each address of a host answered. */
  readonly errors?: readonly unknown[];
  readonly Item?: Item;
  readonly CancellationReasons?: readonly { readonly Code?: string; readonly Item?: Item }[];
  readonly ThrottlingReasons?: readonly { readonly reason?: string }[];
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
  readonly $response?: { readonly statusCode?: number };
}

/** The name of the error of a request that waited in this process for a socket until its time was up. */
export const NO_FREE_SOCKET = "NoFreeSocket";

/** The errors of an attempt that was given up. */
const GIVEN_UP = new Set(["AbortError", NO_FREE_SOCKET, "TimeoutError"]);

/**
 * Tells what an error that `send` threw means; `table` names the table, or tables, of the request, and `left` tells
 * whether DynamoDB may have got it.
 */
export function failureOf(thrown: unknown, operation: string, table: string, left: boolean): Failure {
  const error: SdkError = asError(thrown);
  const { name } = error;
  // One answer says nothing of the attempts that the SDK made before it within the same `send`.
  const isRepeated = left && (error.$metadata?.attempts ?? 1) > 1;
  if (name === "ConditionalCheckFailedException") {
    const refusals = [{ code: "ConditionalCheckFailed", item: error.Item }];
    return { kind: "refused", inDoubt: isRepeated, refusals };
  }
  if (name === "TransactionCanceledException") return cancellation(error, isRepeated);

  const status = statusOf(error);
  const reasons = [name, ...(error.ThrottlingReasons ?? []).flatMap((r) => r.reason ?? [])];
  // What stands before DynamoDB answers with pages, of which the SDK only says that they are no JSON.
  if (name === "SyntaxError" && status > 0) reasons[0] = `HTTP ${status}`;
  if (REFUSED_FOR_NOW.has(name) || status === TOO_MANY_REQUESTS) {
    return { kind: "transient", inDoubt: isRepeated, reasons };
  }
  // An answer that can't be read, with a status of success, tells as little as a 500.
  const unreadable = status >= 500 || status === REQUEST_TIMEOUT || (status > 0 && status < 400);
  const code = DENIED.has(name) ? undefined : networkCodeOf(error);
  if (unreadable || GIVEN_UP.has(name) || code !== undefined) {
    const inDoubt = isRepeated || (left && !isUnconnected(error));
    return { kind: "transient", inDoubt, reasons: code === undefined ? reasons : [code] };
  }
  return { kind: "final", inDoubt: isRepeated, reasons, error: finalError(error, operation, table, left) };
}

/** Tells whether an error says that no connection was made, so that nothing was sent. */
export function isUnconnected(thrown: unknown): boolean {
  return causes(thrown).some(
    ({ syscall = "", code, errors = [] }) =>
      CONNECTING.has(syscall) ||
      code === "UND_ERR_CONNECT_TIMEOUT" ||
      (errors.length > 0 && errors.every((one) => isUnconnected(one))),
  );
}

/** Gives the code of the network that an error carries, or what caused it: `fetch` hides its socket's. */
function networkCodeOf(error: SdkError): string | undefined {
  const codes = causes(error).map(({ code }) => code);
  return codes.find((code): code is string => typeof code === "string" && NETWORK_CODE.test(code));
}

const MAX_CAUSES = 5;

/** Gives an error, what caused it, and so on. */
function causes(thrown: unknown): readonly SdkError[] {
  const found: SdkError[] = [];
  for (let one = thrown; isErrorLike(one) && found.length < MAX_CAUSES; one = one.cause) found.push(one);
  return found;
}

function statusOf({ $metadata, $response }: SdkError): number {
  return $metadata?.httpStatusCode ?? $response?.statusCode ?? 0;
}

/** A transaction whose items were only in each other's way is worth another try; any other reason is a refusal. */
function cancellation(error: SdkError, inDoubt: boolean): Failure {
  const refusals = (error.CancellationReasons ?? []).map((r) => ({ code: r.Code ?? "None", item: r.Item }));
  const codes = [...new Set(refusals.map((r) => r.code).filter((code) => code !== "None"))];
  if (codes.length > 0 && codes.every((code) => REFUSED_FOR_NOW.has(code))) {
    return { kind: "transient", inDoubt, reasons: codes };
  }
  return { kind: "refused", inDoubt, refusals };
}

function finalError(error: SdkError, operation: string, table: string, left: boolean): ProtosourceError {
  const cause = { cause: error };
  if (error.name === "ResourceNotFoundException") {
    return new ProtosourceError(
      "table_missing",
      `${operation}: the table ${table} doesn't exist, or lacks an index: call ensureTables(client, …) once to make it`,
      { table },
      cause,
    );
  }
  const status = statusOf(error);
  if (DENIED.has(error.name) || DENIED_STATUS.has(status)) {
    const reason = DENIED.has(error.name) ? error.name : `HTTP ${status}`;
    return new ProtosourceError(
      "denied",
      `${operation} on ${table} was denied (${reason}): check the client's credentials and its permissions, and what stands before DynamoDB`,
      { reason },
      cause,
    );
  }
  if (status > 0) {
    return new ProtosourceError(
      "invalid_argument",
      `${operation}: DynamoDB refuses the request (${error.name}: ${error.message}): compare the table ${table} with what ensureTables makes`,
      { argument: "request" },
      cause,
    );
  }
  if (causes(error).some(({ code }) => code === "ERR_INVALID_URL")) {
    const message = `${operation} on ${table} can't be sent (${error.message}): give the client an endpoint that is a URL`;
    return new ProtosourceError("invalid_argument", message, { argument: "endpoint" }, cause);
  }
  // The SDK has no name and no code for it.
  if (/region is missing/i.test(error.message)) {
    const message = `${operation} on ${table} can't be sent (${error.message}): give the client a region`;
    return new ProtosourceError("not_configured", message, { option: "region" }, cause);
  }
  return new ProtosourceError(
    "unavailable",
    `${operation} on ${table} failed in the client (${error.name}: ${error.message}): check its region, endpoint and middleware`,
    { operation, reasons: [error.name], outcome: left ? "unknown" : "not_applied" },
    cause,
  );
}
