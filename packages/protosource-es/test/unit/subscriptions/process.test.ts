/** What events cause in other aggregates. */
import { metaOf, Repository, type RepositoryOptions } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import {
  after,
  defineProcess,
  type Happening,
  on,
  type Process,
  type ProcessAnswer,
  type ProcessOptions,
  Subscriptions,
  send,
} from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { defineTest, type TestTypes, testCommands } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";
import { review } from "../../subscriptions/review.js";

const by = { actor: "ann" };
const DAY = 86_400;

function scene(options: RepositoryOptions = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const orders: Repository<OrderTypes> = new Repository(order, store, { clock, ...options });
  const tests: Repository<TestTypes> = new Repository(defineTest(), store, { clock, ...options });
  const happenings: Happening[] = [];
  const subscribe = (process: Process): Subscriptions =>
    new Subscriptions({ store, clock, all: [process], observe: (one) => happenings.push(one) });
  const place = async (id: string): Promise<void> => {
    await orders.apply([orderCommands.Create({ customerId: id }), orderCommands.Place({})], { id, ...by });
  };
  return { clock, store, orders, tests, happenings, subscribe, place };
}

/** A process that answers each placed order. */
function answering(
  answer: (id: string) => ProcessAnswer | Promise<ProcessAnswer>,
  options: Partial<ProcessOptions> = {},
): Process {
  const from: ProcessOptions["from"] = [on(order, { Placed: (_, { id }) => answer(id) })];
  return defineProcess({ name: "answering", since: "beginning", from, tries: 2, ...options });
}

describe("a process", () => {
  test("sends the commands of an event once, whoever rings, and tells what caused them", async () => {
    const { store, tests, subscribe, place, orders } = scene();
    await place("o-1");
    const workers = [1, 2, 3].map(() => subscribe(review({ orders, tests })));
    const bell = { streamId: "example_app_order_v1#o-1", version: 2n, kind: "saved" } as const;
    await Promise.all(workers.flatMap((worker) => [worker.deliver([bell, bell]), worker.catchUp()]));
    const { records } = await store.load("example_app_test_v1#review-o-1");
    expect((await tests.history("review-o-1")).map(({ actor }) => actor)).toEqual(["process:review", "process:review"]);
    const meta = { causation: { streamId: "example_app_order_v1#o-1", version: 2n } };
    expect(records.map(metaOf)).toEqual([meta, meta]);
  });

  test("decides the commands to one aggregate one on the other", async () => {
    const { tests, orders, subscribe, place } = scene();
    await place("o-1");
    const process = subscribe(review({ orders, tests }));
    await process.catchUp();
    await orders.apply(orderCommands.Cancel({ reason: "too late" }), { id: "o-1", ...by });
    await process.catchUp();
    expect(await tests.load("review-o-1")).toMatchObject({ body: "too late", state: 2 });
  });

  test("answers each event of those that wait for it together", async () => {
    const { tests, orders, subscribe } = scene();
    const create = orderCommands.Create({ customerId: "c" });
    await orders.apply([create, orderCommands.Place({}), orderCommands.Cancel({ reason: "" })], { id: "o-1", ...by });
    const note = (id: string) => send(tests, testCommands.Create({ body: id }), { id });
    const from: ProcessOptions["from"] = [
      on(order, { Created: () => note("created"), Placed: () => note("placed"), Cancelled: () => note("cancelled") }),
    ];
    const process = subscribe(defineProcess({ name: "notes", since: "beginning", from }));
    await process.deliver([{ streamId: "example_app_order_v1#o-1", version: 3n, kind: "saved" }]);
    const notes = await tests.loadMany(["created", "placed", "cancelled"]);
    expect(notes.map(({ status }) => status)).toEqual(["loaded", "loaded", "loaded"]);
  });

  test("passes over what was before its time", async () => {
    const { clock, tests, orders, subscribe, place } = scene();
    await place("before");
    clock.advanceSeconds(10);
    const since = new Date(Number(clock.now() / 1000n));
    clock.advanceSeconds(10);
    await place("since");
    await subscribe(review({ orders, tests }, { since })).catchUp();
    expect(await tests.history("review-before")).toEqual([]);
    expect(await tests.history("review-since")).toHaveLength(2);
  });

  test("sends to another store with an id, so that it is once there too", async () => {
    const { clock, subscribe, place, store } = scene();
    const elsewhere = new MemoryStore({ clock });
    const tests = new Repository(defineTest(), elsewhere, { clock });
    const update = (id: string) => send(tests, testCommands.Update({ body: id }), { id: "shared" });
    await tests.apply(testCommands.Create({}), { id: "shared", ...by });
    await place("o-1");
    const { saveAll } = store;
    // The process ends between the command and its position.
    store.saveAll = () => Promise.reject(new Error("the process has ended"));
    const one = subscribe(answering(update, { tries: 1 }));
    await failure(
      one
        .deliver([{ streamId: "example_app_order_v1#o-1", version: 2n, kind: "saved" }])
        .then(() => Promise.reject(new Error("over"))),
    );
    store.saveAll = saveAll;
    await subscribe(answering(update)).catchUp();
    expect((await tests.history("shared")).filter(({ $typeName }) => $typeName.endsWith("Updated"))).toHaveLength(1);
  });

  test("takes a value for its command, or nothing", async () => {
    const { clock, store, subscribe, place } = scene();
    const unique = new Repository(defineTest({ unique: { body: ({ body }) => body } }), store, { clock });
    await unique.apply(testCommands.Create({ body: "taken" }), { id: "t-1", ...by });
    await place("o-1");
    const refusals: unknown[] = [];
    const refused = (error: unknown): ProcessAnswer => {
      refusals.push(error);
      return send(unique, testCommands.Create({ body: "free" }), { id: "t-3" });
    };
    const process = answering(() => send(unique, testCommands.Create({ body: "taken" }), { id: "t-2", refused }));
    await subscribe(process).catchUp();
    expect(refusals).toMatchObject([{ code: "claim_taken" }]);
    expect(await unique.history("t-2")).toEqual([]);
    expect(await unique.load("t-3")).toMatchObject({ body: "free" });
  });
});

