/** What a page of another origin does with connect-web: bundled, and run in a browser. */
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { OrderService } from "../gen/example/app/order/v1/order_v1_service_pb.js";

/** A client of the page. */
export interface PageCall {
  readonly baseUrl: string;
  readonly protocol: "Connect" | "gRPC-Web";
  readonly useBinaryFormat: boolean;
  readonly useHttpGet: boolean;
  readonly id: string;
}

/** What the page saw. */
export interface PageAnswer {
  readonly version: string;
  readonly priceCents: string;
  readonly etag: string | null;
  readonly replayed: string | null;
  readonly error: readonly [code: string, requestId: string | null];
}

/** Commands, reads, sends a command again, and is refused. */
async function callAsPage({ protocol, id, ...options }: PageCall): Promise<PageAnswer> {
  const transport = protocol === "Connect" ? createConnectTransport(options) : createGrpcWebTransport(options);
  const client = createClient(OrderService, transport);
  let headers = new Headers();
  const onHeader = (given: Headers): void => {
    headers = given;
  };
  await client.create({ id, customerId: "c1" });
  await client.addItem({ id, item: { itemId: "i1", priceCents: 2n ** 60n, quantity: 1 } });
  const key = { headers: { "idempotency-key": id, "if-match": '"2"' }, onHeader };
  await client.setShipping({ id, shippingAddress: "Dock 3" }, key);
  await client.setShipping({ id, shippingAddress: "Dock 3" }, { ...key, headers: { "idempotency-key": id } });
  const replayed = headers.get("idempotency-replayed");
  const { version, items } = await client.loadOrder({ id }, { onHeader });
  const etag = headers.get("etag");
  const refused = await client.create({ id }, { headers: { "x-request-id": "r-1" } }).catch(ConnectError.from);
  const error = refused as ConnectError;
  return {
    version: `${version}`,
    priceCents: `${items["i1"]?.priceCents}`,
    etag,
    replayed,
    error: [Code[error.code], error.metadata.get("x-request-id")],
  };
}

Object.assign(globalThis, { callAsPage });
