import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import {
  type CommandResponse,
  CommandResponseSchema,
  ErrorSchema,
  type History,
  HistorySchema,
} from "protosource-es/proto";
import { expect } from "vitest";
import {
  type Order,
  type OrderList,
  OrderListSchema,
  OrderSchema,
} from "../../gen/example/app/order/v1/order_v1_pb.js";

/** Sends a request, as `fetch` does. */
type Send = (url: string, init: RequestInit) => Promise<Response>;

/** A client as the family's generators make it. */
export interface FamilyClient {
  apply<D extends DescMessage>(schema: D, command: MessageShape<D>): Promise<CommandResponse>;
  get(id: string): Promise<Order>;
  load(id: string): Promise<Order>;
  history(id: string): Promise<History>;
  query(path: string, params: Record<string, string>): Promise<OrderList>;
}

/** What the family's clients send, and how they read what comes back, in one of the two encodings. */
export function familyClient(
  send: Send,
  base: string,
  type: "application/json" | "application/protobuf",
): FamilyClient {
  const isJson = type === "application/json";
  const ask = async <D extends DescMessage>(
    path: string,
    schema: D,
    init: RequestInit = {},
  ): Promise<MessageShape<D>> => {
    const headers = { accept: type, "content-type": type, "x-user": "bob" };
    const answer = await send(`${base}/${path}`, { ...init, headers });
    expect(answer.headers.get("content-type")).toBe(type);
    const body = new Uint8Array(await answer.arrayBuffer());
    const read = <E extends DescMessage>(one: E): MessageShape<E> =>
      isJson ? fromJson(one, JSON.parse(new TextDecoder().decode(body)) as JsonValue) : fromBinary(one, body);
    if (answer.ok) return read(schema);
    const { code, message } = read(ErrorSchema);
    throw new Error(`${answer.status} ${code}: ${message}`);
  };
  return {
    apply: <D extends DescMessage>(schema: D, command: MessageShape<D>) =>
      ask(schema.name.toLowerCase(), CommandResponseSchema, {
        method: "POST",
        body: isJson ? JSON.stringify(toJson(schema, command)) : (toBinary(schema, command) as Uint8Array<ArrayBuffer>),
      }),
    get: (id: string) => ask(encodeURIComponent(id), OrderSchema),
    load: (id: string) => ask(`load/${encodeURIComponent(id)}`, OrderSchema),
    history: (id: string) => ask(`${encodeURIComponent(id)}/history`, HistorySchema),
    query: (path: string, params: Record<string, string>) =>
      ask(`query/${path}?${new URLSearchParams(params)}`, OrderListSchema),
  };
}
