import { create } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { fromRecord } from "protosource-es";

import { ErrorDetailSchema } from "protosource-es/proto/protosource_es/rpc/v1/rpc_v1_pb.js";
import { describe, expect, it } from "vitest";
import { CreatedSchema, CreateSchema, SetShippingSchema } from "../../gen/example/app/order/v1/order_v1_pb.js";
import { OrderService } from "../../gen/example/app/order/v1/order_v1_service_pb.js";
import { order } from "../../order.js";
import { FAMILY, ORIGIN, orderApi } from "./api.js";
import { familyClient } from "./family-client.js";

type Handle = ReturnType<typeof orderApi>["handle"];

const transports: Readonly<Record<string, (handle: Handle) => Transport>> = {
  "Connect with JSON": (handle) => createConnectTransport({ baseUrl: ORIGIN, fetch: fetchOf(handle) }),
  "Connect with binary messages": (handle) =>
    createConnectTransport({ baseUrl: ORIGIN, fetch: fetchOf(handle), useBinaryFormat: true }),
  "Connect with JSON and reads by GET": (handle) =>
    createConnectTransport({ baseUrl: ORIGIN, fetch: fetchOf(handle), useHttpGet: true }),
  "Connect with binary messages and reads by GET": (handle) =>
    createConnectTransport({ baseUrl: ORIGIN, fetch: fetchOf(handle), useBinaryFormat: true, useHttpGet: true }),
  "gRPC-Web with JSON": (handle) =>
    createGrpcWebTransport({ baseUrl: ORIGIN, fetch: fetchOf(handle), useBinaryFormat: false }),
  "gRPC-Web": (handle) => createGrpcWebTransport({ baseUrl: ORIGIN, fetch: fetchOf(handle) }),
};

function fetchOf(handle: Handle): typeof fetch {
  return (input, init) => handle(new Request(input as string, init));
}

describe.each(Object.entries(transports))("a client by %s", (_, transportOf) => {
  it("commands and reads", async () => {
    const api = orderApi();
    const client = createClient(OrderService, transportOf(api.handle));
    expect(await client.create({ id: "o1", customerId: "c1" })).toMatchObject({ id: "o1", version: 1n });
    await client.addItem({ id: "o1", item: { itemId: "i1", priceCents: 2n ** 60n, quantity: 1 } });
    expect(await client.getOrder({ id: "o1", minVersion: 2n })).toMatchObject({ version: 2n });
    expect((await client.loadOrder({ id: "o1" })).items["i1"]?.priceCents).toBe(2n ** 60n);
    const { items, nextPageToken } = await client.selectOrderByCustomerId({
      customerId: "c1",
      createAt: { comparison: { case: "ge", value: 5n } },
    });
    expect([items.map(({ id }) => id), nextPageToken]).toEqual([["o1"], ""]);
  });

  it("is told of errors by code, reason and detail, and of the headers", async () => {
    const api = orderApi();
    const client = createClient(OrderService, transportOf(api.handle));
    const headers = { "x-request-id": "r-1" };
    const errors: ConnectError[] = [];
    for (const call of [
      () => client.place({ id: "o1" }, { headers }),
      () => client.getOrder({ id: "o1" }, { headers }),
      () => client.create({ id: "o1", actor: "eve" }, { headers }),
      () => client.create({ id: "o1" }, { headers: { ...headers, "x-user": "mallory" } }),
    ]) {
      await call().catch((error: unknown) => errors.push(ConnectError.from(error)));
    }
    expect(errors.map(({ code }) => code)).toEqual([
      Code.NotFound,
      Code.NotFound,
      Code.InvalidArgument,
      Code.PermissionDenied,
    ]);
    expect(errors.map((error) => error.findDetails(ErrorDetailSchema)[0]?.reason)).toEqual([
      "not_created",
      "not_found",
      "actor_given",
      "permission_denied",
    ]);
    for (const { metadata } of errors) expect(metadata.get("x-request-id")).toBe("r-1");
  });
});

it("a client of binary messages reads a history page by page, without a registry", async () => {
  const api = orderApi();
  const transport = createConnectTransport({ baseUrl: ORIGIN, fetch: fetchOf(api.handle), useBinaryFormat: true });
  const client = createClient(OrderService, transport);
  await client.create({ id: "o1", customerId: "c1" });
  for (const shippingAddress of ["a", "b", "c"]) await client.setShipping({ id: "o1", shippingAddress });
  const first = await client.getOrderHistory({ id: "o1", pageSize: 3 });
  expect(first.events.map((event) => event.typeUrl.split(".").at(-1))).toEqual([
    "Created",
    "ShippingSet",
    "ShippingSet",
  ]);
  expect(anyUnpack(first.events[0] as never, CreatedSchema)?.customerId).toBe("c1");
  const rest = await client.getOrderHistory({ id: "o1", pageSize: 3, pageToken: first.nextPageToken });
  expect([rest.events.length, rest.nextPageToken]).toEqual([1, ""]);
  const latest = await client.getOrderHistory({ id: "o1", pageSize: 1, reverse: true, toVersion: 3n });
  expect(latest.nextPageToken).toBe("2");
  await expect(client.getOrderHistory({ id: "o2" })).rejects.toMatchObject({ code: Code.NotFound });
});

describe.each(["application/json", "application/protobuf"] as const)("a client of the family by %s", (type) => {
  it("applies, gets, loads, reads records and queries", async () => {
    const api = orderApi();
    const client = familyClient((url, init) => api.handle(new Request(url, init)), FAMILY, type);
    const id = "o 1/ü";
    const created = await client.apply(CreateSchema, create(CreateSchema, { id, actor: "bob", customerId: "c1" }));
    expect(created).toMatchObject({ id, version: 1n });
    await client.apply(SetShippingSchema, create(SetShippingSchema, { id, actor: "bob", shippingAddress: "Dock" }));
    expect(await client.get(id)).toMatchObject({ id, version: 2n, createBy: "bob" });
    expect(await client.load(id)).toMatchObject({ id, version: 2n });
    const { records } = await client.history(id);
    expect(records.map((record) => fromRecord(order, record))).toEqual(await api.repository.history(id));
    const { createAt } = await client.get(id);
    for (const [condition, count] of [
      [{}, 1],
      [{ sk_op: "ge", create_at: `${createAt}` }, 1],
      [{ sk_op: "gt", create_at: `${createAt}` }, 0],
      [{ sk_op: "between", create_at: "5", create_at2: `${createAt}` }, 1],
    ] as const) {
      const { items } = await client.query("by-customer-id", { customer_id: "c1", ...condition });
      expect(items).toHaveLength(count);
    }
  });

  it("is told of errors by the family's codes", async () => {
    const client = familyClient((url, init) => orderApi().handle(new Request(url, init)), FAMILY, type);
    const command = create(SetShippingSchema, { id: "o1" });
    await expect(client.apply(SetShippingSchema, command)).rejects.toThrow(
      "404 CMD_NOT_CREATED: SetShipping changes o1",
    );
    await expect(client.get("o1")).rejects.toThrow("404 GET_NOT_FOUND");
    await expect(client.load("o1")).rejects.toThrow("404 LOAD_NOT_FOUND");
    await expect(client.history("o1")).rejects.toThrow("404 HIST_NOT_FOUND");
    await expect(client.query("by-customer-id", {})).rejects.toThrow("400 QUERY_MISSING_PK");
  });
});
