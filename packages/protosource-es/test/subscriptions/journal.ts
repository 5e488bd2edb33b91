/** Read models that show what the handlers of a stream got. */
import { defineReadModel, on, type ReadModel } from "protosource-es/subscriptions";
import { type CustomerSales, CustomerSalesSchema } from "../gen/example/app/sales/v1/sales_v1_pb.js";
import { order } from "../order.js";
import { testAggregate } from "./sales.js";

/** Writes down which versions its handlers got, in order: a row for each stream. */
export function journal(): ReadModel<CustomerSales> {
  const note = (streamId: string, version: bigint, row: (id: string, change: (row: CustomerSales) => void) => void) =>
    row(streamId, (line) => {
      line.region += `${version},`;
    });
  return defineReadModel(CustomerSalesSchema, {
    name: "journal",
    version: 1,
    from: [
      on(order, {
        Created: (_, { streamId, version, row }) => note(streamId, version, row),
        ItemAdded: (_, { streamId, version, row }) => note(streamId, version, row),
        ItemRemoved: (_, { streamId, version, row }) => note(streamId, version, row),
        Placed: (_, { streamId, version, row }) => note(streamId, version, row),
      }),
      on(testAggregate, {
        Created: (_, { streamId, version, row }) => note(streamId, version, row),
        Updated: (_, { streamId, version, row }) => note(streamId, version, row),
      }),
    ],
  });
}

/** Writes down the same in a row of the order itself, with which its position is kept; until it is placed. */
export function diary(): ReadModel<CustomerSales> {
  const note = (id: string, version: bigint, row: (id: string, change: (row: CustomerSales) => void) => void) =>
    row(id, (line) => {
      line.region += `${version},`;
    });
  return defineReadModel(CustomerSalesSchema, {
    name: "diary",
    version: 1,
    rowPerAggregate: true,
    from: [
      on(order, {
        Created: (_, { id, version, row }) => note(id, version, row),
        ItemAdded: (_, { id, version, row }) => note(id, version, row),
        ItemRemoved: (_, { id, version, row }) => note(id, version, row),
        Placed: (_, { id, remove }) => remove(id),
      }),
    ],
  });
}
