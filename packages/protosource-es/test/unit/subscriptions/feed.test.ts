/** All events of a store, in one order. */
import { Repository } from "protosource-es";
import { MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { feed } from "protosource-es/subscriptions";
import { describe, expect, test } from "vitest";
import { orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";
import { orderEvent, recordOf, testAggregate } from "../../subscriptions/sales.js";

const by = { actor: "ann" };

describe.each(["memory", "SQLite"] as const)("the feed of %s", (kind) => {
  function open() {
    const streams: MemoryStreams = new Map();
    const database = openSqlite(":memory:");
    const store = kind === "memory" ? new MemoryStore({ streams }) : new SqliteStore(database);
    const orders = new Repository(order, store);
    const tests = new Repository(testAggregate, store);
    return { store, orders, tests, streams, database };
  }

  test("gives events as they were saved and are being saved, and goes on behind the last position", async () => {
    const { store, orders, tests } = open();
    const meta = { correlationId: "request 17" };
    await orders.apply(orderCommands.Create({}), { id: "o-1", ...by, meta });
    await tests.apply(testCommands.Create({}), { id: "t-1", ...by });
    await orders.apply(orderCommands.Place({}), { id: "o-1", ...by });
    const end = new AbortController();
    const all = feed(store, { of: [order], signal: end.signal });
    const [first, second] = [await all.next(), await all.next()].map(({ value }) => value);
    expect(first).toMatchObject({ id: "o-1", streamId: "example_app_order_v1#o-1", meta, event: { version: 1n } });
    expect(second).toMatchObject({ id: "o-1", meta: undefined, event: { version: 2n, actor: "ann" } });
    const third = all.next();
    await orders.apply(orderCommands.Cancel({}), { id: "o-1", ...by });
    expect((await third).value).toMatchObject({ event: { version: 3n } });
    const rest = feed(store, { of: [order, testAggregate], after: first?.position, signal: end.signal });
    const types: (string | undefined)[] = [];
    for (let i = 0; i < 4; i++) types.push((await rest.next()).value?.event.$typeName.split(".").at(-1));
    expect(types).toEqual(["Created", "Unlocked", "Placed", "Cancelled"]);
    const [waiting, idle] = [all.next(), rest.next()];
    end.abort();
    expect([await waiting, await idle]).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  });

  test("waits, and hangs nobody, where all behind the position was deleted", async () => {
    const { store, orders, streams, database } = open();
    await store.save("example_app_order_v1#gone", [recordOf(orderEvent("Created", "gone", 1n), 1n)]);
    if (kind === "memory") streams.delete("example_app_order_v1#gone");
    else database.exec("DELETE FROM protosource_events");
    const found = feed(store, { of: [order] }).next();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await orders.apply(orderCommands.Create({}), { id: "o-1", ...by });
    expect((await found).value).toMatchObject({ id: "o-1", position: 2n });
  });

  test("needs aggregates, and a position that can be", async () => {
    const { store } = open();
    const refused = { code: "invalid_argument" };
    await expect(feed(store, { of: [] }).next()).rejects.toMatchObject(refused);
    await expect(feed(store, { of: [order], after: -1n }).next()).rejects.toMatchObject(refused);
  });
});
