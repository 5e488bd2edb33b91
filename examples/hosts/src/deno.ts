/** Orders on Deno, by `deno serve src/deno.ts`, and on whatever else calls the `fetch` of a module, such as Workers. */
import { order } from "../../orders/src/order.js";
import { openOrders, type Served } from "./orders.js";

const { orderApi } = openOrders(order, "/api");

const host: { readonly fetch: Served["orderApi"] } = { fetch: orderApi };
export default host;
