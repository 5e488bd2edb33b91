/** The domain that `protosource studio --demo` shows, with a past: the orders of a shop that sells lamps and chairs. */
import { Repository } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { defineHandler, on, type Subscription, Subscriptions } from "protosource-es/subscriptions";
import {
  type OrderTypes,
  orderCommands,
} from "../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { customerOrders } from "../../../examples/orders/src/customer-orders.js";
import { order } from "../../../examples/orders/src/order.js";

export { customerOrders, order };

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

/** Tells customers what they ordered; one has an address that takes none. */
export const mails: Subscription = defineHandler({
  name: "mails",
  tries: 1,
  from: [
    on(order, {
      Placed({ id }) {
        if (id === "o-1012" || id === "o-1022") throw new Error("550 5.1.1 the mailbox doesn't exist");
      },
    }),
  ],
});

/** What is shown. */
export interface Demo {
  readonly store: MemoryStore;
  readonly opaqueStore: MemoryOpaqueStore;
  readonly followed: { readonly all: readonly Subscription[]; readonly store: MemoryStore };
}

/** Makes a store with the past of the shop, the same each time but for the ids of saves. */
export async function demoStore(): Promise<Demo> {
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
  const all = [customerOrders, mails];
  await new Subscriptions({ store, opaqueStore, all, clock }).catchUp();
  // What the read model has still to do.
  await orders.apply(orderCommands.Create({ customerId: "c-1", customerName: "Ada Lovelace" }), {
    id: "o-1049",
    actor: "web",
  });
  return { store, opaqueStore, followed: { all, store } };
}
