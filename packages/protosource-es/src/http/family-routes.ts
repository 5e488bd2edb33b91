/** The plain paths of the protosource family, which its generated clients in Go and TypeScript call. */
import { create, type DescMessage, type Message, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Aggregate } from "../aggregate/aggregate.js";
import type { CommandMessage } from "../aggregate/behaviour.js";
import { fieldNamed } from "../aggregate/file-model.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { ErrorSchema } from "../gen/funinthecloud/protosource/apierror/v1/apierror_v1_pb.js";
import { HistorySchema } from "../gen/funinthecloud/protosource/history/v1/history_v1_pb.js";
import { indexAttributes, type KeyAttribute } from "../opaquedata/key-attribute.js";
import { keyModel } from "../opaquedata/key-model.js";
import type { GsiNumber } from "../opaquedata/opaque-store.js";
import { toRecord } from "../repository/stream-records.js";
import { fileRegistry } from "../serializer/file-registry.js";
import type { Call, CallAnswer } from "./calls.js";
import type { Exchange } from "./exchange.js";
import { familyCode } from "./family-codes.js";
import { queryJson } from "./family-query.js";
import { problem, statusOf } from "./problem.js";
import { readBody } from "./read-body.js";
import { readJson, readMessage } from "./read-message.js";
import { Refusal } from "./refusal.js";
import type { BodyLimit, FindRoute, Route } from "./routes.js";
import type { ServedService } from "./serve.js";

const PROTOBUF = "application/protobuf";
const JSON_TYPE = "application/json";

/** How many items are read at a time where all are answered at once. */
const PAGE_SIZE = 1000;

/** What the paths of one aggregate lead to. */
interface Family {
  readonly aggregate: Aggregate<AggregateTypes>;
  /** By their names in lower case. */
  readonly commands: ReadonlyMap<string, Call>;
  /** By what stands behind `query/`, such as `by-customer-id`. */
  readonly queries: ReadonlyMap<string, Call>;
  readonly get: Call | undefined;
  readonly load: Call | undefined;
  readonly history: Call | undefined;
}

/**
 * Finds the paths of the aggregates of services. Behind the package, as in `/example/app/order/v1`, they are:
 *
 * - `POST /place`, and `/place/{id}`: a command, with its actor overwritten as in Go
 * - `GET /{id}`, `/load/{id}` and `/{id}/history`: the row, the fold, the records
 * - `GET /query/by-customer-id?customer_id=c1&sk_op=ge&create_at=5`: the rows of an index, all of them
 */
export function familyRoutes(services: readonly ServedService[], { maxBodyBytes }: BodyLimit): FindRoute {
  const families = services.flatMap((served) => {
    const family = familyOf(served);
    return family === undefined
      ? []
      : [[`/${served.service.file.proto.package.replaceAll(".", "/")}/`, family] as const];
  });
  return (path) => {
    const found = families.find(([prefix]) => path.startsWith(prefix));
    const segments = found && segmentsOf(path.slice(found[0].length));
    return found && segments && routeOf(found[1], segments, maxBodyBytes);
  };
}

function familyOf({ calls, repository }: ServedService): Family | undefined {
  if (repository === undefined) return undefined;
  const { aggregate } = repository;
  const own = calls.filter(({ schema }) => schema.typeName === (aggregate.schema as DescMessage).typeName);
  const ofKind = (kind: Call["kind"]): readonly Call[] => own.filter((call) => call.kind === kind);
  return {
    aggregate,
    commands: new Map(ofKind("apply").map((call) => [call.method.input.name.toLowerCase(), call])),
    queries: queryPaths(ofKind("select")),
    get: ofKind("get")[0],
    load: ofKind("load")[0],
    history: ofKind("history")[0],
  };
}

/** Names indexes by their partition fields, and one whose partition another before it has by its sort fields too. */
function queryPaths(calls: readonly Call[]): ReadonlyMap<string, Call> {
  const paths = new Map<string, Call>();
  for (const call of calls) {
    const [pk, sk] = indexAttributes(call.index as GsiNumber | 0);
    const path = `by-${fieldNames(call, pk)}`;
    const own = paths.has(path) ? `${path}-with-${fieldNames(call, sk)}` : path;
    if (!paths.has(own)) paths.set(own, call);
  }
  return paths;
}

function fieldNames({ schema }: Call, attribute: KeyAttribute): string {
  const parts = keyModel(schema)?.templates.get(attribute)?.parts ?? [];
  return parts.map(({ field }) => field.name.toLowerCase().replaceAll("_", "-")).join("-and-");
}

