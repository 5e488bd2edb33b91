/** Commands that are known again, and saves of which nobody knows whether they were stored. */
import {
  ProtosourceError,
  Repository,
  type RepositoryOptions,
  type StoredRecord,
  type TransactionOptions,
} from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test, vi } from "vitest";
import { failure } from "../../failure.js";
import { defineOrder, type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { defineForm, formCommands } from "../../gen/example/app/shapes/v1/shapes_v1_protosource.js";
import { order } from "../../order.js";

const create = orderCommands.Create({ customerId: "c-9" });
const tag = (key: string) => orderCommands.AddTag({ tag: { key, value: "v" } });
const STREAM = "example_app_order_v1#o-1";

interface Scene {
  readonly clock: FakeClock;
  readonly store: MemoryStore;
  readonly orders: Repository<OrderTypes>;
}

function scene(options: RepositoryOptions = {}, definition = order): Scene {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  return { clock, store, orders: new Repository(definition, store, { clock, ...options }) };
}

async function draft(options: RepositoryOptions = {}, definition = order): Promise<Scene> {
  const made = scene(options, definition);
  await made.orders.apply(create, { id: "o-1", actor: "ann" });
  return made;
}

const by = (commandId: string, id = "o-1") => ({ commandId, id, actor: "ann" });

describe("a command with an id", () => {
  test("is carried out once, whoever sends it again", async () => {
    const { orders, store, clock } = await draft();
    const first = await orders.apply(tag("a"), by("m-1"));
    expect(first).toMatchObject({ version: 2n, repeated: false, skipped: false });
    await orders.apply(tag("b"), by("m-2"));
    const elsewhere = new Repository(order, store, { clock });
    const again = await elsewhere.apply(tag("a"), by("m-1"));
    expect(again).toMatchObject({ id: "o-1", version: 2n, events: [], repeated: true, skipped: true });
    expect(again.aggregate.version).toBe(3n);
    expect((await store.load(STREAM)).records).toHaveLength(3);
  });

  test("isn't decided again", async () => {
    const decided = vi.fn(() => "proceed" as const);
    const { orders } = await draft({}, defineOrder({ evaluate: { Place: decided } }));
    for (let i = 0; i < 3; i++) await orders.apply(orderCommands.Place({}), by("m-1"));
    expect(decided).toHaveBeenCalledTimes(1);
    await expect(orders.apply(orderCommands.Place({}), by("m-2"))).rejects.toMatchObject({ code: "state_not_allowed" });
  });

  test("that creates is answered with the id that was made for it", async () => {
    let ids = 0;
    const { orders } = scene({ newId: () => `made-${++ids}` });
    const first = await orders.apply(create, { commandId: "m-1", actor: "ann" });
    const again = await orders.apply(create, { commandId: "m-1", actor: "ann" });
    expect([first.id, again.id, again.version]).toEqual(["made-1", "made-1", 1n]);
    expect(again.aggregate).toMatchObject({ id: "made-1", customerId: "c-9" });
    expect(await orders.history("made-2")).toEqual([]);
  });

  test("that had nothing to do has nothing to do later either", async () => {
    const { orders } = await draft();
    const remove = orderCommands.RemoveItem({ itemId: "i-1" });
    expect(await orders.apply(remove, by("m-1"))).toMatchObject({ skipped: true, repeated: false, version: 1n });
    await orders.apply(orderCommands.AddItem({ item: { itemId: "i-1" } }), by("m-2"));
    expect(await orders.apply(remove, by("m-1"))).toMatchObject({ skipped: true, repeated: true, version: 1n });
    expect((await orders.load("o-1")).itemCount).toBe(1);
    expect(await orders.apply(remove, by("m-3"))).toMatchObject({ skipped: false, version: 3n });
  });

  test("that was refused may be sent again", async () => {
    const { orders } = await draft();
    await orders.apply(orderCommands.AddItem({ item: { itemId: "i-1" } }), by("m-1"));
    const add = orderCommands.AddItem({ item: { itemId: "i-1" } });
    await failure(orders.apply(add, by("m-2")));
    await orders.apply(orderCommands.RemoveItem({ itemId: "i-1" }), by("m-3"));
    expect(await orders.apply(add, by("m-2"))).toMatchObject({ repeated: false, version: 4n });
  });

  test("is carried out once when it is sent at once, with retries or without", async () => {
    for (const retries of [undefined, 0]) {
      const { orders, store } = await draft();
      const all = await Promise.all(Array.from({ length: 8 }, () => orders.apply(tag("a"), { ...by("m-1"), retries })));
      expect(all.filter(({ repeated }) => !repeated)).toHaveLength(1);
      expect(new Set(all.map(({ version }) => version))).toEqual(new Set([2n]));
      expect((await store.load(STREAM)).records).toHaveLength(2);
    }
  });

  test("answers before the version that the caller expects is looked at", async () => {
    const { orders } = await draft();
    await orders.apply(tag("a"), { ...by("m-1"), expectedVersion: 1n });
    expect(await orders.apply(tag("a"), { ...by("m-1"), expectedVersion: 1n })).toMatchObject({ repeated: true });
    expect(await failure(orders.apply(tag("b"), { ...by("m-2"), expectedVersion: 1n }))).toMatchObject({
      code: "version_conflict",
    });
  });

  test("of another aggregate is refused, and not taken for done", async () => {
    const { orders } = await draft();
    await orders.apply(tag("a"), by("m-1"));
    expect(await failure(orders.apply(create, by("m-1", "o-2")))).toMatchObject({
      code: "claim_taken",
      details: { owner: STREAM },
    });
  });

  test("is told from another command under the same id, which has no effect", async () => {
    const { orders, store } = await draft();
    await orders.apply(tag("a"), by("m-1"));
    const others = [
      tag("b"),
      orderCommands.RemoveTag({ key: "a" }),
      [tag("a"), tag("b")],
      [tag("b"), tag("a")],
      orderCommands.AddTag({ tag: { key: "a", value: "w" } }),
    ];
    for (const other of others) {
      expect(await failure(orders.apply(other, by("m-1")))).toMatchObject({
        code: "command_id_reused",
        details: { aggregateId: STREAM, commandId: "m-1" },
      });
    }
    expect((await store.load(STREAM)).records).toHaveLength(2);
    expect(await orders.apply(tag("a"), by("m-1"))).toMatchObject({ version: 2n, repeated: true });
  });

  test("is the same command whoever acts, and whether it says its id or the caller does", async () => {
    const { orders } = await draft();
    await orders.apply(tag("a"), by("m-1"));
    const said = orderCommands.AddTag({ id: "o-1", actor: "eve", tag: { key: "a", value: "v" } });
    expect(await orders.apply(said, { commandId: "m-1" })).toMatchObject({ version: 2n, repeated: true });
  });

  test("is the same command in whatever order its maps hold their entries", async () => {
    const form = defineForm();
    const clock = new FakeClock();
    const forms = new Repository(form, new MemoryStore({ clock }), { clock, materialize: "off" });
    await forms.apply(formCommands.Start({ id: "f", actor: "ann" }));
    const fill = (names: readonly string[]) =>
      formCommands.FillIn({
        id: "f",
        actor: "ann",
        scores: Object.fromEntries(names.map((name) => [name, 1n])),
        partsByName: Object.fromEntries(names.map((name) => [name, { name }])),
        contact: { case: "desk", value: { name: "d" } },
      });
    await forms.apply(fill(["a", "b"]), { commandId: "m-1" });
    expect(await forms.apply(fill(["b", "a"]), { commandId: "m-1" })).toMatchObject({ repeated: true });
    expect(await failure(forms.apply(fill(["b", "c"]), { commandId: "m-1" }))).toMatchObject({
      code: "command_id_reused",
    });
  });

  test("is told from another that is sent at the same moment: one is carried out", async () => {
    const { orders, store } = await draft();
    const outcomes = await Promise.allSettled(["a", "b", "c"].map((key) => orders.apply(tag(key), by("m-1"))));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "command_id_reused" });
    }
    expect((await store.load(STREAM)).records).toHaveLength(2);
  });

  test("is known by its id alone where an older version kept no more", async () => {
    const { orders, store } = await draft();
    const scope = "example.app.order.v1.Order#command";
    await store.saveAll([], { claims: [{ scope, value: "m-1", owner: STREAM, version: 1n, once: true }] });
    expect(await orders.apply(tag("a"), by("m-1"))).toMatchObject({ version: 1n, repeated: true });
  });

  test("is forgotten after a day, or when the repository says", async () => {
    for (const commandIdSeconds of [undefined, 60]) {
      const { orders, clock } = await draft({ commandIdSeconds });
      await orders.apply(tag("a"), by("m-1"));
      clock.advanceSeconds((commandIdSeconds ?? 86_400) - 1);
      expect(await orders.apply(tag("a"), by("m-1"))).toMatchObject({ repeated: true });
      clock.advanceSeconds(1);
      expect(await orders.apply(tag("a"), by("m-1"))).toMatchObject({ repeated: false, version: 3n });
    }
  });

  test("needs an id that says something, and a store that keeps claims", async () => {
    const { orders, store } = await draft();
    expect(await failure(orders.apply(tag("a"), by("")))).toMatchObject({ details: { argument: "commandId" } });
    const plain = { save: store.save.bind(store), load: store.load.bind(store) };
    const error = await failure(new Repository(order, plain).apply(tag("a"), by("m-1")));
    expect(error).toMatchObject({ code: "not_configured", details: { option: "commandId" } });
    for (const commandIdSeconds of [0, -1, 0.5]) {
      expect(() => new Repository(order, store, { commandIdSeconds })).toThrow(
        expect.objectContaining({ code: "invalid_argument", details: { argument: "commandIdSeconds" } }),
      );
    }
  });
});

