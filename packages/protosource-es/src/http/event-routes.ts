/** The events of a store as they come: by server-sent events, or by requests that wait for them. */
import { type DescMessage, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import type { AggregateTypes } from "../aggregate/types.js";
import { invalid, isProtosourceError } from "../errors.js";
import type { Keyring } from "../personal/keyring.js";
import type { Repository } from "../repository/repository.js";
import { fileRegistry } from "../serializer/file-registry.js";
import type { Serializer } from "../serializer/serializer.js";
import { withEither } from "../signals.js";
import type { FeedStore } from "../store/feed.js";
import { type FeedStep, feedSteps } from "../subscriptions/feed.js";
import type { Call } from "./calls.js";
import { eventStream } from "./event-stream.js";
import type { Exchange } from "./exchange.js";
import { problem } from "./problem.js";
import { shownEvents } from "./read-history-page.js";
import { Refusal } from "./refusal.js";
import type { MakeRoutes, Route } from "./routes.js";
import type { ServedService } from "./serve.js";

/** How events are given. */
export interface EventRoutesOptions {
  /** The one that the streams are written with. Binary by default. */
  readonly serializer?: Serializer | undefined;
  /** The one that the repository has. Events with personal fields need it. */
  readonly keyring?: Keyring | undefined;
  /** The milliseconds of silence after which a client is shown that there is somebody; 15 seconds by default. */
  readonly heartbeatMs?: number | undefined;
  /**
   * The milliseconds after which a stream of events ends. Its client comes again where it was, and is authorized anew; 5
   * minutes by default.
   */
  readonly lifetimeMs?: number | undefined;
  /** Ends all streams, such as when the program ends. */
  readonly signal?: AbortSignal | undefined;
}

/** What stands for the position of what was saved last. */
const END = "end";

/** The most events that one request gets, and the seconds that it waits at most. */
const PAGE = 100;
const MAX_WAIT = 20;

const FIFTEEN_SECONDS = 15_000;
const FIVE_MINUTES = 300_000;

/** The events of one aggregate. */
interface Source {
  /** None where the store has no order of all events. */
  readonly store: FeedStore | undefined;
  readonly repository: Repository<AggregateTypes>;
  /** Those that are shown, by their names. */
  readonly shown: ReadonlyMap<string, DescMessage>;
  readonly call: Call;
  readonly options: EventRoutesOptions;
}

/** A request for what is behind a position. */
interface Following extends Source {
  readonly store: FeedStore;
  readonly exchange: Exchange;
  readonly after: bigint;
  /** Whether it begins where the feed ended, so that its client doesn't know the position yet. */
  readonly isFromEnd: boolean;
  /** The one aggregate that is followed; all of them without it. */
  readonly id: string | undefined;
}

/** An event as it is told. */
interface ToldEvent {
  readonly position: string;
  readonly type: string;
  readonly event: JsonValue;
}

/**
 * Makes the paths under which clients follow the events of served aggregates: `GET /…OrderService/events?after=12`, in the
 * order of the saves. Who accepts `text/event-stream` gets a stream, which goes on behind its `Last-Event-ID`; others get
 * the events behind `after` as JSON, and with `wait=20` wait as many seconds for the first. `after=end` is where the events
 * end that there are, and `id=o-1` gives those of one aggregate.
 *
 * They are authorized as `example.app.order.v1.OrderEvents`, a read. Hidden events are left out, and with `sees` those of
 * aggregates that the caller may not see, for which each event's aggregate is loaded. Positions count the records of all
 * aggregates. The store has to be one in memory or an SQLite file, or a `ledgerFeed`: others have no such order, and answer
 * 501.
 */
export function eventRoutes(store: object, options: EventRoutesOptions = {}): MakeRoutes {
  return (services) => {
    const routes = new Map<string, Route>(
      services.flatMap((served) => {
        const source = sourceOf(served, store, options);
        return source === undefined ? [] : [[`/${served.service.typeName}/events`, routeOf(source)] as const];
      }),
    );
    return (path) => routes.get(path);
  };
}

/** What has no history for callers has no events for them either. */
function sourceOf(
  { calls, repository }: ServedService,
  store: object,
  options: EventRoutesOptions,
): Source | undefined {
  const history = calls.find(({ kind }) => kind === "history");
  if (repository === undefined || history === undefined) return undefined;
  const { file, name } = history.schema;
  const call = { ...history, name: `${file.proto.package}.${name}Events` };
  const shown = shownEvents(repository.aggregate);
  return { store: isFeed(store) ? store : undefined, repository, shown, call, options };
}

function routeOf(source: Source): Route {
  const { call, options } = source;
  return {
    methods: ["GET"],
    takes: () => true,
    async answer(exchange) {
      const { request, headers } = exchange;
      try {
        await exchange.admit(call);
        const { searchParams } = new URL(request.url);
        const given = request.headers.get("last-event-id") ?? searchParams.get("after") ?? "0";
        const wait = waitOf(searchParams.get("wait") ?? "0");
        const store = requireFeed(source);
        const isFromEnd = given === END;
        const after = isFromEnd ? await store.feedEnd({ signal: exchange.signal }) : positionOf(given);
        const id = searchParams.get("id") ?? undefined;
        const following: Following = { ...source, store, exchange, after, isFromEnd, id };
        if (!request.headers.get("accept")?.includes("text/event-stream")) {
          headers.set("content-type", "application/json");
          return new Response(JSON.stringify(await poll(following, wait)), { headers });
        }
        headers.set("content-type", "text/event-stream");
        // Proxies that collect answers would keep the events.
        headers.set("x-accel-buffering", "no");
        const body = eventStream({
          signals: [request.signal, options.signal],
          heartbeatMs: options.heartbeatMs ?? FIFTEEN_SECONDS,
          lifetimeMs: options.lifetimeMs ?? FIVE_MINUTES,
          texts: (signal) => textsOf(following, signal),
        });
        return new Response(body, { headers });
      } catch (error) {
        return problem(exchange.refuse(error, call), headers);
      }
    },
  };
}

function requireFeed({ store }: Source): FeedStore {
  if (store !== undefined) return store;
  throw new Refusal("unimplemented", "this store has no order of all events: read the history of each aggregate", {
    reason: "not_configured",
  });
}

/** Gives what is behind a position at once, or waits for the first. */
async function poll(following: Following, wait: number): Promise<{ events: readonly ToldEvent[]; after: string }> {
  const events: ToldEvent[] = [];
  let last = following.after;
  const time = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  await withEither(following.exchange.signal, time.signal, async (signal) => {
    for await (const { position, found, isEnd } of stepsOf(following, signal)) {
      const told = await tell(following, found, signal);
      last = position;
      if (told !== undefined) events.push(told);
      if (events.length === PAGE) break;
      if (!isEnd) continue;
      if (events.length > 0 || wait === 0) break;
      timer ??= setTimeout(() => time.abort(), wait * 1000);
    }
  }).finally(() => clearTimeout(timer));
  return { events, after: String(last) };
}

/** Gives the text of each event, and of how far was read without one. */
async function* textsOf(following: Following, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  let given = following.after;
  // Who is cut off before the first event goes on from here.
  if (following.isFromEnd) yield idOnly(given);
  try {
    for await (const { position, found, isEnd } of stepsOf(following, signal)) {
      const told = await tell(following, found, signal);
      if (told !== undefined) yield `id: ${position}\nevent: ${told.type}\ndata: ${JSON.stringify(told.event)}\n\n`;
      else if (isEnd && position > given) yield idOnly(position);
      else continue;
      given = position;
    }
  } catch (error) {
    // The answer has begun: all that is left is to log it, and to end.
    following.exchange.refuse(error, following.call);
  }
}

/** Tells a client a position without an event. */
function idOnly(position: bigint): string {
  return `id: ${position}\n\n`;
}

function stepsOf({ store, repository, options, after }: Following, signal: AbortSignal) {
  const { serializer, keyring } = options;
  return feedSteps(store, { of: [repository.aggregate], after, serializer, keyring, signal });
}

function isFeed(store: object): store is FeedStore {
  return "readFeed" in store && "awaitFeed" in store && "feedEnd" in store;
}

/** Gives an event as the caller is told of it; undefined for none, and for one that he isn't told of. */
async function tell(
  { repository, shown, call, id, exchange: { sees } }: Following,
  found: FeedStep<Message>["found"],
  signal: AbortSignal,
): Promise<ToldEvent | undefined> {
  const schema = found && shown.get(found.event.$typeName);
  if (found === undefined || schema === undefined) return undefined;
  if (id !== undefined && found.id !== id) return undefined;
  if (sees !== undefined && !(await isSeen(repository, found.id, sees, signal))) return undefined;
  const event = toJson(schema, found.event, { registry: fileRegistry(call.schema.file) });
  return { position: String(found.position), type: schema.name, event };
}

async function isSeen(
  repository: Repository<AggregateTypes>,
  id: string,
  sees: (message: Message) => boolean,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return sees((await repository.load(id, { signal })) as Message);
  } catch (error) {
    // Nobody sees what was deleted, or has expired.
    if (isProtosourceError(error, "not_found")) return false;
    throw error;
  }
}

function positionOf(text: string): bigint {
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw invalid("after", `the position is none: give the last one that was dealt with, 0, or ${END}`);
}

function waitOf(text: string): number {
  const seconds = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= MAX_WAIT) return seconds;
  throw invalid("wait", `wait isn't a number of seconds: give 0 to ${MAX_WAIT}`);
}
