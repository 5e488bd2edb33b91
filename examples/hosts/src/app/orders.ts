/** Orders for the routes of Next, which leaves `/api` in the path. */
import { order } from "../../../orders/src/order.js";
import { openOrders, type Served } from "../orders.js";

export const served: Served = openOrders(order, "/api");
