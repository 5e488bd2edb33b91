import { Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import {
  after,
  cancel,
  defineProcess,
  on,
  type Process,
  type ProcessOptions,
  send,
} from "protosource-es/subscriptions";
import { FakeClock, given } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { orderCommands, orderEvents } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { testCommands, testEvents } from "../../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../../order.js";
import { unhandledRejection } from "../../rejection.js";
import { review } from "../../subscriptions/review.js";
import { testAggregate } from "../../subscriptions/sales.js";

const store = new MemoryStore();
const orders = new Repository(order, store);
const tests = new Repository(testAggregate, store);
const process = review({ orders, tests });

const created = orderEvents.Created({ customerId: "c-9" });
const placed = orderEvents.Placed({});
const cancelled = orderEvents.Cancelled({ reason: "too late" });
const createReview = send(tests, testCommands.Create({ body: "o-1" }), { id: "review-o-1" });

function processOf(from: ProcessOptions["from"], options: Partial<ProcessOptions> = {}): Process {
  return defineProcess({ name: "answering", since: "beginning", from, ...options });
}

/** What a failed expectation says. */
function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing failed");
}

describe("given a process, when an event happens", () => {
  test("passes for the commands and timers that it answers", async () => {
    await given(process)
      .when([order, "o-1", placed])
      .then([createReview, after("unpaid", { hours: 48 })]);
    await given(process)
      .events([order, "o-1", created, placed])
      .when([order, "o-1", cancelled])
      .then([
        cancel("unpaid"),
        send(tests, [testCommands.Update({ body: "too late" }), testCommands.Lock({})], { id: "review-o-1" }),
      ]);
    await given(process).when([order, "o-1", created]).thenNothing();
    expect(await tests.history("review-o-1")).toEqual([]);
  });

  test("says of each command and timer what differs", () => {
    const answer = () => given(process).when([order, "o-1", placed]);
    expect(
      message(() =>
        answer().then([
          send(tests, testCommands.Create({ body: "o-2", actor: "ann" }), { id: "review-o-2" }),
          send(tests, testCommands.Lock({ id: "t-1" })),
          cancel("unpaid"),
        ]),
      ),
    ).toBe(
      [
        "o-1 Placed leads to something else than expected:",
        "command 1, Create: expected to review-o-2, got to review-o-1",
        'command 1, Create: actor: expected "ann", got ""',
        'command 1, Create: body: expected "o-2", got "o-1"',
        'command 2: expected Lock {"id":"t-1"} to t-1, got none',
        "timer unpaid: expected cancelled, got set for 172800 s",
      ].join("\n  "),
    );
    expect(message(() => answer().thenNothing())).toContain(
      'command 1: expected none, got Create {"body":"o-1"} to review-o-1\n  timer unpaid: expected nothing, got set for',
    );
    expect(message(() => answer().then([send(tests, testCommands.Lock({})), after("unpaid", { days: 2 })]))).toContain(
      "command 1: expected Lock {}, got Create",
    );
    expect(message(() => answer().then([createReview, after("unpaid", { days: 1 })]))).toContain(
      "timer unpaid: expected set for 86400 s, got set for 172800 s",
    );
  });

  test("remembers what events before said of the stream, and of no other", async () => {
    const remembering = processOf([
      on(order, {
        memo: () => ({ customer: "" }),
        Created: ({ customerId }, { memo }) => {
          memo.customer = customerId;
          return send(tests, testCommands.Lock({}), { id: "earlier" });
        },
        Placed: (_, { memo, version }) =>
          send(tests, testCommands.Update({ body: memo.customer }), { id: `${version}` }),
      }),
    ]);
    const update = (body: string, id: string) => send(tests, testCommands.Update({ body }), { id });
    await given(remembering)
      .events([order, "o-1", created], [order, "o-2", orderEvents.Created({ customerId: "c-8" })])
      .when([order, "o-1", placed])
      .then([update("c-9", "2")]);
    await given(remembering)
      .events([order, "o-1", created])
      .events([order, "o-1", placed])
      .when([order, "o-1", placed, placed])
      .then([update("c-9", "3"), update("c-9", "4")]);
  });

  test("an asynchronous handler makes the expectation asynchronous", async () => {
    const slow = processOf([
      on(order, {
        Created: async () => undefined,
        Placed: async (_, { id }) => send(tests, testCommands.Update({ body: id }), { id: "t-1" }),
      }),
    ]);
    const answer = () => given(slow).events([order, "o-1", created]).when([order, "o-1", placed]);
    await answer().then([send(tests, testCommands.Update({ body: "o-1" }))]);
    await expect(answer().thenNothing()).rejects.toThrow('expected none, got Update {"body":"o-1"} to t-1');
  });

  test("passes an error of a handler through, and fails one that changes the event", () => {
    const greedy = processOf([
      on(order, {
        Created: () => {
          throw new RangeError("no");
        },
        Placed: (event) => {
          event.placedAt = 5n;
          return undefined;
        },
      }),
    ]);
    expect(() => given(greedy).when([order, "o-1", created]).thenNothing()).toThrow(RangeError);
    expect(() => given(greedy).when([order, "o-1", placed]).thenNothing()).toThrow(TypeError);
  });
});

