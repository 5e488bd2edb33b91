/** The protocol between buf and its plugins: a question is a command line, with a message in and a message out. */
import {
  create,
  createRegistry,
  type DescMessage,
  fromBinary,
  fromJsonString,
  type Message,
  type MessageInitShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  type CheckRequest,
  CheckRequestSchema,
  CheckResponseSchema,
  ListCategoriesResponseSchema,
  ListRulesResponseSchema,
  RequestSchema,
  ResponseSchema,
  SpecSchema,
} from "../gen/buf_plugin_pb.js";
import { BUF_RULES, CATEGORIES } from "./rules.js";

const SERVICE = "/buf.plugin.check.v1.CheckService";

/** As in google.rpc.Code. */
const INTERNAL = 13;

const registry = createRegistry(
  CheckRequestSchema,
  CheckResponseSchema,
  ListCategoriesResponseSchema,
  ListRulesResponseSchema,
);

/** Gives what the plugin can be asked. */
export function specification(isJson: boolean): Uint8Array | string {
  const procedures = [
    { path: `${SERVICE}/Check`, args: ["check"] },
    { path: `${SERVICE}/ListRules`, args: ["list-rules"] },
    { path: `${SERVICE}/ListCategories`, args: ["list-categories"] },
  ];
  return write(SpecSchema, { procedures }, isJson);
}

/** Answers a question. What fails is in the answer. */
export async function answer(question: string, input: Uint8Array, isJson: boolean): Promise<Uint8Array | string> {
  try {
    const [schema, message] = await respond(question, () => readRequest(input, isJson));
    return write(ResponseSchema, { value: anyPack(schema, message) }, isJson);
  } catch (error) {
    return write(ResponseSchema, { error: { code: INTERNAL, message: String(error) } }, isJson);
  }
}

async function respond(question: string, request: () => CheckRequest): Promise<readonly [DescMessage, Message]> {
  switch (question) {
    case "check": {
      // Of the questions of a lint one alone needs it.
      const { check } = await import("./check.js");
      return [CheckResponseSchema, create(CheckResponseSchema, { annotations: [...check(request())] })];
    }
    case "list-rules":
      return [ListRulesResponseSchema, create(ListRulesResponseSchema, { rules: [...BUF_RULES] })];
    case "list-categories":
      return [ListCategoriesResponseSchema, create(ListCategoriesResponseSchema, { categories: [...CATEGORIES] })];
    default:
      throw new Error(`there is no "${question}": this is a plugin for buf, to be named in buf.yaml`);
  }
}

function readRequest(input: Uint8Array, isJson: boolean): CheckRequest {
  const request = isJson
    ? fromJsonString(RequestSchema, new TextDecoder().decode(input), { registry })
    : fromBinary(RequestSchema, input);
  return (request.value && anyUnpack(request.value, CheckRequestSchema)) ?? create(CheckRequestSchema);
}

function write<D extends DescMessage>(schema: D, init: MessageInitShape<D>, isJson: boolean): Uint8Array | string {
  const message = create(schema, init);
  return isJson ? toJsonString(schema, message, { registry }) : toBinary(schema, message);
}
