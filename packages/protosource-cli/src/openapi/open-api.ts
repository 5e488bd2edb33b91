/** From descriptors to OpenAPI 3.1: what the handler answers, as clients in any language are made of it. */
import { type DescMessage, type DescMethod, type DescService, type FileRegistry, getOption } from "@bufbuild/protobuf";
import { fileModel } from "protosource-es/model";
import {
  Call,
  protosource_es_message,
  protosource_es_method,
} from "protosource-es/proto/protosource_es/options/v1/options_v1_pb.js";
import { ErrorDetailSchema } from "protosource-es/proto/protosource_es/rpc/v1/rpc_v1_pb.js";
import { headers, parameters, refusals } from "./components.js";
import { rulesReader } from "./field-rules.js";
import type { JsonSchema } from "./json-schema.js";
import { described, type MessageSchemas, messageRef, messageSchemas, ref } from "./message-schemas.js";

/** What a document tells beside its services. */
export interface OpenApiOptions {
  readonly title: string;
  /** The version of the document. */
  readonly version: string;
  /** Where the handler answers, such as `https://shop.example/api`. */
  readonly servers: readonly string[];
  /** Whether reads are there as GET, too. */
  readonly get: boolean;
}

/** One call of a service, as its path tells of it. */
interface Operation {
  readonly schemas: MessageSchemas;
  readonly method: DescMethod;
  readonly call: Call;
}

/** Gives the services that `protoc-gen-protosource-service` made, in the order of their files. */
export function servicesIn(files: FileRegistry): readonly DescService[] {
  return Array.from(files.files, ({ services }) => services)
    .flat()
    .filter(({ methods }) => methods.some((method) => callOf(method) !== Call.UNSPECIFIED));
}

/** Makes the document of some services: each rpc is a path, to which Connect sends JSON. */
export function openApi(files: FileRegistry, services: readonly DescService[], options: OpenApiOptions): JsonSchema {
  const methods = services.flatMap((service) =>
    service.methods.filter((method) => callOf(method) !== Call.UNSPECIFIED),
  );
  const detail = files.getMessage(ErrorDetailSchema.typeName) ?? ErrorDetailSchema;
  const schemas = messageSchemas(rulesReader(files), [detail, ...methods.flatMap(answersOf)]);
  const paths = methods.map((method) => [
    `/${method.parent.typeName}/${method.name}`,
    pathItem({ schemas, method, call: callOf(method) }, options.get),
  ]);
  const responses = refusals(schemas, detail);
  return {
    openapi: "3.1.0",
    info: { title: options.title, version: options.version },
    ...(options.servers.length > 0 && { servers: options.servers.map((url) => ({ url })) }),
    tags: services.map((service) => ({ name: service.typeName, ...described(service) })),
    paths: Object.fromEntries(paths),
    components: {
      schemas: Object.fromEntries([...schemas.found].sort(([a], [b]) => (a < b ? -1 : 1))),
      parameters,
      headers,
      responses,
    },
  };
}

function callOf(method: DescMethod): Call {
  return getOption(method, protosource_es_method).call;
}

/** The messages that an rpc answers, the events in a history among them. */
function answersOf(method: DescMethod): readonly DescMessage[] {
  return [method.output, ...(callOf(method) === Call.HISTORY ? shownEvents(method) : [])];
}

/** The events that histories show: those of the domain's file, as the code has them now, unless they are hidden. */
function shownEvents({ parent }: DescMethod): readonly DescMessage[] {
  const inPackage = parent.file.dependencies.filter(({ proto }) => proto.package === parent.file.proto.package);
  const events = inPackage.flatMap((file) => fileModel(file).events).map(({ schema }) => schema);
  return events.filter((schema) => getOption(schema, protosource_es_message).rpc?.hidden !== true);
}

function pathItem(operation: Operation, get: boolean): JsonSchema {
  const isRead = operation.call !== Call.APPLY;
  return { post: post(operation), ...(isRead && get && { get: getOf(operation) }) };
}

function post(operation: Operation): JsonSchema {
  const { schemas, method, call } = operation;
  const isApply = call === Call.APPLY;
  const own = isApply ? ["IdempotencyKey", "IfMatch", "IfNoneMatch"] : [];
  return {
    ...common(operation, ""),
    parameters: [...own, "RequestId"].map(parameterRef),
    requestBody: { required: true, content: json(requestOf(schemas, method, call)) },
    responses: { "200": answer(operation), default: refusal },
  };
}

