/** Answers with a status of success that can't be right: they are no empty page, and aren't read for ever. */
import {
  checkTables,
  type DynamoDBAdminClientLike,
  type DynamoDBClientLike,
  DynamoDBOpaqueStore,
  DynamoDBStore,
  ensureTables,
} from "protosource-es/dynamodb";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: { readonly ExclusiveStartKey?: object };
}

type Answer = (command: Command) => object;

interface Stores {
  readonly store: DynamoDBStore;
  readonly opaqueStore: DynamoDBOpaqueStore;
}

function before(answer: Answer): Stores {
  const client = { send: async (command: Command) => answer(command) } as unknown as DynamoDBClientLike;
  const opaqueStore = new DynamoDBOpaqueStore(client);
  return { opaqueStore, store: new DynamoDBStore(client, { opaqueStore }) };
}

const unusable = { code: "unavailable", details: { outcome: "not_applied", reasons: ["UnusableAnswer"] } };

const reads: Readonly<Record<string, (stores: Stores, cursor?: string) => Promise<unknown>>> = {
  load: ({ store }) => store.load("id"),
  loadTail: ({ store }) => store.loadTail("id", 2),
  events: async ({ store }) => {
    for await (const { version } of store.events("id")) expect(version).toBeGreaterThan(0n);
  },
  query: ({ opaqueStore }) => opaqueStore.query({ partition: "id" }),
  "scan of a stream": ({ store }, cursor) => store.scan({ aggregateId: "id", cursor }),
  scan: ({ store }, cursor) => store.scan({ cursor }),
  "scan of rows": ({ opaqueStore }, cursor) => opaqueStore.scan({ cursor }),
};
const names = Object.keys(reads);
const read = (name: string, stores: Stores, cursor?: string): Promise<unknown> =>
  reads[name]?.(stores, cursor) ?? Promise.resolve();

describe.concurrent("an answer", () => {
  test.each(names)("without Items is no empty page to a %s", async (name) => {
    expect(
      await failure(
        read(
          name,
          before(() => ({})),
        ),
      ),
    ).toMatchObject(unusable);
  });

  test("without Items is asked for again", async () => {
    const items = [{ v: { N: "1" }, d: { B: Uint8Array.of(1) } }];
    let answers = 0;
    const { store } = before(() => (answers++ === 0 ? {} : { Items: items }));
    expect((await store.load("id")).records.map(({ version }) => version)).toEqual([1n]);
  });

  test("without a table isn't taken for a table that is missing", async () => {
    const sent = new Set<string>();
    const client = {
      async send(command: Command): Promise<object> {
        sent.add(command.constructor.name);
        return {};
      },
    } as unknown as DynamoDBAdminClientLike;
    const failures = [failure(ensureTables(client)), failure(checkTables(client))];
    for (const one of failures) expect(await one).toMatchObject(unusable);
    expect(sent).toEqual(new Set(["DescribeTableCommand"]));
  });

  test.each(names)("that always goes on at one key ends a %s", async (name) => {
    const key = name === "query" || name === "scan of rows" ? { pk: { S: "id" }, sk: { S: "AGG" } } : undefined;
    const LastEvaluatedKey = key ?? { a: { S: "id" }, v: { N: "1" } };
    const stores = before(() => ({ Items: [], LastEvaluatedKey }));
    if (!name.includes("scan")) expect(await failure(read(name, stores))).toMatchObject(unusable);
    else {
      const { cursor } = (await read(name, stores)) as { readonly cursor: string };
      expect(await failure(read(name, stores, cursor))).toMatchObject(unusable);
    }
  });
});
