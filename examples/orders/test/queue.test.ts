import { Repository } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { expect, it } from "vitest";
import { order } from "../src/order.js";
import { orderQueue } from "../src/queue.js";

it("creates an order for each message, once, and hands on what is none", async () => {
  const repository = new Repository(order, new MemoryStore());
  const handedOn: string[] = [];
  const handle = orderQueue(repository, async (body) => void handedOn.push(body));
  const Records = ['{"id":"o1","customerId":"c1"}', "an order, please"].map((body, i) => ({
    messageId: `m${i}`,
    body,
    attributes: {},
  }));
  const context = { getRemainingTimeInMillis: () => 30_000 };
  for (let i = 0; i < 2; i++) expect(await handle({ Records }, context)).toEqual({ batchItemFailures: [] });
  expect((await repository.history("o1")).map(({ actor }) => actor)).toEqual(["checkout"]);
  expect(handedOn).toEqual(["an order, please", "an order, please"]);
});