/** Connect takes a read by GET, with the message as a parameter. */
function getOf(operation: Operation): JsonSchema {
  const { schemas, method, call } = operation;
  const message = {
    name: "message",
    in: "query",
    required: true,
    description: "The request, as JSON.",
    content: json(requestOf(schemas, method, call)),
  };
  const one = (name: string, value: string) => ({
    name,
    in: "query",
    required: true,
    schema: { const: value, default: value },
  });
  const hasVersion = call === Call.GET || call === Call.LOAD;
  return {
    ...common(operation, ".get"),
    parameters: [
      one("connect", "v1"),
      one("encoding", "json"),
      message,
      ...(hasVersion ? ["IfNoneMatchVersion"] : []).map(parameterRef),
      parameterRef("RequestId"),
    ],
    responses: {
      "200": answer(operation),
      ...(hasVersion && { "304": { description: "The version is still the one that was asked with." } }),
      default: refusal,
    },
  };
}

function common({ method }: Operation, suffix: string): JsonSchema {
  return {
    operationId: `${method.parent.typeName}.${method.name}${suffix}`,
    tags: [method.parent.typeName],
    ...described(method),
  };
}

/** A command's actor is who calls, whom callers don't say. Of what is there already they say which. */
function requestOf(schemas: MessageSchemas, { input }: DescMethod, call: Call): JsonSchema {
  const command = fileModel(input.file).commands.find(({ schema }) => schema === input);
  const isOfOne = command ? command.lifecycle !== "creation" : ONE.has(call);
  return messageRef(schemas, input, "request", {
    without: call === Call.APPLY ? ["actor"] : [],
    required: isOfOne ? ["id"] : [],
  });
}

/** The calls that are about one aggregate, or its row. */
const ONE: ReadonlySet<Call> = new Set([Call.GET, Call.LOAD, Call.HISTORY]);

function answer({ schemas, method, call }: Operation): JsonSchema {
  const own = call === Call.APPLY ? ["ETag", "Idempotency-Replayed"] : [];
  const versioned = call === Call.GET || call === Call.LOAD ? ["ETag"] : [];
  const cached = call === Call.APPLY ? [] : ["Cache-Control"];
  const names = [...own, ...versioned, ...cached, "X-Request-Id"];
  return {
    description: WHAT[call],
    headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    content: json(call === Call.HISTORY ? historyOf(schemas, method) : messageRef(schemas, method.output, "answer")),
  };
}

const WHAT: { readonly [call in Call]: string } = {
  [Call.UNSPECIFIED]: "",
  [Call.APPLY]: "The command was carried out.",
  [Call.GET]: "The row.",
  [Call.LOAD]: "The aggregate, computed from its events.",
  [Call.HISTORY]: "A page of events.",
  [Call.SELECT]: "A page of rows.",
};

/** A page of a history, whose events are those of the domain. */
function historyOf(schemas: MessageSchemas, method: DescMethod): JsonSchema {
  const page = messageRef(schemas, method.output, "answer");
  const name = `${method.parent.file.proto.package}.${method.output.name.replace(/HistoryPage$/, "Event")}`;
  const event = ref(schemas, name, () => ({
    description: "An event, of the type that @type tells.",
    oneOf: shownEvents(method).map((schema) => {
      const type = { "@type": { const: `type.googleapis.com/${schema.typeName}` } };
      return {
        allOf: [messageRef(schemas, schema, "answer"), { type: "object", properties: type, required: ["@type"] }],
      };
    }),
  }));
  const made = schemas.found.get(method.output.typeName) ?? {};
  const properties = made["properties"] as Readonly<Record<string, JsonSchema>>;
  const events = { ...properties["events"], items: event };
  schemas.found.set(method.output.typeName, { ...made, properties: { ...properties, events } });
  return page;
}

const refusal: JsonSchema = { $ref: "#/components/responses/Refused" };

function parameterRef(name: string): JsonSchema {
  return { $ref: `#/components/parameters/${name}` };
}

function json(schema: JsonSchema): JsonSchema {
  return { "application/json": { schema } };
}
