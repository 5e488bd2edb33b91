/** Many callers of one process that change the same aggregates. */
import { setTimeout as sleep } from "node:timers/promises";
import { commandFor, type ObservedOperation, Repository, type RepositoryOptions } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { expect, test } from "vitest";
import { defineOrder, type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";

const WRITERS = 8;
const TIMES = 50;
const by = { actor: "ann" };
const tag = (key: string) => orderCommands.AddTag({ tag: { key } });

/** A store behind a network: each call takes some turns of the event loop. */
class DistantStore extends MemoryStore {
  override async load(...args: Parameters<MemoryStore["load"]>): ReturnType<MemoryStore["load"]> {
    await sleep(1);
    return super.load(...args);
  }
  override async loadTail(...args: Parameters<MemoryStore["loadTail"]>): ReturnType<MemoryStore["loadTail"]> {
    await sleep(1);
    return super.loadTail(...args);
  }
  override async save(...args: Parameters<MemoryStore["save"]>): Promise<void> {
    await sleep(1);
    return super.save(...args);
  }
}

function scene(options: RepositoryOptions = {}, definition = defineOrder()) {
  const seen: ObservedOperation[] = [];
  const observe: RepositoryOptions["observe"] = (operation, run) => {
    seen.push(operation);
    return run();
  };
  const orders: Repository<OrderTypes> = new Repository(definition, new DistantStore(), {
    materialize: "off",
    observe,
    ...options,
  });
  return { orders, seen };
}

test("8 writers who meet at one stream take turns: none is refused, and few decide again", async () => {
  const { orders, seen } = scene({ retries: WRITERS });
  await orders.apply(orderCommands.Create({}), { id: "o-1", ...by });
  const writer = async (name: number): Promise<void> => {
    for (let i = 0; i < TIMES; i++) await orders.apply(tag(`${name}-${i}`), { id: "o-1", ...by });
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, name) => writer(name)));
  expect((await orders.history("o-1")).length).toBe(1 + WRITERS * TIMES);
  // Those who were under way when the first of them met; without turns each of the 400 meets others again and again.
  expect(seen.reduce((sum, { conflicts }) => sum + conflicts, 0)).toBeLessThan(WRITERS * WRITERS);
});

test("writers of several aggregates at once take turns at all of them, and never wait for each other for ever", async () => {
  const { orders } = scene({ retries: 2 * WRITERS });
  for (const id of ["a", "b", "c"]) await orders.apply(orderCommands.Create({}), { id, ...by });
  const pairs = [
    ["a", "b"],
    ["b", "c"],
    ["c", "a"],
    ["b", "a"],
  ] as const;
  const writer = async (name: number): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      const [one, other] = pairs[(name + i) % pairs.length] as readonly [string, string];
      const key = `${name}-${i}`;
      await orders.applyAll(
        [commandFor(orders, tag(key), { id: one }), commandFor(orders, tag(key), { id: other })],
        by,
      );
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, name) => writer(name)));
  const histories = await Promise.all(["a", "b", "c"].map((id) => orders.history(id)));
  expect(histories.flat()).toHaveLength(3 + 2 * WRITERS * 10);
});

test("a rule that calls for its own aggregate goes on", async () => {
  const inner = scene();
  const nested = defineOrder({
    evaluate: {
      async AddTag(_, { id }) {
        await inner.orders.apply(orderCommands.SetShipping({ shippingAddress: "here" }), { id, ...by });
        return "proceed";
      },
    },
  });
  const { orders } = scene({}, nested);
  await inner.orders.apply(orderCommands.Create({}), { id: "o-1", ...by });
  await orders.apply(orderCommands.Create({}), { id: "o-1", ...by });
  await Promise.all(Array.from({ length: 4 }, (_, i) => orders.apply(tag(`${i}`), { id: "o-1", ...by })));
  expect(await orders.history("o-1")).toHaveLength(5);
});

test("a caller whose signal is aborted doesn't wait for its turn", async () => {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const slow = defineOrder({
    evaluate: {
      async Place() {
        await gate;
        return "proceed";
      },
    },
  });
  const { orders } = scene({}, slow);
  await orders.apply(orderCommands.Create({}), { id: "o-1", ...by });
  const placing = orders.apply(orderCommands.Place({}), { id: "o-1", ...by });
  await sleep(5);
  await orders.apply(tag("meets"), { id: "o-1", ...by });
  const controller = new AbortController();
  const waiting = orders.apply(tag("waits"), { id: "o-1", ...by, signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  open();
  await placing;
});
