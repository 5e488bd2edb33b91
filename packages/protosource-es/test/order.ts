/** The order of the test schemas, with its hand-written rules. */
import type { Clock, EventOf } from "protosource-es";
import { defineOrder, type OrderAggregate, type OrderTypes } from "./gen/example/app/order/v1/order_v1_protosource.js";

/** An item can't be added twice. */
export class ItemAlreadyThere extends Error {
  override readonly name = "ItemAlreadyThere";
}

export type OrderEvent = EventOf<OrderTypes>;

export const order: OrderAggregate = defineOrder({
  evaluate: {
    AddItem(order, { item }) {
      if (item && Object.hasOwn(order.items, item.itemId)) throw new ItemAlreadyThere(item.itemId);
      return "proceed";
    },
    RemoveItem: (order, { itemId }) => (Object.hasOwn(order.items, itemId) ? "proceed" : "skip"),
  },
  afterOn(order) {
    const items = Object.values(order.items);
    order.itemCount = items.length;
    order.totalCents = items.reduce((sum, { priceCents, quantity }) => sum + priceCents * BigInt(quantity), 0n);
  },
});

/** A clock that gives these times one after another, and then stays at the last. */
export function clockAt(times: bigint[]): Clock {
  return { now: () => (times.length > 1 ? times.shift() : times[0]) as bigint };
}
