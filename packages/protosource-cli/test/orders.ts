/** The order example as a user's domain: its code for the command, many streams, and what their rows must hold. */
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { create, equals } from "@bufbuild/protobuf";
import { build } from "esbuild";
import { Repository, type Store, type StoredRecord } from "protosource-es";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer } from "protosource-es/serializer";
import { afterAll } from "vitest";
import {
  CreatedSchema,
  ItemAddedSchema,
  OrderSchema,
  OrderSummarySchema,
  PlacedSchema,
} from "../../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import {
  OrderQueries,
  OrderSummaryQueries,
  type OrderTypes,
  orderCommands,
} from "../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../examples/orders/src/order.js";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The beginning of the names of the orders' streams. */
export const ORDERS = "example_app_order_v1#";

/** Bundles the domain's code as a user would build it, with what it exports beside, and gives the path of the module. */
export async function buildDomain(more = ""): Promise<string> {
  const outfile = `${root}node_modules/.cache/domain-${process.pid}-${domains++}.js`;
  await bundleModule(`export * from "../../examples/orders/src/order.js";\n${more}`, root, outfile);
  afterAll(() => rmSync(outfile, { force: true }));
  return outfile;
}

/** Bundles a module with what it imports of the repository, as a program has it that installed the packages. */
export async function bundleModule(contents: string, resolveDir: string, outfile: string): Promise<void> {
  await build({
    stdin: { contents, resolveDir, loader: "ts" },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@protosource-es/source"],
    external: ["@bufbuild/*"],
    logLevel: "warning",
  });
}

let domains = 0;

/** Saves the streams of many orders, without their rows: 1 to 5 events each. */
export async function saveOrders(store: Store, count: number): Promise<void> {
  const atOnce = 16;
  for (let first = 0; first < count; first += atOnce) {
    const numbers = Array.from({ length: Math.min(atOnce, count - first) }, (_, i) => first + i);
    await Promise.all(numbers.map((number) => store.save(`${ORDERS}${number}`, orderRecords(number))));
  }
}

function orderRecords(number: number): StoredRecord[] {
  const id = `${number}`;
  const at = 1_700_000_000_000_000n + BigInt(number);
  const head = { id, at, actor: "ann" };
  const item = (i: number): object => ({ itemId: `i-${i}`, priceCents: BigInt(number % 97), quantity: i + 1 });
  const events = [
    { schema: CreatedSchema, fields: { customerId: `c-${number % 100}`, customerName: "Zoë" } },
    ...Array.from({ length: number % 4 }, (_, i) => ({ schema: ItemAddedSchema, fields: { item: item(i) } })),
    ...(number % 5 === 4 ? [{ schema: PlacedSchema, fields: { placedAt: at } }] : []),
  ];
  return events.map(({ schema, fields }, i) => {
    const version = BigInt(i + 1);
    const event = create(schema, { ...head, version, ...fields });
    return create(StoredRecordSchema, { version, data: binarySerializer.serialize(schema, event) });
  });
}

/**
 * Adds items to random orders, with their rows, for as long as `work` takes, and gives the number of commands that
 * were applied.
 */
export async function whileWriting(store: Store, count: number, work: () => Promise<void>): Promise<number> {
  const orders: Repository<OrderTypes> = new Repository(order, store, { logger: { warn() {} } });
  let isDone = false;
  const write = async (): Promise<number> => {
    let applied = 0;
    while (!isDone) {
      // Only orders that aren't placed take items.
      const id = `${Math.floor((Math.random() * count) / 5) * 5}`;
      const item = { itemId: `w-${applied}`, priceCents: 7n, quantity: 1 };
      await orders.apply(orderCommands.AddItem({ id, item, actor: "bob" }));
      applied++;
      await sleep(5);
    }
    return applied;
  };
  const working = work().finally(() => {
    isDone = true;
  });
  const [applied] = await Promise.all([write(), working]);
  return applied;
}

/** Names the orders whose rows aren't what a fold of their streams gives. */
export async function wrongOrders(store: Store, opaqueStore: OpaqueStore, count: number): Promise<readonly string[]> {
  const orders: Repository<OrderTypes> = new Repository(order, store);
  const rows = new OrderQueries(opaqueStore);
  const summaries = new OrderSummaryQueries(opaqueStore);
  const wrong: string[] = [];
  for (let number = 0; number < count; number++) {
    const id = `${number}`;
    const expected = await orders.load(id);
    const { state, customerId, customerName, totalCents, itemCount, placedAt, createAt } = expected;
    const summary = create(OrderSummarySchema, {
      ...{ id, state, customerId, customerName, totalCents, itemCount, placedAt, createAt },
    });
    const row = await rows.get(id, { consistent: true });
    const found = await summaries.get(id, { consistent: true });
    const isRight = row && found && equals(OrderSchema, row, expected) && equals(OrderSummarySchema, found, summary);
    if (!isRight) wrong.push(id);
  }
  return wrong;
}
