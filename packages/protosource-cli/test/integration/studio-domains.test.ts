/** The studio over what a domain leaves beside its events: how far subscriptions have come, and the keys of persons. */
import { randomBytes, randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { customerOrders, mails, order } from "@protosource-es/studio/demo";
import { type EventStore, Repository, streamId } from "protosource-es";
import { dynamoDBKeyStore, ensureTables } from "protosource-es/dynamodb";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { createKeyring } from "protosource-es/personal";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { Subscriptions } from "protosource-es/subscriptions";
import { type Fate, type FaultProxy, startFaultProxy } from "protosource-es/testing/faults";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { orderCommands } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { personCommands } from "../../../protosource-es/test/gen/example/app/people/v1/people_v1_protosource.js";
import { showStore } from "../../src/studio/run-studio.js";
import { countedCost } from "../counted-cost.js";
import { engines, freshTables, temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { buildDomain, ORDERS } from "../orders.js";
import { person } from "../people.js";
import { answers, type Question } from "../studio/answers.js";

const folder = temporaryFolder();
const image = folder.path("image.binpb");
let domain = "";
beforeAll(async () => {
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, "local");
  buildImage(image);
  domain = await buildDomain(`export { customerOrders, mails } from "@protosource-es/studio/demo";`);
});
afterAll(() => {
  vi.unstubAllEnvs();
  folder.remove();
});

const DENIED: Fate = {
  status: 400,
  body: { __type: "com.amazon.coral.service#AccessDeniedException", message: "not authorized" },
};
const MISSING: Fate = {
  status: 400,
  body: { __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", message: "no such table" },
};

interface Place {
  readonly url: string;
  readonly store: EventStore;
  readonly opaqueStore: OpaqueStore;
  /** Stands before the engine, where there is one. */
  readonly proxy?: FaultProxy;
  close(): Promise<void>;
}

async function openFile(): Promise<Place> {
  const path = folder.path("orders.db");
  const database = openSqlite(path);
  const opaqueStore = new SqliteOpaqueStore(database);
  const store = new SqliteStore(database, { opaqueStore });
  return { url: `sqlite:${path}`, store, opaqueStore, close: async () => void database.close() };
}

async function openTables(
  endpoint: string,
): Promise<Place & { readonly client: DynamoDBClient; readonly proxy: FaultProxy }> {
  const [tables, proxy] = await Promise.all([freshTables(endpoint, { feeds: true }), startFaultProxy(endpoint)]);
  const { client, store, opaqueStore } = tables;
  const url = tables.url.replace(encodeURIComponent(endpoint), encodeURIComponent(proxy.endpoint));
  return { url, store, opaqueStore, client, proxy, close: () => proxy.close() };
}

/** Has one order at its end, one whose mail can't be sent, and something behind that. */
async function live({ store, opaqueStore }: Place): Promise<void> {
  const orders = new Repository(order, store);
  const item = { itemId: "lamp", description: "A lamp", priceCents: 100n, quantity: 1 };
  for (const id of ["o-1", "o-1012"]) {
    const as = { id, actor: "ann" };
    await orders.apply(orderCommands.Create({ customerId: "c-1", customerName: "Ada" }), as);
    await orders.apply(orderCommands.AddItem({ item }), as);
    await orders.apply(orderCommands.SetShipping({ shippingAddress: "1 Main Street" }), as);
    await orders.apply(orderCommands.SetBilling({ billing: { method: "card", reference: "4711" } }), as);
    await orders.apply(orderCommands.Place({ placedAt: 1n }), as);
  }
  await new Subscriptions({ store, opaqueStore, all: [customerOrders, mails] }).catchUp();
  for (const id of ["o-1012", "o-2"]) {
    const command = id === "o-2" ? orderCommands.Create({ customerId: "c-1" }) : orderCommands.Pay({});
    await orders.apply(command, { id, actor: "ann" });
  }
}

describe.each([
  { name: "a file", open: openFile, tellsLag: true },
  ...engines.map(({ name, endpoint }) => ({ name, open: () => openTables(endpoint), tellsLag: false })),
])("subscriptions in $name", ({ open, tellsLag }) => {
  let place: Place;
  let shown: Awaited<ReturnType<typeof showStore>>;
  beforeAll(async () => {
    place = await open();
    await live(place);
    shown = await showStore({ store: place.url, domain, port: "0" });
  });
  afterAll(async () => {
    shown.close();
    await place.close();
  });

  const ask = async (...asked: readonly Question[]): ReturnType<typeof answers> =>
    answers({ ...shown.shown, words: [] }, asked);

  it("tell how each stands, what is parked and why, and what a release would handle", async () => {
    const [now, parked, none, parkedAt, behind] = await ask(
      ["subscriptions", {}],
      ["parked", { subscription: "mails" }],
      ["parked", { subscription: "customer-orders@1" }],
      ["positions", { id: `${ORDERS}o-1012` }],
      ["positions", { id: `${ORDERS}o-2` }],
    );
    const lag = (waiting: number): object => (tellsLag ? { lag: { waiting } } : {});
    expect(now).toMatchObject([
      "subscriptions",
      200,
      {
        subscriptions: [
          { id: "customer-orders@1", kind: "read-model", parked: 0, caughtUpAt: expect.any(String), ...lag(1) },
          { id: "mails@1", kind: "handler", parked: 1, ...lag(1) },
        ],
      },
    ]);
    expect(JSON.stringify(now).includes('"lag"')).toBe(tellsLag);
    const stuck = { version: "5", tries: 1, since: expect.any(String), error: "550 5.1.1 the mailbox doesn't exist" };
    expect(parked).toMatchObject(["parked", 200, { parked: [{ id: `${ORDERS}o-1012`, ...stuck }] }]);
    expect(none).toMatchObject(["parked", 200, { parked: [] }]);
    expect(parkedAt).toMatchObject([
      "positions",
      200,
      {
        positions: [
          { subscription: "customer-orders@1", version: "5", next: [{ version: "6", type: "Paid" }] },
          {
            subscription: "mails@1",
            version: "0",
            parked: stuck,
            next: [
              { version: "1", type: "Created", handled: false },
              { version: "2", type: "ItemAdded", handled: false },
              { version: "3", type: "ShippingSet", handled: false },
              { version: "4", type: "BillingSet", handled: false },
              { version: "5", type: "Placed", handled: true },
              { version: "6", type: "Paid", handled: false },
            ],
            lines: { release: `protosource subscriptions release mails@1 '${ORDERS}o-1012'` },
          },
        ],
      },
    ]);
    expect(behind).toMatchObject(["positions", 200, { positions: [{ version: "0" }, { version: "0", next: [{}] }] }]);
  });

  it("change by no question, and need their table for no other", async () => {
    const { proxy } = place;
    if (proxy === undefined) return;
    expect(new Set(proxy.requests.map(({ operation }) => operation))).toEqual(new Set(["GetItem", "Query"]));
    proxy.decide(({ body }) => (String(body["TableName"]).startsWith("feeds-") ? DENIED : "pass"));
    const id = `${ORDERS}o-1012`;
    const found = await ask(
      ["events", { id }],
      ["state", { id }],
      ["verify", { id }],
      ["subscriptions", {}],
      ["parked", { subscription: "mails" }],
      ["positions", { id }],
    );
    expect(found.map(([, status]) => status)).toEqual([200, 200, 200, 403, 403, 403]);
  });
});

describe.each(engines)("keys in a table on $name", ({ endpoint }) => {
  const id = streamId(person, "p-1");
  const keysTable = `keys-${randomUUID()}`;
  let place: Awaited<ReturnType<typeof openTables>>;
  const asking = { id, personal: "shown" };
  const showKeys = (): ReturnType<typeof showStore> =>
    showStore({ store: place.url, descriptors: image, keys: `${place.url}&keys=${keysTable}`, port: "0" });
  beforeAll(async () => {
    place = await openTables(endpoint);
    await ensureTables(place.client, { keysTable });
    const keyring = createKeyring(dynamoDBKeyStore(place.client, { table: keysTable }), { secret: randomBytes(32) });
    const people = new Repository(person, place.store, { keyring });
    for (const name of ["p-1", "p-2"]) {
      const register = personCommands.Register({ name: "Xanthippe", email: "x@athens.gr", plan: "gold" });
      await people.apply(register, { id: name, actor: "clerk" });
    }
    await keyring.forget("p-2", { reason: "request 12" });
  });
  afterAll(() => place.close());

  it("are read when personal fields are asked for, which is told in the cost, and never changed", async () => {
    const { shown, close } = await showKeys();
    const ofKeys: string[] = [];
    const count = (fate: Fate): void => {
      place.proxy.decide(({ operation, body }) => {
        if (body["TableName"] === keysTable) ofKeys.push(operation);
        return fate;
      });
    };
    count("pass");
    const [masked] = await answers(shown, [["state", { id }]]);
    expect(masked).toMatchObject([
      "state",
      200,
      { masked: true, state: { "@sealed": ["email", "name"], plan: "gold" } },
    ]);
    expect(ofKeys).toEqual([]);
    const { fate, cost } = countedCost();
    count(fate);
    const [opened] = await answers(shown, [["state", asking]]);
    expect(opened).toMatchObject(["state", 200, { state: { name: "Xanthippe", email: "x@athens.gr" }, cost }]);
    expect(ofKeys).toEqual(["GetItem"]);
    const [forgotten] = await answers(shown, [["state", { ...asking, id: streamId(person, "p-2") }]]);
    expect(forgotten).toMatchObject(["state", 200, { state: { "@erased": true, plan: "gold" } }]);
    expect(new Set(ofKeys)).toEqual(new Set(["GetItem"]));
    close();
  });

  it.each([
    ["denied", 403, DENIED],
    ["missing", 502, MISSING],
  ] as const)("that are %s are told from what stays sealed", async (_, status, fate) => {
    const { shown, close } = await showKeys();
    place.proxy.decide(({ body }) => (body["TableName"] === keysTable ? fate : "pass"));
    const found = await answers(shown, [
      ["state", { id }],
      ["state", asking],
      ["events", asking],
    ]);
    expect(found.map(([, status]) => status)).toEqual([200, status, status]);
    expect(found[1]?.[2]).toMatchObject({ error: { message: expect.stringContaining(keysTable) } });
    close();
  });
});
