/** The floor: what one would write by hand with the SDK's commands, for the same bytes in the same kind of table. */
import { type DynamoDBClient, PutItemCommand, ScanCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { ensureTables } from "protosource-es/dynamodb";
import {
  type Order,
  OrderSchema,
  OrderSummarySchema,
  ShippingSetSchema,
  State,
} from "../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import type { OrderEvent } from "../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import type { Answer, ApplyMode, Contender } from "./contender.js";
import { floorStream, type Item, type QueryRange } from "./floor-stream.js";
import { ACTOR, encodeEvent, registry, STREAM_PREFIX } from "./sample.js";

/** How many events the floor reads to build an order: as many as the repository. */
const TAIL = 50;

/** How many orders the floor rebuilds at a time: as many as the package's own rebuild by default. */
const REBUILT_AT_ONCE = 32;

interface FloorRecord {
  readonly version: bigint;
  readonly data: Uint8Array;
}

/** Makes a floor with tables of its own. */
export async function createFloor(client: DynamoDBClient, table: string): Promise<Contender> {
  const rows = `${table}-rows`;
  await ensureTables(client, { eventsTable: table, aggregatesTable: rows });

  const stream = floorStream(client, table, (event) => ({ B: encodeEvent(event) }));
  const query = async (id: string, range?: QueryRange): Promise<FloorRecord[]> =>
    (await stream.query(id, range)).map((item) => ({
      version: BigInt(item["v"]?.N ?? 0),
      data: item["d"]?.B ?? new Uint8Array(),
    }));

  const tail = async (id: string, n: number): Promise<FloorRecord[]> =>
    (await query(id, { ScanIndexForward: false, Limit: n })).reverse();

  const applier = ({ warm, materialize }: ApplyMode): ((id: string, address: string) => Promise<number>) => {
    const atHand = new Map<string, Order>();
    return async (id, address) => {
      const order = atHand.get(id) ?? fold((await tail(id, TAIL)).map(({ data }) => decode(data)));
      if (order.state !== State.DRAFT) throw new Error("the order isn't a draft");
      const version = order.version + 1n;
      const at = BigInt(Date.now()) * 1000n;
      const event = create(ShippingSetSchema, { id, version, at, actor: ACTOR, shippingAddress: address });
      applyEvent(order, event);
      derive(order);
      const eventPut = stream.put(id, Number(version), event);
      if (materialize === "transactional") {
        const TransactItems = [eventPut, ...rowPuts(rows, order)].map((Put) => ({ Put }));
        await client.send(new TransactWriteItemsCommand({ TransactItems }));
      } else {
        await client.send(new PutItemCommand(eventPut));
        if (materialize === "best-effort") {
          await Promise.all(rowPuts(rows, order).map((row) => client.send(new PutItemCommand(row))));
        }
      }
      if (warm) atHand.set(id, order);
      return Number(version);
    };
  };

  const streamIds = async (): Promise<readonly string[]> => {
    const ids = new Set<string>();
    let startKey: Item | undefined;
    do {
      const page = await client.send(
        new ScanCommand({
          TableName: table,
          ProjectionExpression: "a",
          ConsistentRead: true,
          ExclusiveStartKey: startKey,
        }),
      );
      for (const item of page.Items ?? []) ids.add(String(item["a"]?.S).slice(STREAM_PREFIX.length));
      startKey = page.LastEvaluatedKey;
    } while (startKey);
    return [...ids];
  };

  const rebuild = async (): Promise<number> => {
    const ids = await streamIds();
    for (let start = 0; start < ids.length; start += REBUILT_AT_ONCE) {
      await Promise.all(
        ids.slice(start, start + REBUILT_AT_ONCE).map(async (id) => {
          const order = fold((await tail(id, TAIL)).map(({ data }) => decode(data)));
          derive(order);
          for (const row of rowPuts(rows, order)) await client.send(new PutItemCommand(row));
        }),
      );
    }
    return ids.length;
  };

  return {
    refuses: true,
    applier,
    rebuild,
    append: stream.append,
    async loadRecords(id) {
      return answer(await query(id));
    },
    async loadEvents(id) {
      const records = await query(id);
      const events = records.map(({ data }) => decode(data));
      return { count: events.length, last: Number(events.at(-1)?.version) };
    },
    async tail(id, n) {
      return answer(await tail(id, n));
    },
  };
}

function answer(records: readonly FloorRecord[]): Answer {
  return { count: records.length, last: Number(records.at(-1)?.version) };
}

function decode(data: Uint8Array): OrderEvent {
  const event: Message | undefined = anyUnpack(fromBinary(AnySchema, data), registry);
  if (!event) throw new Error("the event's type isn't in the registry");
  return event as OrderEvent;
}

/** Builds an order from the events that the bench makes. */
function fold(events: readonly OrderEvent[]): Order {
  const order = create(OrderSchema);
  for (const event of events) applyEvent(order, event);
  return order;
}

function applyEvent(order: Order, event: OrderEvent): void {
  order.id = event.id;
  order.version = event.version;
  order.modifyAt = event.at;
  order.modifyBy = event.actor;
  switch (event.$typeName) {
    case "example.app.order.v1.Created":
      order.createAt = event.at;
      order.createBy = event.actor;
      order.customerId = event.customerId;
      order.customerName = event.customerName;
      order.state = State.DRAFT;
      break;
    case "example.app.order.v1.ItemAdded":
      if (event.item) order.items[event.item.itemId] = event.item;
      break;
    case "example.app.order.v1.ShippingSet":
      order.shippingAddress = event.shippingAddress;
      break;
    default:
      throw new Error(`the floor doesn't know ${event.$typeName}`);
  }
}

function derive(order: Order): void {
  const items = Object.values(order.items);
  order.itemCount = items.length;
  order.totalCents = items.reduce((sum, item) => sum + item.priceCents * BigInt(item.quantity), 0n);
}

/** The rows of an order and of its summary, as the repository writes them, without a condition. */
function rowPuts(table: string, order: Order): { readonly TableName: string; readonly Item: Item }[] {
  const { id, state, customerId, customerName, totalCents, itemCount, placedAt, createAt } = order;
  const pk = { S: `${STREAM_PREFIX}order#id#${id}` };
  const summary = create(OrderSummarySchema, {
    ...{ id, state, customerId, customerName, totalCents, itemCount, placedAt, createAt },
  });
  const version = { N: String(order.version) };
  return [
    {
      pk,
      sk: { S: "AGG" },
      body: { B: toBinary(OrderSchema, order) },
      version,
      gsi1pk: { S: `${STREAM_PREFIX}order#customer_id#${customerId}` },
      gsi1sk: { S: `${STREAM_PREFIX}order#create_at#${createAt}` },
    },
    {
      pk,
      sk: { S: "PROJ#OrderSummary" },
      body: { B: toBinary(OrderSummarySchema, summary) },
      version,
      gsi1pk: { S: `${STREAM_PREFIX}ordersummary#customer_id#${customerId}` },
      gsi1sk: { S: `${STREAM_PREFIX}ordersummary#create_at#${createAt}` },
      gsi2pk: { S: `${STREAM_PREFIX}ordersummary#state#STATE_DRAFT` },
      gsi2sk: { S: `${STREAM_PREFIX}ordersummary#placed_at#${placedAt}` },
    },
  ].map((Item) => ({ TableName: table, Item }));
}
