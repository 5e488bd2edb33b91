/** The events of the bench: those of the order example, about 250 bytes an item with all attributes. */
import { create, createRegistry, type DescMessage, type Registry, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import {
  CreatedSchema,
  file_example_app_order_v1_order_v1,
  ItemAddedSchema,
} from "../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import type { OrderEvent } from "../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";

/** What the repository puts before an order's id to name its stream. */
export const STREAM_PREFIX = "example_app_order_v1#";

/** Who acts in every event. */
export const ACTOR = "ann@example.com";

/** Knows the events. */
export const registry: Registry = createRegistry(file_example_app_order_v1_order_v1);

/** The time of a stream's beginning, in microseconds. */
const START = 1_790_000_000_000_000n;

/** Whether the texts of events are alike, as far as they can be, or each has its own, which no compression finds again. */
export type Texts = "alike" | "distinct";

/** Makes consecutive events of an order, from version `from` on. The first of all creates the order. */
export function orderEvents(id: string, from: number, count: number, texts: Texts): OrderEvent[] {
  return Array.from({ length: count }, (_, i) => orderEvent(id, from + i, texts));
}

function orderEvent(id: string, version: number, texts: Texts): OrderEvent {
  const envelope = { id, version: BigInt(version), at: START + BigInt(version) * 1_000_000n, actor: ACTOR };
  if (version === 1) return create(CreatedSchema, { ...envelope, customerId: "c-000917", customerName: "Ann Example" });
  const isDistinct = texts === "distinct";
  const itemId = isDistinct ? letters(version, 8) : `i-${String(version).padStart(6, "0")}`;
  const description = isDistinct ? letters(-version, 40) : "Desk lamp, brass";
  const item = { itemId, description, priceCents: 1250n, quantity: 1 + (version % 9) };
  return create(ItemAddedSchema, { ...envelope, item });
}

/** Gives small letters that look drawn by lot, the same for the same seed in every run. */
function letters(seed: number, length: number): string {
  let state = Math.imul(seed, 0x9e3779b1);
  let text = "";
  while (text.length < length) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    text += String.fromCharCode(97 + (((mixed ^ (mixed >>> 14)) >>> 0) % 26));
  }
  return text;
}

/** Gives the schema of an event. */
export function schemaOf(event: OrderEvent): DescMessage {
  const schema = registry.getMessage(event.$typeName);
  if (!schema) throw new Error(`${event.$typeName} isn't in the registry`);
  return schema;
}

/** Gives the bytes of an event, as they are stored. */
export function encodeEvent(event: OrderEvent): Uint8Array {
  return toBinary(AnySchema, anyPack(schemaOf(event), event));
}

/** An event as a store of JSON would be given it. */
export interface PlainEvent {
  readonly type: string;
  readonly version: number;
  readonly at: string;
  readonly payload: { readonly actor: string; readonly [name: string]: unknown };
}

/** Gives what an event says in plain JSON. */
export function plainEvent(event: OrderEvent): PlainEvent {
  const { $typeName, version, at, actor } = event;
  const envelope = {
    type: $typeName.slice($typeName.lastIndexOf(".") + 1),
    version: Number(version),
    at: new Date(Number(at / 1000n)).toISOString(),
  };
  switch ($typeName) {
    case "example.app.order.v1.Created":
      return { ...envelope, payload: { actor, customerId: event.customerId, customerName: event.customerName } };
    case "example.app.order.v1.ItemAdded": {
      const { itemId = "", description = "", priceCents = 0n, quantity = 0 } = event.item ?? {};
      return {
        ...envelope,
        payload: { actor, item: { itemId, description, priceCents: Number(priceCents), quantity } },
      };
    }
    default:
      throw new Error(`the bench doesn't make ${$typeName}`);
  }
}
