/** A process: each order that is placed is reviewed, by a test that is created for it, and cancelled if nobody pays. */
import type { Repository } from "protosource-es";
import {
  after,
  cancel,
  defineProcess,
  on,
  type Process,
  type ProcessOptions,
  send,
} from "protosource-es/subscriptions";
import { type OrderTypes, orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { type TestTypes, testCommands } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../order.js";

export interface Reviewed {
  readonly orders: Repository<OrderTypes>;
  readonly tests: Repository<TestTypes>;
}

export function review({ orders, tests }: Reviewed, options: Partial<ProcessOptions> = {}): Process {
  return defineProcess({
    name: "review",
    since: "beginning",
    from: [
      on(order, {
        Placed: (_, { id }) => [
          send(tests, testCommands.Create({ body: id }), { id: `review-${id}` }),
          after("unpaid", { days: 2 }),
        ],
        BillingSet: (_, { id }) => [
          cancel("unpaid"),
          send(tests, testCommands.Update({ body: "paid" }), { id: `review-${id}`, refused: "done" }),
        ],
        Cancelled: ({ reason }, { id }) => [
          cancel("unpaid"),
          send(tests, testCommands.Update({ body: reason }), { id: `review-${id}` }),
          send(tests, testCommands.Lock({}), { id: `review-${id}` }),
        ],
      }),
    ],
    timers: {
      unpaid: ({ id }) => send(orders, orderCommands.Cancel({ reason: "unpaid" }), { id, refused: "done" }),
    },
    ...options,
  });
}
