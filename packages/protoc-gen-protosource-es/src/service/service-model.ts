/** What the service of a domain offers: its rpcs, and the messages that only they need. */
import { type DescField, type DescMessage, getOption } from "@bufbuild/protobuf";
import {
  type CommandModel,
  type KeyModel,
  keyParts,
  requestFieldName,
  sourceComment,
  typeOf,
} from "protosource-es/model";
import {
  protosource_es_message,
  type RpcOptions,
} from "protosource-es/proto/protosource_es/options/v1/options_v1_pb.js";
import { commandComment } from "../emit/aggregate.js";
import { type IndexFields, selectNames } from "../emit/names.js";
import { indexesOf } from "../emit/queries.js";
import type { Domain } from "../model.js";
import { listed } from "../words.js";

/** The service of a domain. */
export interface ServiceModel {
  readonly domain: Domain;
  readonly name: string;
  readonly comment: readonly string[];
  readonly rpcs: readonly Rpc[];
  /** The messages of the service's own, in the order of the rpcs that need them. */
  readonly messages: readonly OwnMessage[];
}

export interface Rpc {
  readonly name: string;
  /** The full names of the two messages, without the leading dot. */
  readonly request: string;
  readonly response: string;
  readonly call: "APPLY" | "GET" | "LOAD" | "HISTORY" | "SELECT";
  /** The index that a `SELECT` reads. */
  readonly index?: number;
  readonly comment: readonly string[];
}

export interface OwnMessage {
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly OwnField[];
}

export interface OwnField {
  readonly name: string;
  readonly number: number;
  /** The type with its label, such as `optional int64` or `repeated .example.Order`. */
  readonly type: string;
  readonly comment?: string;
}

/** What a command answers, unless its annotation says otherwise. */
const COMMAND_RESPONSE = "funinthecloud.protosource.response.v1.CommandResponse";

/** The package of the conditions. */
const CONDITIONS = ".protosource_es.rpc.v1";

/** The fields of every request for a page, before those of its index, which begin at 10. */
const PAGE_FIELDS: readonly OwnField[] = [
  {
    name: "page_size",
    number: 1,
    type: "int32",
    comment: "The number of items to answer at most; 0 for what the server chooses.",
  },
  {
    name: "page_token",
    number: 2,
    type: "string",
    comment: "The next_page_token of the page before, with all else the same.",
  },
  { name: "reverse", number: 3, type: "bool", comment: "Descending order." },
];
const FIRST_KEY_FIELD = 10;

const MIN_VERSION: OwnField = {
  name: "min_version",
  number: 2,
  type: "int64",
  comment: "The least version of the aggregate that the answer must show, such as that of a command's answer.",
};

/** Tells what the annotation of a message says of services. */
function rpcOptions(schema: DescMessage): Partial<RpcOptions> {
  return getOption(schema, protosource_es_message).rpc ?? {};
}

export function serviceOf(domain: Domain): ServiceModel {
  const { aggregate, commands, keys, file } = domain;
  const shown = keys.filter(({ schema }) => rpcOptions(schema).hidden !== true);
  const parts = [
    ...commands.flatMap((command) => (rpcOptions(command.schema).hidden ? [] : [commandPart(domain, command)])),
    ...shown.flatMap((model) => [
      getPart(model),
      ...(model.schema === aggregate?.schema ? aggregateParts(model.schema) : []),
    ]),
    ...shown.flatMap(selectParts),
  ];
  const messages = new Map(parts.flatMap((part) => part.messages.map((message) => [message.name, message])));
  return {
    domain,
    name: `${aggregate?.schema.name ?? pascalCase(baseName(file.name))}Service`,
    comment: aggregate === undefined ? [] : sourceComment(aggregate.schema),
    rpcs: parts.map(({ rpc }) => rpc),
    messages: [...messages.values()],
  };
}

/** An rpc with the messages that it needs. */
interface Part {
  readonly rpc: Rpc;
  readonly messages: readonly OwnMessage[];
}

function commandPart({ aggregate }: Domain, command: CommandModel): Part {
  const { schema } = command;
  const answersAggregate = rpcOptions(schema).returnsAggregate === true;
  const rpc: Rpc = {
    name: schema.name,
    request: schema.typeName,
    response: answersAggregate && aggregate ? aggregate.schema.typeName : COMMAND_RESPONSE,
    call: "APPLY",
    comment: aggregate ? commandComment(command, aggregate) : [],
  };
  return { rpc, messages: [] };
}

function getPart(model: KeyModel): Part {
  const { schema, role } = model;
  const names = keyParts(model).map(({ field }) => field.name);
  const isOwnKey = role === "other";
  const fields = isOwnKey
    ? keyParts(model).map(({ field }, i) => ({ name: field.name, number: i + 1, type: plainType(field) }))
    : [{ name: "id", number: 1, type: "string" }, MIN_VERSION];
  const request: OwnMessage = {
    name: `Get${rowName(schema)}Request`,
    comment: `Which ${schema.name} to read.`,
    fields,
  };
  const comment = `Reads the row of one ${listed(isOwnKey ? names : ["id"], "and")}.`;
  return partOf(schema, `Get${rowName(schema)}`, "GET", schema.typeName, comment, [request]);
}

