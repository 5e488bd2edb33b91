/** Orders that come as messages of a queue: the function that its event source mapping calls. */
import { fromJsonString } from "@bufbuild/protobuf";
import type { Repository } from "protosource-es";
import { type LambdaContext, processBatch, type SqsBatchResponse, type SqsEvent } from "protosource-es/lambda";
import { CreateSchema } from "../gen/example/app/order/v1/order_v1_pb.js";
import type { OrderTypes } from "../gen/example/app/order/v1/order_v1_protosource.js";

/** Makes the function that creates an order for each message, and hands on those that are refused for good. */
export function orderQueue(
  repository: Repository<OrderTypes>,
  handOn: (body: string) => Promise<void>,
): (event: SqsEvent, context: LambdaContext) => Promise<SqsBatchResponse> {
  return (event, context) =>
    processBatch(repository, event, context, {
      toCommand: ({ body }) => fromJsonString(CreateSchema, body),
      actor: () => "checkout",
      onRefused: ({ body }) => handOn(body),
    });
}
