/** An order from its creation to its place in a list, as a service would do it. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { isProtosourceError, Repository } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables } from "protosource-es/dynamodb";
import { type OrderSummary, State } from "../gen/example/app/order/v1/order_v1_pb.js";
import {
  OrderSummaryQueries,
  type OrderTypes,
  orderCommands,
} from "../gen/example/app/order/v1/order_v1_protosource.js";
import { ItemAlreadyThere, order } from "./order.js";

/** Places an order with one item, and gives the first placed orders. */
export async function placeOrder(client: DynamoDBClient): Promise<readonly OrderSummary[]> {
  await ensureTables(client);
  const opaqueStore = new DynamoDBOpaqueStore(client);
  const store = new DynamoDBStore(client, { opaqueStore });
  const orders: Repository<OrderTypes> = new Repository(order, store, { newId: () => crypto.randomUUID() });

  const { id } = await orders.apply(orderCommands.Create({ customerId: "c-9", customerName: "Ann" }), { actor: "ann" });
  await orders.apply(
    [
      orderCommands.AddItem({ item: { itemId: "lamp", priceCents: 1250n, quantity: 2 } }),
      orderCommands.Place({ placedAt: 1_700_000_000_000_000n }),
    ],
    { id, actor: "ann" },
  );

  const summaries = new OrderSummaryQueries(opaqueStore);
  const page = await summaries.selectByState(State.PLACED, { placedAt: { ge: 0n }, limit: 10 });
  return page.items;
}

/** Tells the HTTP status for what a command of an order can end with. */
export function statusOf(error: unknown): number {
  if (error instanceof ItemAlreadyThere) return 409;
  if (isProtosourceError(error, "validation_failed")) return 400;
  if (isProtosourceError(error, "not_created")) return 404;
  if (isProtosourceError(error, "state_not_allowed") || isProtosourceError(error, "version_conflict")) return 409;
  if (isProtosourceError(error, "claim_taken")) return 409;
  if (isProtosourceError(error, "unavailable")) return 503;
  throw error;
}
