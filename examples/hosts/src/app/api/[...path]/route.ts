/** The service of orders on Next, at `/api`. */
import type { Served } from "../../../orders.js";
import { served } from "../../orders.js";

export const GET: Served["orderApi"] = served.orderApi;
export const POST: Served["orderApi"] = served.orderApi;
