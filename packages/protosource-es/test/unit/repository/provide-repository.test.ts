/** A repository in a container, under a class of its own. */
import { provideRepository, Repository, STORE } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { expect, it } from "vitest";
import { type OrderTypes, orderCommands } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../order.js";

class Orders extends Repository<OrderTypes> {}

it("is made of the store of the container, with its options", async () => {
  const { provide, inject, useFactory } = provideRepository(Orders, order, { newId: () => "o1" });
  expect([provide, inject]).toEqual([Orders, [STORE]]);
  const store = new MemoryStore();
  const orders = await (useFactory as (given: MemoryStore) => Orders)(store);
  expect(orders).toBeInstanceOf(Orders);
  expect(orders.store).toBe(store);
  expect((await orders.apply(orderCommands.Create({}), { actor: "ann" })).id).toBe("o1");
});
