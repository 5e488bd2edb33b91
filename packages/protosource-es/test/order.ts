/** The order of the test schemas, with its hand-written rules. */
import { defineOrder, type OrderAggregate } from "./gen/example/app/order/v1/order_v1_protosource.js";

/** An item can't be added twice. */
export class ItemAlreadyThere extends Error {
  override readonly name = "ItemAlreadyThere";
}

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
