/** What the API of the studio tells of rows, without a browser. */
import {
  type KeyedMessages,
  type Refusal,
  type RowDetail,
  type RowPage,
  schemasOf,
  studioApi,
} from "protosource-cli/studio";
import { Repository, type Store } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  defineOrder,
  type OrderTypes,
  orderCommands,
} from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../../examples/orders/src/order.js";
import { defineSample } from "../../../protosource-es/test/gen/example/app/keys/v1/keys_v1_protosource.js";
import {
  type PersonTypes,
  personCommands,
} from "../../../protosource-es/test/gen/example/app/people/v1/people_v1_protosource.js";
import type { StudioOptions } from "../../src/studio/studio.js";
import { keyring, person } from "../people.js";

const ORDER = "example.app.order.v1.Order";

type Stores = Required<Pick<StudioOptions, "store" | "opaqueStore">> & { store: Store; opaqueStore: OpaqueStore };

function inMemory(): Stores {
  const opaqueStore = new MemoryOpaqueStore();
  return { store: new MemoryStore({ opaqueStore }), opaqueStore };
}

function inSqlite(): Stores {
  const database = openSqlite(":memory:");
  afterAll(() => database.close());
  const opaqueStore = new SqliteOpaqueStore(database);
  return { store: new SqliteStore(database), opaqueStore };
}

/** Asks one thing of the API. */
type Ask = <T>(route: string, parameters: readonly (readonly [string, string])[]) => Promise<T>;

function asking(options: StudioOptions): Ask {
  const api = studioApi(options);
  return async <T>(route: string, parameters: readonly (readonly [string, string])[]) => {
    const query = new URLSearchParams(parameters.map(([name, value]) => [name, value]));
    return (await (await api(new Request(`http://localhost/api/${route}?${query}`))).json()) as T;
  };
}

