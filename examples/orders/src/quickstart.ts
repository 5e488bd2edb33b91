/**
 * The main job from end to end, on the stream of a real order: two tables, a stream, its tail, the current state, two
 * indexes, and a second writer who is refused. Each step says what it cost.
 *
 * It starts an engine that speaks DynamoDB; with `new DynamoDBClient({})` the same program runs on AWS.
 */
import { create, toJsonString } from "@bufbuild/protobuf";
import { startDynamoDBLocal, startDynoxide } from "@protosource-es/engines";
import { isProtosourceError, Repository } from "protosource-es";
import { DynamoDBOpaqueStore, DynamoDBStore, ensureTables, type ObservedRequest } from "protosource-es/dynamodb";
import { OrderSchema, OrderSummarySchema, State } from "../gen/example/app/order/v1/order_v1_pb.js";
import {
  OrderQueries,
  OrderSummaryQueries,
  type OrderTypes,
} from "../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "./order.js";
import { readStoredStream } from "./stored-stream.js";

const { streamId, records } = readStoredStream(new URL("../data/order-stream.json", import.meta.url));

// Dynoxide needs nothing but its binary, which there is for Linux on x64; DynamoDB Local needs Java.
const engine = await (process.platform === "linux" && process.arch === "x64" ? startDynoxide() : startDynamoDBLocal());
const client = engine.client();

let requests: ObservedRequest[] = [];
const onRequest = (request: ObservedRequest): number => requests.push(request);
const opaqueStore = new DynamoDBOpaqueStore(client, { onRequest });
const store = new DynamoDBStore(client, { opaqueStore, onRequest });

/** Runs a step and prints what it found and what its requests cost. */
async function step(title: string, run: () => Promise<string>): Promise<void> {
  requests = [];
  const found = await run();
  const writeUnits = requests.reduce((sum, request) => sum + request.writeUnits, 0);
  const readUnits = requests.reduce((sum, request) => sum + request.readUnits, 0);
  const operations = requests.map(({ operation }) => operation).join(", ") || "no request to the tables";
  console.log(`${title}\n    ${found}\n    ${operations}: ${writeUnits} write units, ${readUnits} read units\n`);
}

try {
  console.log(`On ${engine.name}, at ${engine.endpoint}\n`);

  await step("1. Make both tables", async () => {
    const { events, aggregates } = await ensureTables(client);
    return [events, aggregates]
      .map(({ table, created, unknown }) => {
        const lacks = unknown.length > 0 ? `, without ${unknown.map(({ setting }) => setting).join()} here` : "";
        return `${table}: ${created ? "created" : "found"}${lacks}`;
      })
      .join("; ");
  });

  await step("2. Save the stream: all of its events or none", async () => {
    await store.save(streamId, records);
    return `${records.length} events of ${streamId}`;
  });

  await step("3. Load it", async () => {
    const history = await store.load(streamId);
    return `versions ${history.records.map(({ version }) => version).join(", ")}`;
  });

  await step("4. Load only its tail", async () => {
    const history = await store.loadTail(streamId, 2);
    return `versions ${history.records.map(({ version }) => version).join(", ")}`;
  });

  await step("5. Write the order and its summary as rows", async () => {
    const orders: Repository<OrderTypes> = new Repository(order, store);
    const aggregate = await orders.load("o#1");
    const { id, state, customerId, customerName, totalCents, itemCount, placedAt, createAt } = aggregate;
    await store.saveAggregate(OrderSchema, aggregate);
    await store.saveAggregate(
      OrderSummarySchema,
      create(OrderSummarySchema, { id, state, customerId, customerName, totalCents, itemCount, placedAt, createAt }),
      { version: aggregate.version },
    );
    return toJsonString(OrderSchema, aggregate);
  });

  await step("6. Find the orders of a customer, by index 1", async () => {
    const { items } = await new OrderQueries(opaqueStore).selectByCustomerId("c-9");
    return items.map(({ id, version }) => `${id} at version ${version}`).join();
  });

  await step("7. Find placed orders by time, by index 2", async () => {
    const summaries = new OrderSummaryQueries(opaqueStore);
    const { items } = await summaries.selectByState(State.PLACED, { placedAt: { between: [-9n, -1n] } });
    return items.map(({ id, customerName, totalCents }) => `${id} of ${customerName}, ${totalCents} cents`).join();
  });

  await step("8. A second writer is too late", async () => {
    try {
      await store.save(streamId, records.slice(-1));
      throw new Error("the second writer was not refused");
    } catch (error) {
      if (!isProtosourceError(error, "version_conflict")) throw error;
      return error.message;
    }
  });
} finally {
  client.destroy();
  await engine.stop();
}
