/**
 * What an error of each code tells, beside its message.
 *
 * The codes are a closed set, and a program decides by them: messages are for people and may change.
 */
export interface ErrorDetails {
  /** An argument breaks a rule; nothing was sent. */
  invalid_argument: { readonly argument: string };
  /** A call needs an option that wasn't given. */
  not_configured: { readonly option: string };
  /** A message has no key annotations, or unusable ones. */
  not_keyed: { readonly typeName: string };
  /** The caller's signal was aborted, and nothing was changed by the call. */
  cancelled: { readonly operation: string };
  /** A table doesn't exist. */
  table_missing: { readonly table: string };
  /** Credentials are missing or wrong, or a permission is. */
  denied: { readonly reason: string };

  /** An aggregate doesn't exist, or no longer does. */
  not_found: { readonly aggregateId: string; readonly reason: "unknown" | "expired" | "deleted" };
  /** A creation command met an existing aggregate, or an id whose aggregate was deleted. */
  already_created: { readonly aggregateId: string; readonly version: bigint; readonly deleted?: boolean | undefined };
  /** A mutation command met no aggregate. */
  not_created: { readonly aggregateId: string };
  /** Fields break their rules. */
  validation_failed: { readonly violations: readonly FieldViolation[] };
  /** A command isn't allowed in the aggregate's state. */
  state_not_allowed: { readonly aggregateId: string; readonly state: string; readonly allowed: readonly string[] };
  /** The aggregate knows no command of this type. */
  unhandled_command: { readonly typeName: string };
  /** The aggregate, or the serializer, knows no event of this type. */
  unhandled_event: {
    readonly typeName: string;
    readonly aggregateId?: string | undefined;
    readonly version?: bigint | undefined;
  };

  /** The stream doesn't end where the save begins: somebody else was first. Load, decide again, save. */
  version_conflict: { readonly aggregateId: string; readonly version: bigint };
  /** A subscription isn't where a transaction would move it from: another worker was first. `version` is where it is. */
  position_conflict: {
    readonly subscription: string;
    readonly streamId: string;
    readonly version: bigint;
    readonly parked: boolean;
  };
  /** A row was changed since it was read: somebody else was first. Read it again. */
  row_conflict: { readonly pk: string; readonly sk: string };
  /** A version of a read model lacks something of what is stored, so that it isn't promoted: in `streamId`, or in more. */
  not_caught_up: {
    readonly subscription: string;
    readonly reason: "never" | "parked" | "behind" | "ahead";
    readonly streamId?: string | undefined;
  };
  /** A unique value belongs to another aggregate. */
  claim_taken: { readonly scope: string; readonly owner: string };
  /** A `commandId` was used for another command to the same aggregate, which was carried out. */
  command_id_reused: { readonly aggregateId: string; readonly commandId: string };
  /** A person was forgotten, and something of them was to be stored again. */
  subject_erased: { readonly subject: string };
  /** The key of personal fields is unknown, and wasn't erased: it is another key store's. `key` names the record. */
  key_missing: { readonly key: string; readonly keyId: string };
  /** Something is larger than the store can take; nothing was sent. */
  too_large: { readonly what: string; readonly size: number; readonly limit: number };
  /**
   * A save of several batches failed after one of them was committed. `committed` is the last version that is stored.
   * Saving the same records with the same `commitId` completes what is missing.
   */
  partial_save: { readonly aggregateId: string; readonly committed: bigint; readonly commitId: Uint8Array };
  /** A stored record or row can't be read. */
  corrupt_record: {
    readonly key: string;
    readonly version?: bigint | undefined;
    /** The type of a retired event that was read, and whose upcast doesn't give what it means now. */
    readonly typeName?: string | undefined;
  };
  /** A stream misses a version, holds one twice, or ends in the middle of a transaction. */
  corrupt_stream: {
    readonly aggregateId: string;
    readonly problem: "gap" | "overlap" | "torn";
    readonly version: bigint;
  };
  /**
   * The store didn't answer, or refused for now, after the retries. `outcome` tells of a write whether it is known
   * not to have happened. When it is `"unknown"`, saving the same records with the same `commitId` is safe.
   */
  unavailable: {
    readonly operation: string;
    readonly reasons: readonly string[];
    readonly outcome: "not_applied" | "unknown";
    readonly commitId?: Uint8Array | undefined;
  };
}