describe("given a process, when a timer goes off", () => {
  test("passes for what the timer answers", async () => {
    const cancelOrder = (id: string) => send(orders, orderCommands.Cancel({ reason: "unpaid" }), { id });
    const happened = given(process).events([order, "o-1", created, placed]);
    await happened.whenTimer("unpaid").then([cancelOrder("o-1")]);
    await happened
      .events([order, "o-2", placed])
      .whenTimer("unpaid", "o-2")
      .then([cancelOrder("o-2")]);
    expect(() => happened.whenTimer("unpaid").then([cancelOrder("o-2")])).toThrow("expected to o-2, got to o-1");
  });

  test("it knows the event that has set it, and when it was to go off", async () => {
    const contexts: unknown[] = [];
    const timing = processOf([on(order, { Placed: () => after("soon", { seconds: 2 }) })], {
      timers: { soon: (context) => void contexts.push(context) },
    });
    await given(timing, { clock: new FakeClock(3_000_000n) })
      .events([order, "o-1", created, placed])
      .whenTimer("soon")
      .thenNothing();
    expect(contexts).toMatchObject([{ id: "o-1", version: 2n, due: 5_000_000n }]);
  });

  test("one that isn't set, not known or set for several is refused", () => {
    const none = () => given(process).events([order, "o-1", created]).whenTimer("unpaid").thenNothing();
    expect(none).toThrow("the timer unpaid isn't set: give the events that set it");
    const gone = given(process).events([order, "o-1", placed, cancelled]);
    expect(() => gone.whenTimer("unpaid").thenNothing()).toThrow("isn't set");
    expect(() => given(process).whenTimer("late")).toThrow("review has no timer late");
    const two = given(process).events([order, "o-1", placed], [order, "o-2", placed]);
    expect(() => two.whenTimer("unpaid").thenNothing()).toThrow("is set for o-1, o-2: say for which one");
    expect(() => two.whenTimer("unpaid", "o-3").thenNothing()).toThrow("isn't set");
  });
});

describe("misuse", () => {
  test("an await without an expectation is refused", async () => {
    const awaited = async (value: unknown): Promise<unknown> => await value;
    await expect(awaited(given(process).when([order, "o-1", placed]))).rejects.toThrow(
      "was awaited, and nothing is expected of it: add .then([…]) or .thenNothing()",
    );
  });

  test("an event that nothing is expected of rejects, so that the run fails", async () => {
    expect(await unhandledRejection(() => given(process).when([order, "o-1", placed]))).toContain(
      "given(…), when o-1 Placed, expects nothing",
    );
  });

  test("no event, and one that the process doesn't get", () => {
    expect(() => given(process).when([order, "o-1"])).toThrow("has no event");
    expect(() => given(process).when([testAggregate, "t-1", testEvents.Locked({})])).toThrow(
      "review gets no events of Test: give those of Order",
    );
  });
});
