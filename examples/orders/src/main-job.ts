/** The main job, on whatever store it is given: a stream, its tail, the current state, two indexes, a second writer. */
import { create, toJsonString } from "@bufbuild/protobuf";
import {
  type AggregateStore,
  isProtosourceError,
  Repository,
  type SnapshotTailStore,
  type Store,
  type StoredRecord,
} from "protosource-es";
import type { OpaqueStore } from "protosource-es/opaquedata";
import { OrderSchema, OrderSummarySchema, State } from "../gen/example/app/order/v1/order_v1_pb.js";
import {
  OrderQueries,
  OrderSummaryQueries,
  type OrderTypes,
} from "../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "./order.js";

/** Runs a step of the job, and says what it found. */
export type RunStep = (title: string, step: () => Promise<string>) => Promise<void>;

export interface Stream {
  readonly streamId: string;
  readonly records: readonly StoredRecord[];
}

/** Does the job. Throws when the second writer isn't refused. */
export async function mainJob(
  run: RunStep,
  store: Store & SnapshotTailStore & AggregateStore,
  opaqueStore: OpaqueStore,
  { streamId, records }: Stream,
): Promise<void> {
  await run("Save the stream: all of its events or none", async () => {
    await store.save(streamId, records);
    return `${records.length} events of ${streamId}`;
  });

  await run("Load it", async () => versionsOf((await store.load(streamId)).records));

  await run("Load only its tail", async () => versionsOf((await store.loadTail(streamId, 2)).records));

  await run("Write the order and its summary as rows", async () => {
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

  await run("Find the orders of a customer, by index 1", async () => {
    const { items } = await new OrderQueries(opaqueStore).selectByCustomerId("c-9");
    return items.map(({ id, version }) => `${id} at version ${version}`).join();
  });

  await run("Find placed orders by time, by index 2", async () => {
    const summaries = new OrderSummaryQueries(opaqueStore);
    const { items } = await summaries.selectByState(State.PLACED, { placedAt: { between: [-9n, -1n] } });
    return items.map(({ id, customerName, totalCents }) => `${id} of ${customerName}, ${totalCents} cents`).join();
  });

  await run("A second writer is too late", async () => {
    try {
      await store.save(streamId, records.slice(-1));
    } catch (error) {
      if (isProtosourceError(error, "version_conflict")) return error.message;
      throw error;
    }
    throw new Error("the second writer was not refused");
  });
}

/** Lists the versions of records. */
export function versionsOf(records: readonly StoredRecord[]): string {
  return `versions ${records.map(({ version }) => version).join(", ")}`;
}
