import { defineReadModel, on, type ReadModel } from "protosource-es/subscriptions";
import { type CustomerOrders, CustomerOrdersSchema } from "../gen/example/app/customer/v1/customer_v1_pb.js";
import { order } from "./order.js";

/** How much each customer has ordered, over all orders. */
export const customerOrders: ReadModel<CustomerOrders> = defineReadModel(CustomerOrdersSchema, {
  name: "customer-orders",
  version: 1,
  from: [
    on(order, {
      memo: () => ({ customerId: "" }),
      Created({ customerId }, { memo, row }) {
        memo.customerId = customerId;
        row(customerId, (customer) => void customer.orders++);
      },
      Placed: (_, { memo, row }) => row(memo.customerId, (customer) => void customer.placed++),
    }),
  ],
});