/** A store whose answers get lost: the first `lost` saves are stored or not, and `unavailable` either way. */
function doubtful(clock: FakeClock, lost: number, isStored: (attempt: number) => boolean) {
  const memory = new MemoryStore({ clock });
  const commitIds: (string | undefined)[] = [];
  let attempts = 0;
  const doubt = async (save: (commitId: Uint8Array) => Promise<void>, given: Uint8Array | undefined): Promise<void> => {
    const id = given ?? Uint8Array.of(1, 2, 3, 4, 5, 6, 7, ++ids);
    commitIds.push(given?.join());
    const attempt = attempts++;
    if (attempt >= lost || isStored(attempt)) await save(id);
    if (attempt < lost) {
      const details = { operation: "save", reasons: [], outcome: "unknown", commitId: id } as const;
      throw new ProtosourceError("unavailable", "the answer was lost", details);
    }
  };
  let ids = 0;
  const store = Object.assign(Object.create(memory) as MemoryStore, {
    load: memory.load.bind(memory),
    loadTail: memory.loadTail.bind(memory),
    saveAggregate: memory.saveAggregate.bind(memory),
    findClaim: memory.findClaim.bind(memory),
    save: (id: string, records: readonly StoredRecord[], options: TransactionOptions = {}) =>
      doubt((commitId) => memory.save(id, records, { ...options, commitId }), options.commitId),
    saveAll: (writes: Parameters<MemoryStore["saveAll"]>[0], options: TransactionOptions = {}) =>
      doubt((commitId) => memory.saveAll(writes, { ...options, commitId }), options.commitId),
  });
  return { store, memory, commitIds };
}

