/** What the API tells of subscriptions and of the health of stores. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { ProtosourceError, Repository, type StoredRecord } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { defineHandler, on, type Subscription, Subscriptions } from "protosource-es/subscriptions";
import { afterAll, describe, expect, it } from "vitest";
import { orderCommands } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../../examples/orders/src/order.js";
import { schemasOf } from "../../src/schemas.js";
import { findInTables } from "../../src/studio/check-tables.js";
import type {
  HealthPlan,
  ParkedPage,
  Refusal,
  StreamPositions,
  SubscriptionsNow,
  TableFindings,
  VerifiedPage,
} from "../../src/studio/index.js";
import { studioApi } from "../../src/studio/index.js";
import type { StudioOptions } from "../../src/studio/studio.js";
import { ORDERS } from "../orders.js";

const folder = mkdtempSync(join(tmpdir(), "studio-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

function memory() {
  const opaqueStore = new MemoryOpaqueStore();
  return { store: new MemoryStore({ opaqueStore }), opaqueStore };
}

function sqlite() {
  const database = openSqlite(join(folder, `${files++}.db`));
  const opaqueStore = new SqliteOpaqueStore(database);
  return { store: new SqliteStore(database, { opaqueStore }), opaqueStore, database };
}

/** Fails at the second event of `o-2`, and of each other order that has a `p` in its id. */
const mails: Subscription = defineHandler({
  name: "mails",
  tries: 1,
  from: [
    on(order, {
      Created() {},
      ItemAdded({ id }) {
        if (id === "o-2" || id.includes("p")) throw new Error(`no mailbox for ${id}`);
      },
    }),
  ],
});

const ITEM = { itemId: "lamp", description: "A lamp", priceCents: 100n, quantity: 1 };

async function fill(repository: Repository<never>, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await repository.apply(orderCommands.Create({ customerId: "c-1", customerName: "Ada" }) as never, {
      id,
      actor: "ann",
    });
    await repository.apply(orderCommands.AddItem({ item: ITEM }) as never, { id, actor: "ann" });
    await repository.apply(orderCommands.AddTag({ tag: { key: "a", value: "b" } }) as never, { id, actor: "ann" });
  }
}

function asking(options: Omit<StudioOptions, "schemas">) {
  const api = studioApi({ schemas: schemasOf([order]), words: ["--store", "sqlite:orders.db"], ...options });
  return async <T>(route: string, parameters: { readonly [name: string]: string } = {}): Promise<T> => {
    const response = await api(new Request(`http://localhost/api/${route}?${new URLSearchParams(parameters)}`));
    return (await response.json()) as T;
  };
}

