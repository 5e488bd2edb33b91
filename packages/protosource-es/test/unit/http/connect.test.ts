import { Repository } from "protosource-es";
import { fetchHandler, serve } from "protosource-es/http";
import { MemoryStore } from "protosource-es/memory";
import { describe, expect, it } from "vitest";
import { OrderService } from "../../gen/example/app/order/v1/order_v1_service_pb.js";
import { order } from "../../order.js";

describe("a handler", () => {
  it("applies commands and answers reads by Connect's JSON", async () => {
    const store = new MemoryStore();
    const repository = new Repository(order, store);
    const api = fetchHandler({
      services: [serve(OrderService, { repository, queries: store.opaqueStore })],
      authorize: () => ({ actor: "ann" }),
    });
    const call = async (rpc: string, message: object): Promise<unknown> => {
      const url = `https://shop.example/example.app.order.v1.OrderService/${rpc}`;
      const headers = { "content-type": "application/json" };
      const answer = await api(new Request(url, { method: "POST", headers, body: JSON.stringify(message) }));
      return answer.json();
    };
    const found = { id: "o1", version: "1", state: "STATE_DRAFT", customerId: "c1", createBy: "ann" };
    expect(await call("Create", { id: "o1", customerId: "c1" })).toEqual({ id: "o1", version: "1" });
    expect(await call("LoadOrder", { id: "o1" })).toMatchObject(found);
    expect(await call("GetOrder", { id: "o1" })).toMatchObject(found);
    expect(await call("SelectOrderByCustomerId", { customerId: "c1", createAt: { ge: "5" } })).toMatchObject({
      items: [found],
    });
    expect(await call("GetOrderHistory", { id: "o1" })).toMatchObject({
      events: [{ "@type": "type.googleapis.com/example.app.order.v1.Created", id: "o1", actor: "ann" }],
    });
  });
});
