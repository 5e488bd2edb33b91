/** Sends the same command many times, as a program of its own, with a clock that stands still. */
import { once } from "node:events";
import { engineClient } from "@protosource-es/engines";
import { Repository } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, type DynamoDBStoreOptions } from "protosource-es/dynamodb";
import { orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../order.js";

const [, , endpoint = "", eventsTable, table, layout, times] = process.argv;

console.log("ready");
await once(process.stdin, "data");
process.stdin.destroy();
const client = engineClient(endpoint);
const clock = { now: () => 1_700_000_000_000_000n };
const opaqueStore = new DynamoDBOpaqueStore(client, { table, clock });
const store = new DynamoDBStore(client, {
  eventsTable,
  opaqueStore,
  clock,
  layout: layout as DynamoDBStoreOptions["layout"],
});
const orders = new Repository(order, store, { clock, materialize: "off", retries: 1_000 });
const command = orderCommands.AddTag({ tag: { key: "count", value: "+1" } });
for (let done = 0; done < Number(times); done++) await orders.apply(command, { id: "counter", actor: "ann" });
client.destroy();
console.log("done");