describe.each([
  ["memory", memory],
  ["SQLite", sqlite],
] as const)("in %s", (_, open) => {
  it("tells what waits, what is parked, and what a release would handle", async () => {
    const { store, opaqueStore } = open();
    const repository = new Repository(order, store) as unknown as Repository<never>;
    const ask = asking({ store, opaqueStore, followed: { all: [mails], store } });
    await fill(repository, ["o-1", "o-2"]);
    const before = await ask<SubscriptionsNow>("subscriptions");
    expect(before.subscriptions).toMatchObject([
      { id: "mails@1", kind: "handler", parked: 0, lag: { waiting: 4, more: false } },
    ]);
    expect(before.subscriptions[0]).not.toHaveProperty("caughtUpAt");

    await new Subscriptions({ store, opaqueStore, all: [mails] }).catchUp();
    const after = await ask<SubscriptionsNow>("subscriptions");
    expect(after.subscriptions).toMatchObject([{ parked: 1, lag: { waiting: 1 } }]);
    expect(after.subscriptions[0]?.caughtUpAt).toMatch(/^\d+$/);
    const { parked } = await ask<ParkedPage>("parked", { subscription: "mails" });
    expect(parked).toMatchObject([{ id: `${ORDERS}o-2`, version: "2", tries: 1, error: "no mailbox for o-2" }]);
    const { positions } = await ask<StreamPositions>("positions", { id: `${ORDERS}o-2` });
    expect(positions).toMatchObject([
      {
        subscription: "mails@1",
        version: "1",
        parked: { version: "2" },
        next: [
          { version: "2", type: "ItemAdded", handled: true },
          { version: "3", type: "TagAdded", handled: false },
        ],
        more: false,
        lines: {
          release: `protosource subscriptions release mails@1 '${ORDERS}o-2' --store sqlite:orders.db`,
          skip: `protosource subscriptions release mails@1 '${ORDERS}o-2' --skip --store sqlite:orders.db`,
        },
      },
    ]);
    const current = await ask<StreamPositions>("positions", { id: `${ORDERS}o-1` });
    expect(current.positions).toMatchObject([{ version: "3", next: [], more: false }]);
    expect(current.positions[0]).not.toHaveProperty("lines");
  });

  it("gives parked streams page by page, each once", async () => {
    const { store, opaqueStore } = open();
    const repository = new Repository(order, store) as unknown as Repository<never>;
    await fill(repository, ["p-1", "p-2", "p-3", "p-4", "p-5"]);
    await new Subscriptions({ store, opaqueStore, all: [mails] }).catchUp();
    const ask = asking({ store, opaqueStore, followed: { all: [mails], store } });
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await ask<ParkedPage>("parked", {
        subscription: "mails@1",
        limit: "2",
        ...(cursor ? { cursor } : {}),
      });
      expect(page.parked.length).toBeLessThanOrEqual(2);
      found.push(...page.parked.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(found.toSorted()).toEqual([1, 2, 3, 4, 5].map((number) => `${ORDERS}p-${number}`));
  });

  it("judges each stream once and whole, wherever a page ends", async () => {
    const { store } = open();
    const repository = new Repository(order, store) as unknown as Repository<never>;
    await fill(repository, ["o-1", "o-2", "o-3"]);
    await store.save(`${ORDERS}o-4`, [damaged(1n), damaged(2n)]);
    const ask = asking({ store });
    for (const limit of ["1", "2", "3", "4", "5", "100"]) {
      const total = { records: 0, streams: 0 };
      const problems: VerifiedPage["problems"][number][] = [];
      const lengths = new Map<string, number>();
      let cursor: string | undefined;
      do {
        const page = await ask<VerifiedPage>("verify", { limit, ...(cursor ? { cursor } : {}) });
        total.records += page.records;
        total.streams += page.streams;
        problems.push(...page.problems);
        for (const { id, records } of page.notable) lengths.set(id, records);
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect({ limit, ...total }).toEqual({ limit, records: 11, streams: 4 });
      expect([...lengths.values()].toSorted()).toEqual([2, 3, 3, 3]);
      expect(problems.map(({ kind, version, line }) => ({ kind, version, line }))).toEqual(
        ["1", "2"].map((version) => ({
          kind: "undecodable",
          version,
          line: `protosource streams repair '${ORDERS}o-4' --store sqlite:orders.db`,
        })),
      );
    }
    const one = await ask<VerifiedPage>("verify", { id: `${ORDERS}o-4` });
    expect(one).toMatchObject({ records: 2, streams: 1, problems: [{ version: "1" }, { version: "2" }] });
    expect(one).not.toHaveProperty("cursor");
  });
});

it("says what to do where no subscription is known, and where there is none of a name", async () => {
  const { store } = memory();
  const { error } = await asking({ store })<Refusal>("subscriptions");
  expect(error.message).toContain("--domain");
  const ask = asking({ store, followed: { all: [mails], store } });
  expect((await ask<Refusal>("parked", { subscription: "letters" })).error.message).toContain("mails@1");
});

it("tells what would come next in a stream up to a gap, which it names, and gives the line that mends it", async () => {
  const { store, database } = sqlite();
  await fill(new Repository(order, store) as unknown as Repository<never>, ["o-1"]);
  database.exec("DELETE FROM protosource_events WHERE version = 2");
  const ask = asking({ store, followed: { all: [mails], store } });
  const { positions } = await ask<StreamPositions>("positions", { id: `${ORDERS}o-1` });
  expect(positions).toMatchObject([{ version: "0", next: [{ version: "1" }], problem: expect.stringMatching(/o-1/) }]);
  const { problems } = await ask<VerifiedPage>("verify");
  const line = `protosource streams repair '${ORDERS}o-1' --store sqlite:orders.db`;
  expect(problems).toMatchObject([{ kind: "gap", severity: "error", version: "2", line }]);
});

it("says that a store doesn't answer, and goes on at the next request", async () => {
  const { store } = memory();
  await fill(new Repository(order, store) as unknown as Repository<never>, ["o-1"]);
  const scan = store.scan.bind(store);
  store.scan = async () => {
    const details = { operation: "scan", reasons: [], outcome: "not_applied" } as const;
    throw new ProtosourceError("unavailable", "the table doesn't answer: try again", details);
  };
  const api = studioApi({ store, schemas: schemasOf([order]) });
  const request = new Request("http://localhost/api/verify");
  const refused = await api(request);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toEqual({
    error: { code: "unavailable", message: "the table doesn't answer: try again" },
  });
  store.scan = scan;
  expect(await (await api(request)).json()).toMatchObject({ records: 3, problems: [] });
});

it.each(["", "{", "null", "{}", "[1]", '["a",1]'])(
  "refuses the cursor %j of a look through the streams",
  async (cursor) => {
    const api = studioApi({ store: memory().store, schemas: schemasOf([order]) });
    const response = await api(new Request(`http://localhost/api/verify?${new URLSearchParams({ cursor })}`));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "invalid_argument" } });
  },
);

it("says before it is begun what a look at DynamoDB costs, and looks at nothing for that", async () => {
  const { store } = memory();
  const ask = asking({ store, name: { kind: "dynamodb", name: "dynamodb:" }, checkTables: async () => [] });
  const plan = await ask<HealthPlan>("health");
  expect(plan.tables).toBe(true);
  expect(plan.charged?.all).toContain("reader's policy doesn't allow it");
});

it("finds what is wrong with an SQLite file, and gives the line to be run", async () => {
  const path = join(folder, "whole.db");
  openSqlite(path).close();
  const { store } = memory();
  const location = { kind: "sqlite", path } as const;
  const ask = asking({ store, checkTables: (signal) => findInTables(location, signal) });
  expect(await ask<TableFindings>("tables")).toEqual({ findings: [] });
});

it("tells how far the last snapshot of a stream lies behind", async () => {
  const { store } = memory();
  const repository = new Repository(order, store) as unknown as Repository<never>;
  await fill(repository, ["o-1"]);
  const { notable } = await asking({ store })<VerifiedPage>("verify");
  expect(notable).toMatchObject([{ id: `${ORDERS}o-1`, records: 3, sinceSnapshot: 3 }]);
  expect(notable[0]).not.toHaveProperty("snapshotAt");
});

function damaged(version: bigint): StoredRecord {
  return create(StoredRecordSchema, { version, data: Uint8Array.of(0xff, 0xff, 0xff) });
}
