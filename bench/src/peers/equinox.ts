/**
 * Equinox for JavaScript on DynamoDB: several events an item, the last item rewritten by each append.
 *
 * Appends go out from a cached position, without a read. A decider decides anew after a conflict, so that workload isn't
 * for it.
 */
import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Contender } from "../contender.js";
import { type PlainEvent, plainEvent } from "../sample.js";
import { requirePeer } from "./installed.js";

interface StreamEvent {
  readonly type: string;
  readonly data: Omit<PlainEvent, "type">;
}

interface Decider {
  transact(interpret: () => readonly StreamEvent[], load: unknown): Promise<void>;
  query<V>(render: (state: readonly StreamEvent[]) => V, load: unknown): Promise<V>;
}

interface Core {
  readonly Codec: { json(): unknown; compress(codec: unknown): unknown };
  readonly CachingStrategy: { Cache(cache: unknown): unknown; NoCache(): unknown };
  readonly MemoryCache: new () => unknown;
  readonly LoadOption: { readonly AnyCachedValue: unknown; readonly RequireLeader: unknown };
  readonly StreamId: { create(id: string): unknown };
  readonly StreamName: { create(category: string, id: unknown): unknown };
  readonly Decider: { forStream(category: unknown, id: unknown, context: undefined): Decider };
}

interface Store {
  readonly DynamoStoreClient: new (client: DynamoDBClient) => unknown;
  readonly DynamoStoreContext: new (options: object) => unknown;
  readonly DynamoStoreCategory: { create(...args: unknown[]): unknown };
  readonly EventsContext: new (
    context: unknown,
  ) => {
    walk(
      name: unknown,
      items: number,
      min: undefined,
      max: undefined,
      direction: number,
    ): AsyncIterable<readonly { readonly data?: unknown; readonly index: bigint | number }[]>;
  };
  readonly TipOptions: { create(options: object): unknown };
  readonly QueryOptions: { create(options: object): unknown };
  readonly AccessStrategy: { Unoptimized(): unknown };
  readonly Direction: { readonly Backward: number };
}

const CATEGORY = "Order";

/** Makes a store with a table of its own. */
export async function createEquinox(client: DynamoDBClient, table: string): Promise<Contender> {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "p", KeyType: "HASH" },
        { AttributeName: "i", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "p", AttributeType: "S" },
        { AttributeName: "i", AttributeType: "N" },
      ],
    }),
  );
  const core = requirePeer<Core>("@equinox-js/core");
  const store = requirePeer<Store>("@equinox-js/dynamo-store");
  const context = new store.DynamoStoreContext({
    client: new store.DynamoStoreClient(client),
    tableName: table,
    tip: store.TipOptions.create({}),
    query: store.QueryOptions.create({}),
  });
  const codec = core.Codec.compress(core.Codec.json());
  const category = (fold: (state: unknown, events: unknown) => unknown, caching: unknown): unknown =>
    store.DynamoStoreCategory.create(context, CATEGORY, codec, fold, [], caching, store.AccessStrategy.Unoptimized());
  const writing = category((state) => state, core.CachingStrategy.Cache(new core.MemoryCache()));
  const reading = category((_, events) => events, core.CachingStrategy.NoCache());
  const eventsContext = new store.EventsContext(context);
  const decider = (category: unknown, id: string): Decider =>
    core.Decider.forStream(category, core.StreamId.create(id), undefined);

  return {
    refuses: false,
    async append(id, _, events) {
      const streamEvents = events.map((event): StreamEvent => {
        const { type, ...data } = plainEvent(event);
        return { type, data };
      });
      await decider(writing, id).transact(() => streamEvents, core.LoadOption.AnyCachedValue);
    },
    async loadEvents(id) {
      const events = await decider(reading, id).query((state) => state, core.LoadOption.RequireLeader);
      return { count: events.length, last: events.at(-1)?.data.version ?? 0 };
    },
    async tail(id, n) {
      const name = core.StreamName.create(CATEGORY, core.StreamId.create(id));
      const events: { readonly index: bigint | number }[] = [];
      for await (const page of eventsContext.walk(name, 2, undefined, undefined, store.Direction.Backward)) {
        events.push(...page);
        if (events.length >= n) break;
      }
      const last = Number(events[0]?.index ?? -1) + 1;
      return { count: Math.min(n, events.length), last };
    },
  };
}
