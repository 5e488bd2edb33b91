import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Repository } from "protosource-es";
import { DynamoDBStore } from "protosource-es/dynamodb";
import { type EventRoutesOptions, eventRoutes, fetchHandler, type Grant, serve } from "protosource-es/http";
import { nodeListener } from "protosource-es/http/node";
import { MemoryStore } from "protosource-es/memory";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { describe, expect, it } from "vitest";
import { type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { OrderService } from "../../gen/example/app/order/v1/order_v1_service_pb.js";
import { order } from "../../order.js";
import { listening } from "../http-node/listening.js";

const EVENTS = "https://shop.example/example.app.order.v1.OrderService/events";

interface Followed {
  readonly handle: (request: Request) => Promise<Response>;
  readonly repository: Repository<OrderTypes>;
  readonly logged: string[];
}

function followed(store: MemoryStore | SqliteStore, options: EventRoutesOptions = {}, sees?: Grant["sees"]): Followed {
  const repository = new Repository(order, store);
  const logged: string[] = [];
  const handle = fetchHandler({
    services: [serve(OrderService, { repository, queries: store.opaqueStore })],
    routes: [eventRoutes(store, options)],
    authorize: (request, { name, read }) => {
      const isFollowing = name === "example.app.order.v1.OrderEvents" && read;
      return isFollowing && request.headers.get("x-user") !== "mallory" ? { actor: "ann", sees } : undefined;
    },
    logger: { warn: (message) => logged.push(message) },
  });
  return { handle, repository, logged };
}

/** Reads a stream of events, block by block. */
async function follow(
  { handle }: Pick<Followed, "handle">,
  headers: Record<string, string> = {},
  signal: AbortSignal | null = null,
  query = "",
) {
  const accept = { accept: "text/event-stream" };
  const answer = await handle(new Request(`${EVENTS}${query}`, { headers: { ...accept, ...headers }, signal }));
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const next = async (): Promise<string | undefined> => {
    const { value } = await reader.read();
    return value && new TextDecoder().decode(value);
  };
  expect(await next()).toBe("retry: 1000\n\n");
  return { next, cancel: () => reader.cancel() };
}

async function poll(
  { handle }: Followed,
  query = "",
  headers: Record<string, string> = {},
): Promise<readonly unknown[]> {
  const answer = await handle(new Request(`${EVENTS}${query}`, { headers }));
  const { events, after, ...problem } = (await answer.json()) as {
    readonly events?: readonly { readonly position: string; readonly type: string; readonly event: object }[];
    readonly after?: string;
    readonly detail?: string;
  };
  if (events === undefined) return [answer.status, problem.detail];
  return [events.map(({ position, type }) => `${position} ${type}`), after];
}

const create = (id: string) => orderCommands.Create({ id, actor: "ann", customerId: id });
const setShipping = (id: string) => orderCommands.SetShipping({ id, actor: "ann", shippingAddress: "a" });

const stores = {
  memory: () => new MemoryStore(),
  sqlite: () => new SqliteStore(openSqlite(":memory:")),
};

describe.each(Object.entries(stores))("the events of a store in %s", (_, open) => {
  it("come as a stream, those of the past and those to come, and go on behind the last one", async () => {
    const api = followed(open());
    await api.repository.apply(create("o1"));
    const first = await follow(api);
    const created = await first.next();
    expect(created).toMatch(/^id: 1\nevent: Created\ndata: \{.*"customerId":"o1".*\}\n\n$/);
    const coming = first.next();
    await api.repository.apply(setShipping("o1"));
    expect(await coming).toMatch(/^id: 2\nevent: ShippingSet\n/);
    await first.cancel();
    await api.repository.apply(create("o2"));
    const second = await follow(api, { "last-event-id": "2" });
    expect(await second.next()).toMatch(/^id: 3\nevent: Created\n.*"o2"/);
    await second.cancel();
  });

  it("come to who asks for them, at once or as soon as there are some", async () => {
    const api = followed(open());
    expect(await poll(api)).toEqual([[], "0"]);
    const waiting = poll(api, "?wait=20");
    await sleep(20);
    await api.repository.apply(create("o1"));
    expect(await waiting).toEqual([["1 Created"], "1"]);
    for (let i = 2; i <= 102; i++) await api.repository.apply(create(`o${i}`));
    const [page, after] = await poll(api, "?after=1&wait=1");
    expect([page, after]).toMatchObject([{ length: 100 }, "101"]);
    expect(await poll(api, "?after=101")).toEqual([["102 Created"], "102"]);
    expect(await poll(api, "?after=102&wait=1")).toEqual([[], "102"]);
  });
});

describe.each(Object.entries(stores))("a client of a store in %s", (_, open) => {
  it("begins with what is to come, and knows from where when it is cut off before that", async () => {
    const api = followed(open());
    await api.repository.apply(create("o1"));
    expect(await poll(api, "?after=end")).toEqual([[], "1"]);
    const waiting = poll(api, "?after=end&wait=20");
    const stream = await follow(api, {}, null, "?after=end");
    expect(await stream.next()).toBe("id: 1\n\n");
    await sleep(20);
    await api.repository.apply(setShipping("o1"));
    expect(await waiting).toEqual([["2 ShippingSet"], "2"]);
    expect(await stream.next()).toMatch(/^id: 2\nevent: ShippingSet\n/);
    await stream.cancel();
    const again = await follow(api, { "last-event-id": "1" }, null, "?after=end");
    expect(await again.next()).toMatch(/^id: 2\nevent: ShippingSet\n/);
    await again.cancel();
  });

  it("follows one aggregate, and needn't read again what is of others", async () => {
    const api = followed(open());
    const stream = await follow(api, {}, null, "?id=o2");
    for (const id of ["o1", "o2", "o3"]) await api.repository.apply(create(id));
    expect(await stream.next()).toMatch(/^id: 2\nevent: Created\n.*"o2"/);
    expect(await stream.next()).toBe("id: 3\n\n");
    await stream.cancel();
    expect(await poll(api, "?id=o2")).toEqual([["2 Created"], "3"]);
    expect(await poll(api, "?id=o4")).toEqual([[], "3"]);
  });
});

describe("a client that follows events", () => {
  it("is asked who it is, and shown what it may see", async () => {
    const api = followed(new MemoryStore(), {}, (row) => (row as { customerId?: string }).customerId === "o2");
    expect(await poll(api, "", { "x-user": "mallory" })).toEqual([401, "nobody is logged in"]);
    for (const id of ["o1", "o2"]) await api.repository.apply(create(id));
    expect(await poll(api)).toEqual([["2 Created"], "2"]);
    await api.repository.apply(setShipping("o1"));
    expect(await poll(api, "?after=2")).toEqual([[], "3"]);
    const stream = await follow(api, { "last-event-id": "2" });
    // It needn't read again what it was told nothing of.
    expect(await stream.next()).toBe("id: 3\n\n");
    await stream.cancel();
  });

  it.each(["?after=-1", "?after=x", "?after=END", "?wait=21", "?wait=-1", "?wait=x"])(
    "is refused %s",
    async (query) => {
      expect((await poll(followed(new MemoryStore()), query))[0]).toBe(400);
    },
  );

  it("is told plainly that a table of DynamoDB has no order of all events", async () => {
    const store = new MemoryStore();
    const tables = new DynamoDBStore(new DynamoDBClient({ region: "us-east-1" }));
    const handle = fetchHandler({
      services: [serve(OrderService, { repository: new Repository(order, store), queries: store.opaqueStore })],
      routes: [eventRoutes(tables)],
      authorize: () => ({ actor: "ann" }),
    });
    for (const accept of ["application/json", "text/event-stream"]) {
      const answer = await handle(new Request(EVENTS, { headers: { accept } }));
      expect([answer.status, await answer.json()]).toMatchObject([501, { reason: "not_configured" }]);
    }
  });

  it("is shown that there is somebody, and comes again after the lifetime of its stream", async () => {
    const api = followed(new MemoryStore(), { heartbeatMs: 5, lifetimeMs: 50 });
    const stream = await follow(api);
    const given: (string | undefined)[] = [];
    do given.push(await stream.next());
    while (given.at(-1) !== undefined);
    expect(new Set(given)).toEqual(new Set([":\n\n", undefined]));
  });

  it("leaves no listener behind, whoever ends its stream", async () => {
    const program = new AbortController();
    const client = new AbortController();
    const api = followed(new MemoryStore(), { signal: program.signal });
    const listeners = (): number => getEventListeners(program.signal, "abort").length;
    await (await follow(api)).cancel();
    expect(listeners()).toBe(0);
    const [aborted, ended] = [await follow(api, {}, client.signal), await follow(api)];
    const [last, end] = [aborted.next(), ended.next()];
    expect(listeners()).toBe(1);
    client.abort();
    expect(await last).toBeUndefined();
    program.abort();
    expect(await end).toBeUndefined();
    expect(listeners()).toBe(0);
    expect(await (await follow(api)).next()).toBeUndefined();
  });

  it("is let go when its connection is closed", async () => {
    const program = new AbortController();
    const api = followed(new MemoryStore(), { signal: program.signal });
    const port = await listening(nodeListener(api.handle));
    const clients = Array.from({ length: 5 }, () => new AbortController());
    const url = EVENTS.replace("https://shop.example", `http://127.0.0.1:${port}`);
    for (const { signal } of clients) await fetch(url, { headers: { accept: "text/event-stream" }, signal });
    expect(getEventListeners(program.signal, "abort")).toHaveLength(1);
    for (const client of clients) client.abort();
    await expect.poll(() => getEventListeners(program.signal, "abort").length).toBe(0);
    expect(api.logged).toEqual([]);
  });
});
