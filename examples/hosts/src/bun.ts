/** Orders on Bun, by `bun src/bun.ts`. */
import { order } from "../../orders/src/order.js";
import { openOrders, type Served } from "./orders.js";

const { orderApi } = openOrders(order, "/api");

// Bun ends a connection that idles for 10 seconds, and a stream of events may for 15.
const host: { readonly fetch: Served["orderApi"]; readonly idleTimeout: number } = { fetch: orderApi, idleTimeout: 30 };
export default host;
