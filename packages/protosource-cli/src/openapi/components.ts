/** What all services share: headers, and what is answered to who is refused. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { JsonSchema } from "./json-schema.js";
import { type MessageSchemas, messageRef, ref } from "./message-schemas.js";

const tag: JsonSchema = { type: "string", pattern: '^"\\d{1,19}"$', examples: ['"3"'] };

/** What a request may say beside its message. */
export const parameters: { readonly [name: string]: JsonSchema } = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description: "Names the command, so that sending it again has no effect. It is its caller's own.",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    description: "The version that the command was decided on: 412 when it is another.",
    schema: tag,
  },
  IfNoneMatch: {
    name: "If-None-Match",
    in: "header",
    description: "Only for an aggregate that isn't there yet.",
    schema: { type: "string", const: "*" },
  },
  IfNoneMatchVersion: {
    name: "If-None-Match",
    in: "header",
    description: "The version that the caller has: 304 when it is still that.",
    schema: tag,
  },
  RequestId: {
    name: "X-Request-Id",
    in: "header",
    description: "An id for the request, which the answer and the log have, too.",
    schema: { type: "string", pattern: "^[\\w.:-]{1,128}$" },
  },
};

/** What an answer may say beside its message. */
export const headers: { readonly [name: string]: JsonSchema } = {
  "Cache-Control": { description: "Who may keep the answer, and how long.", schema: { type: "string" } },
  ETag: { description: "The version of the aggregate; of a row, where it tells it.", schema: tag },
  "Idempotency-Replayed": {
    description: "The command was carried out before, and this is what came of it.",
    schema: { type: "string", const: "true" },
  },
  "Retry-After": {
    description: "Trying again makes sense, after so many seconds.",
    schema: { type: "string", pattern: "^\\d+$" },
  },
  "X-Request-Id": { description: "The id of the request.", schema: { type: "string" } },
};

/** The codes of Connect. */
const CODES = [
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
];

/** Gives the answers to who is refused. Their schemas are added to those of the document. */
export function refusals(schemas: MessageSchemas, detail: DescMessage): { readonly [name: string]: JsonSchema } {
  const told = messageRef(schemas, detail, "answer");
  const error = ref(schemas, "ConnectError", () => ({
    description: "Why a call was refused.",
    type: "object",
    properties: {
      code: { type: "string", enum: CODES },
      message: { type: "string", description: "What is wrong, for people." },
      details: {
        type: "array",
        items: {
          type: "object",
          properties: {
            type: { type: "string", description: "The name of a message." },
            value: { type: "string", contentEncoding: "base64", description: "That message, in binary." },
            debug: { ...told, description: "That message, as JSON." },
          },
          required: ["type", "value"],
        },
      },
    },
    required: ["code"],
  }));
  const problem = ref(schemas, "Problem", () => ({
    description: "Why a request was no call: a problem of RFC 9457.",
    type: "object",
    properties: {
      type: { type: "string" },
      title: { type: "string", enum: CODES },
      status: { type: "integer" },
      detail: { type: "string", description: "What is wrong, for people." },
    },
    required: ["type", "title", "status", "detail"],
    allOf: [told],
  }));
  return {
    Refused: {
      description: "The call was refused. What its error says decides, and the status where that is all one has.",
      headers: {
        "Retry-After": { $ref: "#/components/headers/Retry-After" },
        "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" },
      },
      content: { "application/json": { schema: error }, "application/problem+json": { schema: problem } },
    },
  };
}
