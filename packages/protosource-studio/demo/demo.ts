/** The domain that `protosource studio --demo` shows, with a past: the orders of a shop that sells lamps and chairs. */
import { Repository } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import {
  type OrderTypes,
  orderCommands,
} from "../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../examples/orders/src/order.js";

export { customerOrders } from "../../../examples/orders/src/customer-orders.js";
export { order };

/** What the shop sells, with its price in cents. */
const GOODS = [
  ["lamp", "A lamp", 12_50n],
  ["chair", "A chair of oak", 49_00n],
  ["table", "A round table", 189_00n],
  ["rug", "A woollen rug", 75_00n],
  ["clock", "A clock that ticks", 33_30n],
] as const;

const CUSTOMERS = [
  ["c-1", "Ada Lovelace"],
  ["c-2", "Zoë Ångström"],
  ["c-3", "José Núñez"],
  ["c-4", "Грейс Хоппер"],
  ["c-5", "李小龍"],
] as const;

const CLERKS = ["ann", "bob", "web"] as const;

const ORDERS = 48;

/** The order with a long past, so that there are snapshots. */
const LONG = 7;
const LONG_ITEMS = 60;

/** 2026-03-02, 09:00, in microseconds. */
const START = 1_772_442_000_000_000n;

/** Makes a store with the past of the shop, the same each time but for the ids of saves. */
export async function demoStore(): Promise<{ store: MemoryStore; opaqueStore: MemoryOpaqueStore }> {
  let now = START;
  const clock = { now: () => (now += 61_000_417n) };
  const opaqueStore = new MemoryOpaqueStore({ clock });
  const store = new MemoryStore({ clock, opaqueStore });
  const orders: Repository<OrderTypes> = new Repository(order, store, { clock });
  for (let number = 1; number <= ORDERS; number++) {
    const id = `o-${1000 + number}`;
    const [customerId, customerName] = CUSTOMERS[number % CUSTOMERS.length] as (typeof CUSTOMERS)[number];
    const actor = CLERKS[number % CLERKS.length] as string;
    const apply = (command: Parameters<typeof orders.apply>[0]): Promise<unknown> =>
      orders.apply(command, { id, actor });
    await apply(orderCommands.Create({ customerId, customerName }));
    const items = number === LONG ? LONG_ITEMS : 1 + (number % 4);
    for (let i = 0; i < items; i++) {
      const [name, description, priceCents] = GOODS[(number + i) % GOODS.length] as (typeof GOODS)[number];
      const itemId = `${name}-${i + 1}`;
      await apply(
        orderCommands.AddItem({ item: { itemId, description, priceCents, quantity: 1 + ((number + i) % 3) } }),
      );
      if (i % 7 === 3) await apply(orderCommands.RemoveItem({ itemId }));
    }
    if (number % 6 === 0) await apply(orderCommands.AddTag({ tag: { key: "gift", value: "wrapped in paper" } }));
    if (number % 5 === 4) {
      await apply(orderCommands.Cancel({ reason: "the customer thought better of it" }));
      continue;
    }
    if (number % 4 === 1) continue;
    await apply(orderCommands.SetShipping({ shippingAddress: `${number} Main Street, Springfield` }));
    await apply(orderCommands.SetBilling({ billing: { method: "card", reference: `4711-${number}` } }));
    await apply(orderCommands.Place({ placedAt: now }));
    if (number % 3 !== 0) await apply(orderCommands.Pay({}));
    if (number % 3 === 1) await apply(orderCommands.Ship({}));
    if (number % 6 === 1) await apply(orderCommands.Deliver({}));
  }
  return { store, opaqueStore };
}