/** Splits a path; undefined for one that is no text. */
function segmentsOf(path: string): readonly string[] | undefined {
  try {
    return path.split("/").map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** What a request for a path is answered with. */
type Answer = (exchange: Exchange) => Promise<Answered>;

interface Answered {
  readonly schema: DescMessage;
  readonly message: Message;
}

function routeOf(family: Family, segments: readonly string[], maxBodyBytes: number): Route | undefined {
  const [post, posted] = postOf(family, segments, maxBodyBytes) ?? [];
  const [get, got] = getOf(family, segments) ?? [];
  const methods = [...(post ? ["POST"] : []), ...(get ? ["GET"] : [])];
  if (methods.length === 0) return undefined;
  return {
    methods,
    takes: (contentType) => contentType === "" || isProtobuf(contentType) || contentType.includes(JSON_TYPE),
    async answer(exchange) {
      const isPost = exchange.request.method === "POST";
      const call = (isPost ? post : get) as Call;
      const run = (isPost ? posted : got) as Answer;
      try {
        await exchange.admit(call);
        const { schema, message } = await run(exchange);
        return answer(exchange, 200, schema, message);
      } catch (error) {
        return refusedAnswer(exchange, call, error);
      }
    },
  };
}

type Bound = readonly [Call, Answer];

function postOf(
  { commands }: Family,
  [name = "", id, ...rest]: readonly string[],
  maxBodyBytes: number,
): Bound | undefined {
  const call = rest.length === 0 ? commands.get(name) : undefined;
  if (call === undefined) return undefined;
  return [
    call,
    async (exchange) => {
      const { request, signal } = exchange;
      const encoding = request.headers.get("content-encoding") ?? "identity";
      if (encoding !== "identity") {
        throw new Refusal("unimplemented", `a body in ${encoding} can't be read here`, { status: 415 });
      }
      const body = await readBody(request, { maxBytes: maxBodyBytes, signal });
      const isBinary = isProtobuf(request.headers.get("content-type") ?? PROTOBUF);
      const command = readMessage(call.method.input, isBinary ? "proto" : "json", body) as CommandMessage;
      if (id !== undefined && command.id !== "" && command.id !== id) {
        throw new Refusal("invalid_argument", "the path names one aggregate and the body another: leave one out");
      }
      command.id = id ?? command.id;
      const { message } = await exchange.perform(call, command, signal);
      return { schema: call.method.output, message };
    },
  ];
}

function getOf(family: Family, segments: readonly string[]): Bound | undefined {
  const [first = "", second, ...rest] = segments;
  if (rest.length > 0 || first === "" || second === "") return undefined;
  if (second === undefined) return family.get && byId(family.get, first);
  if (first === "load") return family.load && byId(family.load, second);
  if (first === "query") {
    const call = family.queries.get(second);
    return call && [call, (exchange) => allRows(call, exchange)];
  }
  const { history } = family;
  return second === "history" && history
    ? [history, (exchange) => allRecords(family, history, first, exchange)]
    : undefined;
}

function byId(call: Call, id: string): Bound {
  return [
    call,
    async (exchange) => {
      const minVersion = new URL(exchange.request.url).searchParams.get("min_version") ?? "0";
      const request = readJson(call.method.input, { id, minVersion });
      const { message } = await exchange.perform(call, request, exchange.signal);
      return { schema: call.method.output, message };
    },
  ];
}

async function allRows(call: Call, exchange: Exchange): Promise<Answered> {
  const request = readJson(call.method.input, queryJson(call, new URL(exchange.request.url).searchParams));
  const items: Message[] = [];
  for await (const { message } of pages(call, request, exchange))
    items.push(...(message as unknown as { items: Message[] }).items);
  const list = call.schema.file.messages.find(({ name }) => name === `${call.schema.name}List`);
  if (list === undefined || fieldNamed(list, "items") === undefined) {
    throw new Refusal("unimplemented", `${call.schema.name} has no list message`);
  }
  return { schema: list, message: create(list, { items } as Record<string, unknown>) };
}

async function allRecords({ aggregate }: Family, call: Call, id: string, exchange: Exchange): Promise<Answered> {
  const request = readJson(call.method.input, { id });
  const records = [];
  for await (const { events = [] } of pages(call, request, exchange)) {
    records.push(...events.map((event) => toRecord(aggregate, event, { compressThreshold: 0 })));
  }
  return { schema: HistorySchema, message: create(HistorySchema, { records }) };
}

/** Reads a page after the other, up to the last. */
async function* pages(call: Call, request: Message, exchange: Exchange): AsyncGenerator<CallAnswer, void, undefined> {
  let pageToken = "";
  do {
    Object.assign(request, { pageSize: PAGE_SIZE, pageToken });
    const answered = await exchange.perform(call, request, exchange.signal);
    yield answered;
    pageToken = (answered.message as Message & { readonly nextPageToken: string }).nextPageToken;
  } while (pageToken !== "");
}

/** Protobuf is what counts where nothing is said, as in Go. */
function isProtobuf(type: string): boolean {
  return type.includes(PROTOBUF) || !type.includes(JSON_TYPE);
}

function answer({ request, headers }: Exchange, status: number, schema: DescMessage, message: Message): Response {
  const type = isProtobuf(request.headers.get("accept") ?? "") ? PROTOBUF : JSON_TYPE;
  headers.set("content-type", type);
  headers.append("vary", "accept");
  const body =
    type === PROTOBUF
      ? (toBinary(schema, message) as Uint8Array<ArrayBuffer>)
      : toJsonString(schema, message, { registry: fileRegistry(schema.file) });
  return new Response(body, { status, headers });
}

function refusedAnswer(exchange: Exchange, call: Call, error: unknown): Response {
  const refusal = exchange.refuse(error, call);
  if (exchange.request.headers.get("accept")?.includes("problem+json")) return problem(refusal, exchange.headers);
  const { violations = [] } = refusal.detail ?? {};
  const detail = violations.map(({ field, message }) => `${field}: ${message}`).join("; ");
  const message = create(ErrorSchema, { code: familyCode(call.kind, refusal), message: refusal.message, detail });
  return answer(exchange, statusOf(refusal), ErrorSchema, message);
}
