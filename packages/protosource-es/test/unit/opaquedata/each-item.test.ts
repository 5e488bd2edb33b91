import { create } from "@bufbuild/protobuf";
import { MemoryOpaqueStore } from "protosource-es/memory";
import { eachItem, opaqueDataFromMessage } from "protosource-es/opaquedata";
import { expect, test, vi } from "vitest";
import { OrderSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { OrderQueries } from "../../gen/example/app/order/v1/order_v1_protosource.js";

async function storeOf(count: number): Promise<MemoryOpaqueStore> {
  const store = new MemoryOpaqueStore();
  for (let i = 0; i < count; i++) {
    const order = create(OrderSchema, { id: `o-${i}`, customerId: "c-9", createAt: BigInt(i) });
    await store.put(opaqueDataFromMessage(OrderSchema, order));
  }
  return store;
}

test("reads every page of a generated query, and no more than the reader wants", async () => {
  const store = await storeOf(10);
  const query = vi.spyOn(store, "query");
  const orders = new OrderQueries(store);
  const read = (cursor: string | undefined) => orders.selectByCustomerId("c-9", { limit: 3, cursor });

  const all: string[] = [];
  for await (const { id } of eachItem(read)) all.push(id);
  expect(all).toEqual(Array.from({ length: 10 }, (_, i) => `o-${i}`));

  query.mockClear();
  for await (const { id } of eachItem(read)) if (id === "o-1") break;
  expect(query).toHaveBeenCalledTimes(1);
});

test("gives nothing for an empty partition, and the error of a page that fails", async () => {
  const orders = new OrderQueries(await storeOf(0));
  const found = [];
  for await (const order of eachItem((cursor) => orders.selectByCustomerId("c-9", { cursor }))) found.push(order);
  expect(found).toEqual([]);

  await expect(async () => {
    for await (const order of eachItem(() => Promise.reject(new Error("no page")))) found.push(order);
  }).rejects.toThrow("no page");
});
