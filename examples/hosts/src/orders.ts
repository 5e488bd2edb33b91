/** What all hosts here serve: a service of orders, and beside it the repository for routes of one's own. */
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { Repository } from "protosource-es";
import { eventRoutes, fetchHandler, Refusal, serve } from "protosource-es/http";
import { MemoryStore } from "protosource-es/memory";
import { LineItemSchema } from "../../orders/gen/example/app/order/v1/order_v1_pb.js";
import {
  type OrderAggregate,
  type OrderTypes,
  orderCommands,
} from "../../orders/gen/example/app/order/v1/order_v1_protosource.js";
import { OrderService } from "../../orders/gen/example/app/order/v1/order_v1_service_pb.js";

/** Repositories of orders, which containers know by this class. */
export class Orders extends Repository<OrderTypes> {}

/** What a host is given. */
export interface Served {
  /** Answers requests for the service of orders. */
  readonly orderApi: (request: Request) => Promise<Response>;
  readonly orders: Orders;
}

/** Opens orders in memory. The prefix is what the paths of the service begin with where the host leaves it in them. */
export function openOrders(order: OrderAggregate, prefix?: string): Served {
  const store = new MemoryStore();
  const orders = new Orders(order, store, { newId: () => crypto.randomUUID() });
  return { orders, orderApi: orderApi(orders, store, prefix) };
}

/** Makes the handler of orders, which are in memory. */
export function orderApi(orders: Orders, store: MemoryStore, prefix?: string): Served["orderApi"] {
  return fetchHandler({
    services: [serve(OrderService, { repository: orders, queries: store.opaqueStore })],
    routes: [eventRoutes(store)],
    authorize(request) {
      const actor = request.headers.get("x-user");
      if (actor === null) throw new Refusal("unauthenticated", "log in first");
      return { actor };
    },
    prefix,
  });
}

/** Adds an item to an order: a command on a route of one's own. */
export async function addItem(orders: Orders, id: string, body: JsonValue): Promise<{ readonly version: string }> {
  const item = fromJson(LineItemSchema, body);
  const { version } = await orders.apply(orderCommands.AddItem({ item }), { id, actor: "ann" });
  return { version: `${version}` };
}
