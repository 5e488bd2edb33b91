/** Unique values that aggregates have and don't own, or own and don't have, and a rebuild that sets them right. */
import { type RebuildFailure, type RebuildOptions, Repository, rebuild } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { defineOrder, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";

const SCOPE = "example.app.order.v1.Order";
const ruled = defineOrder({
  unique: { customer: ({ customerId }) => customerId, tags: ({ tags }) => Object.keys(tags) },
});
const stream = (id: string) => `example_app_order_v1#${id}`;
const create = (id: string, customerId: string) => orderCommands.Create({ id, customerId, actor: "ann" });
const tag = (id: string, key: string) => orderCommands.AddTag({ id, tag: { key, value: "v" }, actor: "ann" });

function scene() {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const failures: RebuildFailure[] = [];
  const options = { clock, onFailure: (one: RebuildFailure) => failures.push(one) };
  return {
    store,
    failures,
    /** Writes as before the rule, and as an import does: without claims. */
    before: new Repository(defineOrder(), store, { clock }),
    orders: new Repository(ruled, store, { clock }),
    run: (more: RebuildOptions = {}) => rebuild([ruled], store, store.opaqueStore, { ...options, ...more }),
    owner: async (rule: string, value: string) => (await store.findClaim(`${SCOPE}.${rule}`, value))?.owner,
    /** Takes a value as a claim that lost its aggregate. */
    leave: (rule: string, value: string, id: string) =>
      store.saveAll([], { claims: [{ scope: `${SCOPE}.${rule}`, value, owner: stream(id) }] }),
  };
}

describe("a rebuild of aggregates with unique values", () => {
  test("takes those that they have, so that nobody else can", async () => {
    const { before, orders, run, owner } = scene();
    await before.apply(create("1", "ann"));
    await before.apply(tag("1", "red"));
    await before.apply(create("2", "bob"));
    expect(await run({ dryRun: true })).toMatchObject({ claimsTaken: 3, claimsFreed: 0, collisions: 0 });
    expect(await owner("customer", "ann")).toBeUndefined();
    expect(await run()).toMatchObject({ claimsTaken: 3, claimsFreed: 0, collisions: 0, failed: 0 });
    expect(await owner("customer", "ann")).toBe(stream("1"));
    expect(await failure(orders.apply(create("3", "ann")))).toMatchObject({ code: "claim_taken" });
    expect(await failure(orders.apply(tag("2", "red")))).toMatchObject({ code: "claim_taken" });
    expect(await run()).toMatchObject({ claimsTaken: 0, claimsFreed: 0, collisions: 0 });
  });

  test("frees those that no aggregate has, and nothing else", async () => {
    const { orders, store, run, owner, leave } = scene();
    await orders.apply(create("1", "ann"), { commandId: "m-1" });
    await leave("customer", "gone", "unknown");
    await leave("tags", "dropped", "1");
    await leave("other", "of no rule", "unknown");
    await store.saveAll([], { claims: [{ scope: "somebody.else", value: "v", owner: "x#1" }] });
    expect(await run({ dryRun: true })).toMatchObject({ claimsFreed: 2 });
    expect(await run({ pageSize: 1 })).toMatchObject({ claimsTaken: 0, claimsFreed: 2, failed: 0 });
    expect(await owner("customer", "gone")).toBeUndefined();
    expect(await owner("tags", "dropped")).toBeUndefined();
    expect(await owner("customer", "ann")).toBe(stream("1"));
    expect(await owner("other", "of no rule")).toBe(stream("unknown"));
    expect(await store.findClaim("somebody.else", "v")).toBeDefined();
    expect(await orders.apply(create("1", "ann"), { commandId: "m-1" })).toMatchObject({ repeated: true });
  });

  test("gives a value to the aggregate that has it, from one that doesn't any more", async () => {
    const { before, run, owner, leave } = scene();
    await before.apply(create("1", "ann"));
    await before.apply(create("2", "bob"));
    await leave("customer", "ann", "2");
    expect(await run()).toMatchObject({ claimsTaken: 2, claimsFreed: 0, collisions: 0 });
    expect(await owner("customer", "ann")).toBe(stream("1"));
    expect(await owner("customer", "bob")).toBe(stream("2"));
  });

  test("tells of two aggregates that have the same value, and leaves it with one", async () => {
    const { before, run, owner, failures } = scene();
    await before.apply(create("1", "ann"));
    await before.apply(create("2", "ann"));
    expect(await run({ segments: 1, concurrency: 1 })).toMatchObject({ claimsTaken: 1, collisions: 1, failed: 0 });
    expect(await owner("customer", "ann")).toBe(stream("1"));
    expect(failures).toMatchObject([
      { streamId: stream("2"), error: { code: "claim_taken", details: { owner: stream("1") } } },
    ]);
  });

  test("frees nothing of an aggregate that can't be read", async () => {
    const { before, store, run, owner, leave, failures } = scene();
    await before.apply(create("1", "ann"));
    await leave("customer", "bob", "2");
    const data = Uint8Array.of(1, 2, 3);
    await store.save(stream("2"), [
      { $typeName: "funinthecloud.protosource.record.v1.Record", version: 1n, ttl: 0n, data },
    ]);
    expect(await run()).toMatchObject({ claimsTaken: 1, claimsFreed: 0, failed: 2 });
    expect(await owner("customer", "bob")).toBe(stream("2"));
    expect(failures.map(({ streamId }) => streamId)).toEqual([stream("2"), stream("2")]);
  });

  test("takes nothing for an aggregate that gave the value up meanwhile", async () => {
    const { before, store, run, owner } = scene();
    await before.apply(create("1", "ann"));
    await before.apply(tag("1", "red"));
    const { findClaim } = store;
    let isChanged = false;
    store.findClaim = async (scope, value) => {
      const found = await findClaim.call(store, scope, value);
      if (value === "red" && !isChanged) {
        isChanged = true;
        await before.apply(orderCommands.RemoveTag({ id: "1", key: "red", actor: "ann" }));
      }
      return found;
    };
    expect(await run()).toMatchObject({ claimsTaken: 0, failed: 0 });
    expect(await owner("tags", "red")).toBeUndefined();
    expect(await owner("customer", "ann")).toBe(stream("1"));
  });

  test("needs a store that keeps claims, and no other rebuild does", async () => {
    const { store } = scene();
    const { load, scan } = store;
    const plain = { save: store.save.bind(store), load: load.bind(store), scan: scan.bind(store) };
    expect(await failure(rebuild([ruled], plain, store.opaqueStore))).toMatchObject({ code: "not_configured" });
    expect(await rebuild([defineOrder()], plain, store.opaqueStore)).toMatchObject({ failed: 0 });
  });
});
