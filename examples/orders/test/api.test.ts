import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { describe, expect, it } from "vitest";
import { OrderService } from "../gen/example/app/order/v1/order_v1_service_pb.js";
import { orderApi } from "../src/api.js";

function clientOf(user: string): ReturnType<typeof createClient<typeof OrderService>> {
  const transport = createConnectTransport({
    baseUrl: "https://shop.example",
    fetch: (url, init) => {
      const request = new Request(url as string, init);
      request.headers.set("x-user", user);
      return orderApi(request);
    },
  });
  return createClient(OrderService, transport);
}

describe("the API of orders", () => {
  it("takes orders, and finds those of a customer", async () => {
    const client = clientOf("ann");
    const { id, version } = await client.create({ customerId: "c-9", customerName: "Ann" });
    expect(await client.getOrder({ id, minVersion: version })).toMatchObject({ customerName: "Ann", createBy: "ann" });
    const { items } = await client.selectOrderByCustomerId({ customerId: "c-9", pageSize: 10 });
    expect(items.map((item) => item.id)).toEqual([id]);
  });

  it("tells what a rule refuses, and keeps an auditor from writing", async () => {
    const client = clientOf("ann");
    const { id } = await client.create({ customerId: "c-9" });
    await client.addItem({ id, item: { itemId: "lamp" } });
    await expect(client.addItem({ id, item: { itemId: "lamp" } })).rejects.toThrow("[already_exists]");
    await expect(clientOf("auditor").place({ id })).rejects.toThrow("[permission_denied]");
    expect(await clientOf("auditor").loadOrder({ id })).toMatchObject({ version: 2n });
  });

  it("lets a client follow what comes", async () => {
    const url = "https://shop.example/example.app.order.v1.OrderService/events";
    const following = async (after: string): Promise<{ events: { type: string }[]; after: string }> =>
      (await orderApi(new Request(`${url}?after=${after}&wait=20`, { headers: { "x-user": "ann" } }))).json() as never;
    const client = clientOf("ann");
    await client.create({ customerId: "c-9" });
    const { after } = await following("0");
    const coming = following(after);
    await client.create({ customerId: "c-9" });
    expect((await coming).events.map(({ type }) => type)).toEqual(["Created"]);
  });
});
