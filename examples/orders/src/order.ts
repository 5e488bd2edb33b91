/** The hand-written part of an order: what may not be done, and what follows from the items. */
import { defineOrder, type OrderAggregate } from "../gen/example/app/order/v1/order_v1_protosource.js";

/** Refuses an item that is in the order already. */
export class ItemAlreadyThere extends Error {
  override readonly name = "ItemAlreadyThere";

  constructor(itemId: string) {
    super(`the item ${itemId} is in the order already`);
  }
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
    order.totalCents = items.reduce((sum, item) => sum + item.priceCents * BigInt(item.quantity), 0n);
  },
});