describe.each([
  ["in memory", inMemory],
  ["in SQLite", inSqlite],
] as const)("%s", (_, open) => {
  let ask: Ask;
  beforeAll(async () => {
    const stores = open();
    const orders: Repository<OrderTypes> = new Repository(order, stores.store);
    for (let i = 0; i < 7; i++) {
      await orders.apply(orderCommands.Create({ id: `o-${i}`, actor: "ann", customerId: "c-1", customerName: "Zoë" }));
    }
    const item = { itemId: "lamp", priceCents: 5n, quantity: 2 };
    const withoutRows: Repository<OrderTypes> = new Repository(order, stores.store, { materialize: "off" });
    await withoutRows.apply(orderCommands.AddItem({ id: "o-3", actor: "bob", item }));
    await withoutRows.apply(orderCommands.AddTag({ id: "o-3", actor: "bob", tag: { key: "gift", value: "yes" } }));
    ask = asking({ ...stores, schemas: schemasOf([order]), words: ["--store", "sqlite:my orders.db"] });
  });

  it("gives the rows of an index page by page, with their keys", async () => {
    const query = [
      ["type", ORDER],
      ["index", "1"],
      ["where", "customer_id=c-1"],
      ["limit", "4"],
    ] as const;
    const first = await ask<RowPage>("rows", query);
    expect(first.rows[0]).toMatchObject({
      ...{ pk: "example_app_order_v1#order#id#o-0", sk: "AGG", version: "1" },
      indexPk: "example_app_order_v1#order#customer_id#c-1",
      indexSk: expect.stringMatching(/#create_at#\d+$/),
      text: expect.stringContaining("customerName Zoë"),
    });
    const second = await ask<RowPage>("rows", [...query, ["cursor", first.cursor ?? ""]]);
    expect([...first.rows, ...second.rows].map(({ pk }) => pk.slice(-3))).toEqual(
      Array.from({ length: 7 }, (_, i) => `o-${i}`),
    );
    expect(second.cursor).toBeUndefined();
    const backwards = await ask<RowPage>("rows", [...query, ["where", "create_at>=1"], ["reverse", "true"]]);
    expect(backwards.rows[0]?.pk).toMatch(/o-6$/);
  });

  it("shows that a row is behind its events, what would change, and the line that mends it", async () => {
    const { json, fold } = await ask<RowDetail>("row", [
      ["pk", "example_app_order_v1#order#id#o-3"],
      ["sk", "AGG"],
    ]);
    expect(json).toMatchObject({ id: "o-3", version: "1" });
    expect(fold).toMatchObject({ streamId: "example_app_order_v1#o-3", version: "3", behind: "2" });
    expect(fold?.changes).toContainEqual({ path: "totalCents", after: "10" });
    expect(fold?.mend).toBe("protosource rebuild --stream 'example_app_order_v1#o-3' --store 'sqlite:my orders.db'");
  });

  it("compares a projection in the fields that it has", async () => {
    const key = (id: string): readonly (readonly [string, string])[] => [
      ["pk", `example_app_order_v1#order#id#${id}`],
      ["sk", "PROJ#OrderSummary"],
    ];
    const fresh = await ask<RowDetail>("row", key("o-1"));
    expect(fresh.fold).toMatchObject({ behind: "0", changes: [] });
    expect(fresh.fold?.mend).toBeUndefined();
    const stale = await ask<RowDetail>("row", key("o-3"));
    expect(stale.fold?.changes.map(({ path }) => path).toSorted()).toEqual(["itemCount", "totalCents"]);
    expect(stale.fold?.mend).toContain("rebuild");
  });

  it("shows rows that can't be read, and those that tell of another key than their own", async () => {
    const stores = open();
    const orders: Repository<OrderTypes> = new Repository(order, stores.store);
    await orders.apply(orderCommands.Create({ id: "o-1", actor: "ann", customerId: "c-1", customerName: "Zoë" }));
    const pk = "example_app_order_v1#order#id#o-1";
    const row = (await stores.opaqueStore.get({ pk, sk: "AGG" })) ?? expect.fail("no row");
    await stores.opaqueStore.put({ ...row, pk: `${pk}-stray` });
    await stores.opaqueStore.put({ ...row, pk: `${pk}-broken`, body: new Uint8Array([255]) });
    const { rows } = await asking({ ...stores, schemas: schemasOf([order]) })<RowPage>("rows", [
      ["type", ORDER],
      ["index", "1"],
      ["where", "customer_id=c-1"],
    ]);
    expect(rows.map(({ pk }) => pk)).toEqual([pk, `${pk}-stray`, `${pk}-broken`]);
    expect(rows[2]?.text).toContain("the body isn't a example.app.order.v1.Order");
    const shown = (of: string, definition = order): Promise<RowDetail> =>
      asking({ ...stores, schemas: schemasOf([definition]) })<RowDetail>("row", [
        ["pk", of],
        ["sk", "AGG"],
      ]);
    expect((await shown(pk)).problem).toBeUndefined();
    expect((await shown(`${pk}-stray`)).problem).toContain(`it tells of the row pk="${pk}"`);
    const failing = defineOrder({
      afterOn() {
        throw new Error("the code is wrong");
      },
    });
    const { json, fold } = await shown(pk, failing);
    expect(json).toMatchObject({ id: "o-1" });
    expect(fold?.problem).toContain("the code is wrong");
  });

  it("says what to do about a row that isn't there, and of conditions that don't fit", async () => {
    const gone = await ask<Refusal>("row", [
      ["pk", "no"],
      ["sk", "such"],
    ]);
    expect(gone.error).toMatchObject({ code: "not_found", message: expect.stringContaining("query again") });
    const wrong = await ask<Refusal>("rows", [
      ["type", ORDER],
      ["index", "1"],
      ["where", "create_at>=5"],
    ]);
    expect(wrong.error.code).toBe("invalid_argument");
  });
});

it("tells of each field of a key how a form asks for it", async () => {
  const ask = asking({ store: new MemoryStore(), schemas: schemasOf([order, defineSample()]) });
  const { messages } = await ask<KeyedMessages>("indexes", []);
  const orders = messages.find(({ type }) => type === ORDER);
  expect(orders?.indexes).toEqual([
    {
      index: 0,
      partition: [{ name: "id", kind: "text", operators: ["=", "<", "<=", ">", ">=", "^="] }],
      sort: [],
    },
    {
      index: 1,
      partition: [{ name: "customer_id", kind: "text", operators: ["=", "<", "<=", ">", ">=", "^="] }],
      sort: [
        {
          ...{ name: "create_at", kind: "integer", operators: ["=", "<", "<=", ">", ">="] },
          bounds: ["-9223372036854775808", "9223372036854775807"],
        },
      ],
    },
  ]);
  const fields = messages.flatMap(({ indexes }) => indexes.flatMap(({ partition, sort }) => [...partition, ...sort]));
  expect(Object.fromEntries(fields.map(({ name, kind }) => [name, kind]))).toMatchObject({
    ...{ double_value: "number", uint64_value: "integer", bool_value: "bool", string_value: "text" },
    ...{ blob: "bytes", kind: "enum", kinds: "none" },
  });
});

it("masks what is personal in rows, and compares the rest", async () => {
  const stores = inMemory();
  const people: Repository<PersonTypes> = new Repository(person, stores.store, { keyring });
  await people.apply(
    personCommands.Register({ id: "p-1", actor: "ann", name: "Ann", email: "ann@x.org", plan: "free" }),
  );
  const ask = asking({ ...stores, schemas: schemasOf([person], { keyring }) });
  const page = await ask<RowPage>("rows", [
    ["type", "example.app.people.v1.Person"],
    ["index", "2"],
    ["where", "plan=free"],
  ]);
  expect(page.rows).toHaveLength(1);
  const [{ pk, sk }] = page.rows as [RowPage["rows"][number]];
  const detail = await ask<RowDetail>("row", [
    ["pk", pk],
    ["sk", sk],
  ]);
  expect(detail.fold).toMatchObject({ behind: "0", changes: [] });
  expect(JSON.stringify([page, detail])).not.toMatch(/Ann|ann@/);
});

it("says that there are no rows where only events were given", async () => {
  const ask = asking({ store: new MemoryStore(), schemas: schemasOf([order]) });
  const { error } = await ask<Refusal>("row", [
    ["pk", "a"],
    ["sk", "b"],
  ]);
  expect(error.message).toContain("look at streams");
});
