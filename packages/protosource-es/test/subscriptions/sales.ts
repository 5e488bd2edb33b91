/** A read model over two aggregates, and the plain fold that it must equal. */
import { create, type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import type { StoredRecord } from "protosource-es";
import { type OpaqueStore, queryClient } from "protosource-es/opaquedata";
import { binarySerializer } from "protosource-es/serializer";
import { defineReadModel, on, type ReadModel } from "protosource-es/subscriptions";
import {
  CancelledSchema,
  CreatedSchema,
  ItemAddedSchema,
  ItemRemovedSchema,
  PlacedSchema,
} from "../gen/example/app/order/v1/order_v1_pb.js";
import { type CustomerSales, CustomerSalesSchema } from "../gen/example/app/sales/v1/sales_v1_pb.js";
import {
  LockedSchema,
  SnapshotSchema,
  CreatedSchema as TestCreatedSchema,
  UpdatedSchema,
} from "../gen/example/app/test/v1/test_v1_pb.js";
import { defineTest, type TestAggregate } from "../gen/example/app/test/v1/test_v1_protosource.js";
import { order } from "../order.js";

export const testAggregate: TestAggregate = defineTest();

/** Counts the orders of each customer, and the tests of the customer that their body names. */
export function sales(version = 1, name = "sales"): ReadModel<CustomerSales> {
  return defineReadModel(CustomerSalesSchema, {
    name,
    version,
    from: [
      on(order, {
        memo: () => ({ customerId: "", cents: 0n }),
        Created: (event, { memo, row }) => {
          memo.customerId = event.customerId;
          row(event.customerId, (sales) => {
            sales.orders += 1n;
            sales.region = event.customerName;
          });
        },
        ItemAdded: ({ item }, { memo, row }) => {
          memo.cents += item?.priceCents ?? 0n;
          row(memo.customerId, (sales) => {
            sales.items += 1n;
          });
        },
        Placed: (_, { memo, row }) => {
          row(memo.customerId, (sales) => {
            sales.placed += 1n;
            sales.totalCents += memo.cents;
          });
        },
      }),
      on(testAggregate, {
        Created: ({ body }, { row }) => {
          row(body, (sales) => {
            sales.testEvents += 1n;
          });
        },
        Updated: ({ body }, { row }) => {
          row(body, (sales) => {
            sales.testEvents += 1n;
          });
        },
      }),
    ],
  });
}

/** An event as the test makes it, and what the fold makes of it. */
export interface SampleEvent {
  readonly schema: DescMessage;
  readonly message: Message;
}

/** Makes an event of an order. */
export function orderEvent(
  kind: "Created" | "ItemAdded" | "ItemRemoved" | "Placed" | "Cancelled",
  id: string,
  version: bigint,
  fields: object = {},
): SampleEvent {
  const schemas = {
    Created: CreatedSchema,
    ItemAdded: ItemAddedSchema,
    ItemRemoved: ItemRemovedSchema,
    Placed: PlacedSchema,
    Cancelled: CancelledSchema,
  };
  const schema: DescMessage = schemas[kind];
  return { schema, message: create(schema, { id, version, at: version, actor: "somebody", ...fields }) };
}

/** Makes an event of a test. */
export function testEvent(
  kind: "Created" | "Updated" | "Locked" | "Snapshot",
  id: string,
  version: bigint,
  fields: object = {},
): SampleEvent {
  const schemas = {
    Created: TestCreatedSchema,
    Updated: UpdatedSchema,
    Locked: LockedSchema,
    Snapshot: SnapshotSchema,
  };
  const schema: DescMessage = schemas[kind];
  return { schema, message: create(schema, { id, version, at: version, actor: "somebody", ...fields }) };
}

/** Makes the record of an event. */
export function recordOf({ schema, message }: SampleEvent, version: bigint, ttl = 0n): StoredRecord {
  return {
    $typeName: "funinthecloud.protosource.record.v1.Record",
    version,
    data: binarySerializer.serialize(schema, message),
    ttl,
  };
}

/** Reads the row of a customer, as bytes that compare. */
export async function rowOf(rows: OpaqueStore, customer: string): Promise<string | undefined> {
  const row = await queryClient(CustomerSalesSchema, rows).get(customer);
  return row && bytesOf(row);
}

export function bytesOf(row: CustomerSales): string {
  return Buffer.from(toBinary(CustomerSalesSchema, row)).toString("hex");
}
