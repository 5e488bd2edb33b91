import { create, type DescMessage, type DescMethod, getOption, type Message } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import type { Aggregate } from "../aggregate/aggregate.js";
import type { EventMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { invalid } from "../errors.js";
import { protosource_es_message } from "../gen/protosource_es/options/v1/options_v1_pb.js";
import type { Repository } from "../repository/repository.js";
import type { Call } from "./calls.js";
import { loadVisible, notFound } from "./load-aggregate.js";
import { type PageRequest, pageSizeOf } from "./request-fields.js";

interface HistoryRequest extends PageRequest {
  readonly id: string;
  readonly fromVersion?: bigint;
  readonly toVersion?: bigint;
}

/** Makes the call that reads a page of an aggregate's events. Hidden ones are left out of it. */
export function readHistoryPage({ output }: DescMethod, repository: Repository<AggregateTypes>): Call["run"] {
  const schema = repository.aggregate.schema as DescMessage;
  const shown = shownEvents(repository.aggregate);
  return async (message, context) => {
    const request = message as unknown as HistoryRequest;
    const { id, reverse } = request;
    if (context.sees !== undefined) await loadVisible(repository, id, context);
    const limit = pageSizeOf(request);
    const next = nextVersion(request);
    const from = reverse ? request.fromVersion : (next ?? request.fromVersion);
    const to = reverse ? (next ?? request.toVersion) : request.toVersion;
    const options = { from, to, reverse, limit, signal: context.signal };
    const events: readonly Message[] = await repository.history(id, options);
    if (events.length === 0 && from === undefined && to === undefined) throw notFound(schema, id);
    const last = events.at(-1) as EventMessage | undefined;
    const isFull = events.length === limit && last !== undefined;
    const nextPageToken = isFull ? `${last.version + (reverse ? -1n : 1n)}` : "";
    const told = events.filter((event) => shown.has(event.$typeName));
    const packed = told.map((event) => anyPack(shown.get(event.$typeName) as DescMessage, event));
    return { message: create(output, { events: packed, nextPageToken } as Record<string, unknown>), events: told };
  };
}

/** Reads the version at which a page begins. Throws `invalid_argument` for what no page has given. */
function nextVersion({ pageToken }: HistoryRequest): bigint | undefined {
  if (pageToken === "") return undefined;
  if (/^[1-9]\d{0,18}$/.test(pageToken)) return BigInt(pageToken);
  throw invalid("page_token", "the page_token isn't of a history: give the next_page_token of the page before");
}

/** Gives the events of an aggregate that aren't hidden, by their names. */
export function shownEvents({ model }: Aggregate<AggregateTypes>): ReadonlyMap<string, DescMessage> {
  const shown = model.events.filter(({ schema }) => getOption(schema, protosource_es_message).rpc?.hidden !== true);
  return new Map(shown.map(({ schema }) => [schema.typeName, schema]));
}
