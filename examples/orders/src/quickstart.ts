/**
 * The main job from end to end, on the stream of a real order: first on an SQLite file, which survives a restart, and
 * then on an engine that speaks DynamoDB, where each step says what it cost.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDynamoDBLocal, startDynoxide } from "@protosource-es/engines";
import { Repository } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables, type ObservedRequest } from "protosource-es/dynamodb";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { modelRows, Subscriptions } from "protosource-es/subscriptions";
import { CustomerOrdersQueries } from "../gen/example/app/customer/v1/customer_v1_protosource.js";
import { type OrderTypes, orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { customerOrders } from "./customer-orders.js";
import { mainJob, type RunStep, versionsOf } from "./main-job.js";
import { order } from "./order.js";
import { readStoredStream } from "./stored-stream.js";

const stream = readStoredStream(new URL("../data/order-stream.json", import.meta.url));

await onSqlite();
await onDynamoDB();

async function onSqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "orders-"));
  const file = join(folder, "orders.db");
  const run = numbered(async (step) => {
    const start = performance.now();
    const found = await step();
    return [found, `${(performance.now() - start).toFixed(1)} ms`];
  });
  try {
    console.log(`On an SQLite file, ${file}\n`);
    const database = openSqlite(file);
    const store = new SqliteStore(database);
    await mainJob(run, store, store.opaqueStore, stream);

    await run("Add another order, and count the orders of each customer", async () => {
      const orders: Repository<OrderTypes> = new Repository(order, store);
      await orders.apply(orderCommands.Create({ customerId: "c-9" }), { id: "o#2", actor: "zoe" });
      await new Subscriptions({ store, all: [customerOrders] }).catchUp();
      const customers = new CustomerOrdersQueries(modelRows(store.opaqueStore, "customer-orders@1"));
      const customer = await customers.get("c-9");
      return `c-9 has ${customer?.orders} orders, ${customer?.placed} of them placed`;
    });
    database.close();

    await run("The file survives a restart: open it again, and load", async () => {
      const reopened = openSqlite(file);
      const { records } = await new SqliteStore(reopened).load(stream.streamId);
      reopened.close();
      return versionsOf(records);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log("One line moves the same program to DynamoDB:");
  console.log("    const store = new DynamoDBStore(client, { opaqueStore: new DynamoDBOpaqueStore(client) });\n");
}

async function onDynamoDB(): Promise<void> {
  // Dynoxide needs nothing but its binary, which there is for Linux on x64; DynamoDB Local needs Java.
  const engine = await (process.platform === "linux" && process.arch === "x64"
    ? startDynoxide()
    : startDynamoDBLocal());
  const client = engine.client();
  let requests: ObservedRequest[] = [];
  const onRequest = (request: ObservedRequest): number => requests.push(request);
  const opaqueStore = new DynamoDBOpaqueStore(client, { onRequest });
  const store = new DynamoDBStore(client, { opaqueStore, onRequest });
  const run = numbered(async (step) => {
    requests = [];
    const found = await step();
    const writeUnits = requests.reduce((sum, request) => sum + request.writeUnits, 0);
    const readUnits = requests.reduce((sum, request) => sum + request.readUnits, 0);
    const operations = requests.map(({ operation }) => operation).join(", ") || "no request to the tables";
    return [found, `${operations}: ${writeUnits} write units, ${readUnits} read units`];
  });
  try {
    console.log(`On ${engine.name}, at ${engine.endpoint}\n`);
    await run("Make both tables", async () => {
      const { events, aggregates } = await ensureTables(client);
      return [events, aggregates]
        .map(({ table, created, unknown }) => {
          const lacks = unknown.length > 0 ? `, without ${unknown.map(({ setting }) => setting).join()} here` : "";
          return `${table}: ${created ? "created" : "found"}${lacks}`;
        })
        .join("; ");
    });
    await mainJob(run, store, opaqueStore, stream);
  } finally {
    client.destroy();
    await engine.stop();
  }
}

/** Numbers the steps, and prints what each found and what it took. */
function numbered(measure: (step: () => Promise<string>) => Promise<readonly [found: string, took: string]>): RunStep {
  let number = 0;
  return async (title, step) => {
    const [found, took] = await measure(step);
    console.log(`${++number}. ${title}\n    ${found}\n    ${took}\n`);
  };
}