/** One broken rule of one field. */
export interface FieldViolation {
  /** The path of the field, such as `item.price_cents`. Empty for a rule of the whole command. */
  readonly field: string;
  /** The path as JSON spells it, such as `item.priceCents`. Absent where a function of the caller's own gave none. */
  readonly jsonField?: string | undefined;
  /** The rule, such as `string.min_len`. */
  readonly rule: string;
  /** What is wrong, for people. */
  readonly message: string;
}

/** What went wrong, for a program to decide by. */
export type ErrorCode = keyof ErrorDetails;

/** An error as JSON holds it: integers of 64 bits as decimal text, and bytes in base64. */
export interface ErrorJson {
  readonly name: "ProtosourceError";
  readonly code: ErrorCode;
  /** The message without the code in front. */
  readonly message: string;
  readonly details: { readonly [name: string]: unknown };
  /** What is known of an error behind it: not its stack, nor the errors behind that one. */
  readonly cause?: { readonly name: string; readonly message: string; readonly code?: string };
}

/**
 * The one error that this package throws. Recognise it with {@link isProtosourceError}.
 *
 * `JSON.stringify` takes it, and its details alone. A structured clone, as `postMessage` makes one, keeps of any error
 * the message only: send what `toJSON` gives.
 */
export class ProtosourceError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "ProtosourceError";
  readonly code: C;
  readonly details: ErrorDetails[C];
  /** The message without the code in front. */
  readonly rawMessage: string;

  constructor(code: C, message: string, details: ErrorDetails[C], options?: ErrorOptions) {
    super(`[${code}] ${message}`, options);
    this.code = code;
    this.details = withJson(details);
    this.rawMessage = message;
  }

  /** Gives the error as plain JSON. It may name ids and tables: choose what of it a caller from outside gets. */
  toJSON(): ErrorJson {
    const { name, code, rawMessage: message } = this;
    const details = jsonOf(this.details) as ErrorJson["details"];
    const cause = summaryOf(this.cause);
    return { name, code, message, details, ...(cause === undefined ? {} : { cause }) };
  }
}

/** Copies details, so that they have a JSON form of their own where somebody takes them out of the error. */
function withJson<D extends object>(details: D): D {
  const copy = { ...details };
  return Object.defineProperty(copy, "toJSON", { value: () => jsonOf(copy) });
}

function jsonOf(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return btoa(String.fromCharCode(...value));
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, jsonOf(member)]));
}

function summaryOf(cause: unknown): ErrorJson["cause"] {
  if (typeof cause !== "object" || cause === null) return undefined;
  const { name, message, code } = cause as { readonly [name: string]: unknown };
  return {
    name: typeof name === "string" ? name : "Error",
    message: typeof message === "string" ? message : "",
    ...(typeof code === "string" ? { code } : {}),
  };
}

/**
 * Tells whether a value is an error of this package, and of the given code.
 *
 * It looks at the shape, so that it also recognises the error of another copy of the package.
 */
export function isProtosourceError<C extends ErrorCode = ErrorCode>(
  value: unknown,
  code?: C,
): value is { [K in C]: ProtosourceError<K> }[C] {
  if (!isErrorLike(value) || value.name !== "ProtosourceError" || !("code" in value)) return false;
  return code === undefined || value.code === code;
}

/**
 * Gives what was thrown as an error. It looks at the shape: where a program runs in a realm of its own, as tests do in
 * Jest, the errors of sockets and drivers are no `instanceof Error`.
 */
export function asError(thrown: unknown): Error {
  return isErrorLike(thrown) ? thrown : new Error(String(thrown));
}

/** Tells whether a value has the shape of an error. */
export function isErrorLike(value: unknown): value is Error {
  if (typeof value !== "object" || value === null) return false;
  const { name, message } = value as Partial<Error>;
  return typeof name === "string" && typeof message === "string";
}

/** Makes the error of an argument that breaks a rule. */
export function invalid(
  argument: string,
  message: string,
  options?: ErrorOptions,
): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError("invalid_argument", message, { argument }, options);
}