function aggregateParts(schema: DescMessage): readonly Part[] {
  const { name } = schema;
  const id: OwnField = { name: "id", number: 1, type: "string" };
  const load: OwnMessage = {
    name: `Load${name}Request`,
    comment: `Which ${name} to load.`,
    fields: [id, MIN_VERSION],
  };
  const history: OwnMessage = {
    name: `Get${name}HistoryRequest`,
    comment: `Which events to read.`,
    fields: [
      ...PAGE_FIELDS,
      { ...id, number: FIRST_KEY_FIELD },
      {
        name: "from_version",
        number: 11,
        type: "optional int64",
        comment: "The first version to read; the first of all by default.",
      },
      {
        name: "to_version",
        number: 12,
        type: "optional int64",
        comment: "The last version to read; the last of all by default.",
      },
    ],
  };
  const page: OwnMessage = {
    name: `${name}HistoryPage`,
    comment: "Some events, oldest first unless the request says otherwise.",
    fields: [
      { name: "events", number: 1, type: "repeated .google.protobuf.Any", comment: "Each is an event of this file." },
      nextPage,
    ],
  };
  return [
    partOf(
      schema,
      `Load${name}`,
      "LOAD",
      schema.typeName,
      `Computes the ${name} from its events, which are newer than its row at times.`,
      [load],
    ),
    partOf(
      schema,
      `Get${name}History`,
      "HISTORY",
      `${schema.file.proto.package}.${page.name}`,
      "Reads the events, without snapshots.",
      [history, page],
    ),
  ];
}

const nextPage: OwnField = {
  name: "next_page_token",
  number: 2,
  type: "string",
  comment: "Continues behind this page. Empty at the end, and only there: a page may be short, or empty.",
};

function selectParts(model: KeyModel): readonly Part[] {
  const { schema } = model;
  const indexes = indexesOf(model);
  const names = selectNames(indexes);
  const page: OwnMessage = {
    name: `${rowName(schema)}Page`,
    comment: `Some rows of ${schema.name}.`,
    fields: [{ name: "items", number: 1, type: `repeated .${schema.typeName}` }, nextPage],
  };
  return indexes.map((index, i) => {
    const name = (names[i] ?? "").replace("select", `Select${rowName(schema)}`);
    const request: OwnMessage = {
      name: `${name}Request`,
      comment: "Which rows to read.",
      fields: [...PAGE_FIELDS, ...keyFields(index)],
    };
    const { number, partition, sort } = index;
    const source = number === 0 ? "the rows of one key" : `index ${number}`;
    const order = sort.length === 0 ? "" : `, sorted by ${listed(namesOf(sort), "then")}`;
    const comment = `Reads ${source}: ${listed(namesOf(partition), "and")}${order}.`;
    const part = partOf(schema, name, "SELECT", `${schema.file.proto.package}.${page.name}`, comment, [request, page]);
    return { ...part, rpc: { ...part.rpc, index: number } };
  });
}

function partOf(
  { file }: DescMessage,
  name: string,
  call: Rpc["call"],
  response: string,
  comment: string,
  messages: readonly OwnMessage[],
): Part {
  const request = `${file.proto.package}.${messages[0]?.name}`;
  return { rpc: { name, request, response, call, comment: [comment] }, messages };
}

/** The fields of an index's key: the partition's, and conditions on those that sort. */
function keyFields({ partition, sort }: IndexFields): readonly OwnField[] {
  const last = sort.at(-1);
  return [
    ...partition.map((field) => ({ name: requestFieldName(field), type: plainType(field) })),
    ...sort.map((field) => ({
      name: requestFieldName(field),
      type: field === last ? conditionType(field) : presentType(field),
    })),
  ].map((field, i) => ({ ...field, number: FIRST_KEY_FIELD + i }));
}

function namesOf(fields: readonly DescField[]): readonly string[] {
  return fields.map(({ name }) => name);
}

/** The type of a field's values. */
function plainType(field: DescField): string {
  const type = typeOf(field).replace(" as string", "");
  return field.enum === undefined ? type : type.replace(field.enum.typeName, `.${field.enum.typeName}`);
}

/** The type of a field that may be left out. */
function presentType(field: DescField): string {
  return field.fieldKind === "list" ? plainType(field) : `optional ${plainType(field)}`;
}

/** The type of a condition on the last field of a sort key: a comparison, or a value where there is no useful order. */
function conditionType(field: DescField): string {
  if (field.fieldKind !== "scalar") return presentType(field);
  switch (plainType(field)) {
    case "string":
      return `${CONDITIONS}.TextCondition`;
    case "bool":
    case "bytes":
    case "double":
    case "float":
      return presentType(field);
    case "uint32":
    case "uint64":
    case "fixed32":
    case "fixed64":
      return `${CONDITIONS}.UnsignedCondition`;
    default:
      return `${CONDITIONS}.IntegerCondition`;
  }
}

/** The name of a row's message in those of rpcs: an inner one's begins with the outer's. */
function rowName(schema: DescMessage): string {
  return schema.parent === undefined ? schema.name : `${rowName(schema.parent)}${schema.name}`;
}

/** The last part of a file's name, without what tells its version. */
function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1).replace(/_v\d+\w*$/, "");
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|[_\W]+)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
