/** The one place that tells what an error of the SDK means. */
import { ProtosourceError } from "../errors.js";
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

const UNREACHABLE = new Set([
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
]);

/** The fields of the SDK's errors that are looked at. */
interface SdkError extends Error {
  readonly code?: string;
  readonly Item?: Item;
  readonly CancellationReasons?: readonly { readonly Code?: string; readonly Item?: Item }[];
  readonly ThrottlingReasons?: readonly { readonly reason?: string }[];
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
  readonly $response?: { readonly statusCode?: number };
}

/** Tells what an error that `send` threw means; `table` names the table, or tables, of the request. */
export function failureOf(thrown: unknown, operation: string, table: string): Failure {
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as SdkError;
  const { name } = error;
  // One answer says nothing of the attempts that the SDK made before it within the same `send`.
  const isRepeated = (error.$metadata?.attempts ?? 1) > 1;
  if (name === "ConditionalCheckFailedException") {
    const refusals = [{ code: "ConditionalCheckFailed", item: error.Item }];
    return { kind: "refused", inDoubt: isRepeated, refusals };
  }
  if (name === "TransactionCanceledException") return cancellation(error, isRepeated);

  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode ?? 0;
  const reasons = [name, ...(error.ThrottlingReasons ?? []).flatMap((r) => r.reason ?? [])];
  if (REFUSED_FOR_NOW.has(name)) return { kind: "transient", inDoubt: isRepeated, reasons };
  // An answer that can't be read, with a status of success, tells as little as a 500.
  const unreadable = status >= 500 || (status > 0 && status < 400);
  if (unreadable || name === "TimeoutError" || name === "AbortError" || UNREACHABLE.has(error.code ?? "")) {
    return { kind: "transient", inDoubt: true, reasons: error.code ? [error.code] : reasons };
  }
  return { kind: "final", inDoubt: isRepeated, reasons, error: finalError(error, operation, table) };
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

function finalError(error: SdkError, operation: string, table: string): ProtosourceError {
  const cause = { cause: error };
  if (error.name === "ResourceNotFoundException") {
    return new ProtosourceError(
      "table_missing",
      `${operation}: the table ${table} doesn't exist, or lacks an index: call ensureTables(client, …) once to make it`,
      { table },
      cause,
    );
  }
  if (DENIED.has(error.name)) {
    return new ProtosourceError(
      "denied",
      `${operation} on ${table} was denied (${error.name}): check the client's credentials and its permissions`,
      { reason: error.name },
      cause,
    );
  }
  if (error.$metadata?.httpStatusCode !== undefined) {
    return new ProtosourceError(
      "invalid_argument",
      `${operation}: DynamoDB refuses the request (${error.name}: ${error.message}): compare the table ${table} with what ensureTables makes`,
      { argument: "request" },
      cause,
    );
  }
  return new ProtosourceError(
    "unavailable",
    `${operation} on ${table} failed in the client (${error.name}: ${error.message}): check its region, endpoint and middleware`,
    { operation, reasons: [error.name], outcome: "unknown" },
    cause,
  );
}
