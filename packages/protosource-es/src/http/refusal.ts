/** Why a request isn't answered with what it asks for, whichever protocol it came by. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ErrorDetailSchema } from "../gen/protosource_es/rpc/v1/rpc_v1_pb.js";

/** What kind of refusal it is, by the names that Connect and gRPC have for them, with the status of plain HTTP. They are in the order of their numbers, from 1. */
export const STATUSES = {
  canceled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 409,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
} as const;

/** What kind of refusal it is. */
export type RefusalCode = keyof typeof STATUSES;

/** What a refusal tells beside its code and message. */
export interface RefusalOptions {
  /**
   * The status of the HTTP answer, whichever protocol it is in, save gRPC-Web, whose answers are all 200. By default
   * what the code means in the protocol.
   */
  readonly status?: number | undefined;
  /** What a program decides by where the code says too little, such as `card_expired`. The code by default. */
  readonly reason?: string | undefined;
  /** More for a program to decide by. Nothing by default. */
  readonly detail?: Omit<MessageInitShape<typeof ErrorDetailSchema>, "$typeName" | "reason"> | undefined;
  /** Seconds after which trying again makes sense: `Retry-After`. */
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/**
 * A refusal that is meant for the caller, message and all. `authorize` throws it, and `onError` gives it for an error of
 * a rule's own.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly status: number | undefined;
  readonly reason: string;
  readonly detail: RefusalOptions["detail"];
  readonly retryAfter: number | undefined;

  constructor(code: RefusalCode, message: string, options: RefusalOptions = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status;
    this.reason = options.reason ?? code;
    this.detail = options.detail;
    this.retryAfter = options.retryAfter;
  }
}