describe("a save of which nobody knows whether it was stored", () => {
  test.each([
    ["it was", () => true],
    ["it wasn't", () => false],
    ["only the second attempt was", (attempt: number) => attempt === 1],
  ])("is repeated as it was, and never decided again: %s", async (_, isStored) => {
    const clock = new FakeClock();
    const decided = vi.fn(() => "proceed" as const);
    const { store, memory, commitIds } = doubtful(clock, 2, isStored);
    const orders = new Repository(defineOrder({ evaluate: { Create: decided } }), store, { clock });
    const applied = await orders.apply([create, tag("a")], { id: "o-1", actor: "ann" });
    expect(applied).toMatchObject({ version: 2n, repeated: false });
    expect(decided).toHaveBeenCalledTimes(1);
    expect((await memory.load(STREAM)).records.map(({ version }) => version)).toEqual([1n, 2n]);
    expect(commitIds).toEqual([undefined, "1,2,3,4,5,6,7,1", "1,2,3,4,5,6,7,1"]);
  });

  test("is decided again when a repetition finds that somebody else was first", async () => {
    const clock = new FakeClock();
    const { store, memory } = doubtful(clock, 1, () => false);
    await new Repository(order, memory, { clock }).apply(create, { id: "o-1", actor: "ann" });
    const other = new Repository(order, memory, { clock });
    const saving = new Repository(order, store, { clock }).apply(tag("a"), { id: "o-1", actor: "ann" });
    await other.apply(tag("b"), { id: "o-1", actor: "bob" });
    expect(Object.keys((await saving).aggregate.tags).sort()).toEqual(["a", "b"]);
    expect((await memory.load(STREAM)).records).toHaveLength(3);
  });

  test("comes back as unavailable with its commit id when it stays unknown", async () => {
    const clock = new FakeClock();
    const { store, memory, commitIds } = doubtful(clock, 100, () => false);
    const orders = new Repository(order, store, { clock });
    const error = await failure(orders.apply(create, { id: "o-1", actor: "ann" }));
    expect(error).toMatchObject({ code: "unavailable", details: { outcome: "unknown", commitId: expect.anything() } });
    expect(commitIds).toHaveLength(4);
    expect((await memory.load(STREAM)).records).toEqual([]);
  });

  test("stays unknown when a repetition fails otherwise", async () => {
    const clock = new FakeClock();
    const { store } = doubtful(clock, 1, () => true);
    const { save } = store;
    let calls = 0;
    store.save = async (...args) => {
      if (calls++ === 0) return save(...args);
      throw new ProtosourceError("unavailable", "throttled", { operation: "", reasons: [], outcome: "not_applied" });
    };
    const error = await failure(new Repository(order, store, { clock }).apply(create, { id: "o-1", actor: "ann" }));
    expect(error).toMatchObject({ code: "unavailable", details: { outcome: "unknown" } });
  });

  test("isn't repeated once the signal is aborted", async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const { store, commitIds } = doubtful(clock, 100, () => {
      controller.abort();
      return false;
    });
    const options = { id: "o-1", actor: "ann", signal: controller.signal };
    const error = await failure(new Repository(order, store, { clock }).apply(create, options));
    expect(error).toMatchObject({ code: "unavailable", details: { outcome: "unknown" } });
    expect(commitIds).toHaveLength(1);
  });

  test("with a command id is repeated, and known again", async () => {
    const clock = new FakeClock();
    const { store, memory } = doubtful(clock, 2, (attempt) => attempt === 0);
    const orders = new Repository(order, store, { clock });
    const options = { ...by("m-1"), id: "o-1" };
    expect(await orders.apply(create, options)).toMatchObject({ version: 1n, repeated: false });
    expect(await orders.apply(create, options)).toMatchObject({ version: 1n, repeated: true });
    expect((await memory.load(STREAM)).records).toHaveLength(1);
  });
});
