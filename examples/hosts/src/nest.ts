/** Orders on NestJS. */
import "reflect-metadata";
import type { JsonValue } from "@bufbuild/protobuf";
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type NestApplicationOptions,
  Param,
  Post,
} from "@nestjs/common";
import { APP_FILTER, BaseExceptionFilter, NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import type { Response } from "express";
import { isProtosourceError, provideRepository, STORE } from "protosource-es";
import { problemOf } from "protosource-es/http";
import { nodeListener } from "protosource-es/http/node";
import { providerSet } from "protosource-es/memory";
import type { OrderAggregate } from "../../orders/gen/example/app/order/v1/order_v1_protosource.js";
import { addItem, Orders, orderApi } from "./orders.js";

/** Answers errors of protosource-es as problems, and leaves all others to Nest, which keeps their texts to itself. */
@Catch()
class ProblemFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    if (!isProtosourceError(error)) {
      super.catch(error, host);
      return;
    }
    const { status, headers, body } = problemOf(error);
    if (status >= 500) Logger.error(error);
    host.switchToHttp().getResponse<Response>().status(status).set(headers).json(body);
  }
}

@Controller("orders")
class OrdersController {
  readonly #orders: Orders;

  constructor(@Inject(Orders) orders: Orders) {
    this.#orders = orders;
  }

  @Post(":id/items")
  addItem(@Param("id") id: string, @Body() body: JsonValue): Promise<{ readonly version: string }> {
    return addItem(this.#orders, id, body);
  }
}

@Module({ controllers: [OrdersController] })
class OrdersModule {}

/** The module with what it needs of the store of its choice, here the one in memory. */
function ordersModule(order: OrderAggregate): DynamicModule {
  return {
    module: OrdersModule,
    providers: [
      ...providerSet,
      provideRepository(Orders, order, { newId: () => crypto.randomUUID() }),
      { provide: APP_FILTER, useClass: ProblemFilter },
    ],
  };
}

export async function nestApp(
  order: OrderAggregate,
  options?: NestApplicationOptions,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(ordersModule(order), options);
  // Before the application listens: what reads bodies comes in then.
  app.use("/api", nodeListener(orderApi(app.get(Orders), app.get(STORE))));
  return app;
}