describe("a command that is refused", () => {
  test("parks its stream by default, and a release sends it again", async () => {
    const { tests, subscribe, place } = scene();
    await place("o-1");
    await place("o-2");
    await tests.apply(testCommands.Create({}), { id: "review-o-2", ...by });
    const process = subscribe(answering((id) => send(tests, testCommands.Lock({}), { id: `review-${id}` })));
    await process.catchUp();
    const parked = [];
    for await (const one of process.parked()) parked.push(one);
    expect(parked).toMatchObject([
      { streamId: "example_app_order_v1#o-1", version: 0n, parked: { version: 2n, tries: 2 } },
    ]);
    expect(await tests.load("review-o-2")).toMatchObject({ state: 2 });
    await tests.apply(testCommands.Create({}), { id: "review-o-1", ...by });
    await process.release({ subscription: "answering@1", streamId: "example_app_order_v1#o-1" });
    expect(await tests.load("review-o-1")).toMatchObject({ state: 2 });
  });

  test("is an outcome where the process says so", async () => {
    const { tests, subscribe, place } = scene();
    await place("o-1");
    const process = answering((id) => send(tests, testCommands.Lock({}), { id, refused: "done" }));
    expect(await subscribe(process).catchUp()).toMatchObject({ handled: 1, parked: 0 });
  });
});

describe("a timer", () => {
  test("goes off once at its time, whoever looks, and after a restart too", async () => {
    const { clock, tests, orders, subscribe, place, happenings } = scene();
    await place("o-1");
    await subscribe(review({ orders, tests })).catchUp();
    clock.advanceSeconds(2 * DAY - 1);
    expect(await subscribe(review({ orders, tests })).fireTimers()).toEqual({ fired: 0, failed: 0 });
    clock.advanceSeconds(2);
    const workers = [1, 2, 3].map(() => subscribe(review({ orders, tests })));
    await Promise.all(workers.map((worker) => worker.fireTimers()));
    expect(await orders.history("o-1")).toMatchObject([{}, {}, { reason: "unpaid", actor: "process:review" }]);
    expect(happenings.filter(({ kind }) => kind === "timer")).toHaveLength(1);
    expect(await subscribe(review({ orders, tests })).fireTimers()).toEqual({ fired: 0, failed: 0 });
  });

  test("that is cancelled doesn't", async () => {
    const { clock, tests, orders, subscribe, place } = scene();
    await place("o-1");
    await subscribe(review({ orders, tests })).catchUp();
    await orders.apply(orderCommands.SetBilling({ billing: { method: "card" } }), { id: "o-1", ...by });
    await subscribe(review({ orders, tests })).catchUp();
    expect(await tests.load("review-o-1")).toMatchObject({ body: "paid" });
    clock.advanceSeconds(3 * DAY);
    expect(await subscribe(review({ orders, tests })).fireTimers()).toEqual({ fired: 0, failed: 0 });
  });

  test("may set itself anew, and goes off again later when it fails", async () => {
    const { clock, subscribe, place } = scene();
    await place("o-1");
    const dues: bigint[] = [];
    let fails = true;
    const process = answering(() => after("again", { seconds: 10 }), {
      timers: {
        again: ({ due }) => {
          if (fails) throw new Error("not yet");
          dues.push(due);
          return dues.length < 3 ? after("again", { seconds: 10 }) : undefined;
        },
      },
    });
    const worker = subscribe(process);
    await worker.catchUp();
    clock.advanceSeconds(11);
    expect(await worker.fireTimers()).toEqual({ fired: 0, failed: 1 });
    expect(await worker.fireTimers()).toEqual({ fired: 0, failed: 0 });
    fails = false;
    for (let i = 0; i < 5; i++) {
      clock.advanceSeconds(11);
      await worker.fireTimers();
    }
    expect(dues).toHaveLength(3);
    expect(new Set(dues).size).toBe(3);
  });

  test.each([{}, { days: 0 }, { days: -1 }, { seconds: Number.NaN }, { days: Number.POSITIVE_INFINITY }])(
    "can't be set to %j",
    (delay) => {
      expect(() => after("unpaid", delay)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    },
  );

  test("must be one of the process", async () => {
    const { subscribe, place } = scene();
    await place("o-1");
    const worker = subscribe(answering(() => after("typo", { days: 1 })));
    expect(await worker.catchUp()).toMatchObject({ parked: 1 });
  });
});

describe("what is no process is refused", () => {
  const from = [on(order, { Placed: () => undefined })];
  test.each<[string, object]>([
    ["without a time", { name: "p", from }],
    ["with a time that is none", { name: "p", from, since: new Date("x") }],
    ["with a timer that can't be a key", { name: "p", from, since: "beginning", timers: { "a b": () => undefined } }],
    ["with no sources", { name: "p", from: [], since: "beginning" }],
    ["with a name of two parts", { name: "p@1", from, since: "beginning" }],
  ])("%s", (_, options) => {
    expect(() => defineProcess(options as ProcessOptions)).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });
});
