/** A handler for orders in memory, and what asks it. */

import { Repository, type RepositoryOptions } from "protosource-es";
import { type FetchHandlerOptions, familyRoutes, fetchHandler, Refusal, serve } from "protosource-es/http";
import { MemoryStore } from "protosource-es/memory";
import type { OrderTypes } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { defineOrder, type OrderRules } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { OrderService } from "../../gen/example/app/order/v1/order_v1_service_pb.js";

export const ORIGIN = "https://shop.example";
export const SERVICE: string = `${ORIGIN}/example.app.order.v1.OrderService`;
export const FAMILY: string = `${ORIGIN}/example/app/order/v1`;

export interface Api {
  readonly handle: (request: Request) => Promise<Response>;
  readonly repository: Repository<OrderTypes>;
  readonly store: MemoryStore;
  /** What the logger was told. */
  readonly logged: object[];
  /** Calls an rpc with Connect's JSON. */
  post(rpc: string, message: object | string, headers?: Record<string, string>): Promise<Answer>;
  /** Calls a path of the family with JSON. */
  family(path: string, message?: object, headers?: Record<string, string>): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Record<string, unknown>;
}

export interface ApiOptions extends Partial<FetchHandlerOptions> {
  readonly rules?: OrderRules;
  readonly repositoryOptions?: RepositoryOptions;
}

/** Makes a handler for whom `x-user` says who calls. */
export function orderApi({ rules = {}, repositoryOptions = {}, ...options }: ApiOptions = {}): Api {
  const store = new MemoryStore();
  const repository = new Repository(defineOrder(rules), store, repositoryOptions);
  const logged: object[] = [];
  const handle = fetchHandler({
    services: [serve(OrderService, { repository, queries: store.opaqueStore })],
    routes: [familyRoutes],
    authorize(request) {
      const actor = request.headers.get("x-user") ?? "ann";
      if (actor === "mallory") throw new Refusal("permission_denied", "mallory may not do this");
      return { actor };
    },
    logger: { warn: (message, details) => logged.push({ message, ...details }) },
    ...options,
  });
  const ask = async (url: string, init: RequestInit): Promise<Answer> => {
    const answer = await handle(new Request(url, init));
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, json: text === "" ? {} : JSON.parse(text) };
  };
  return {
    handle,
    repository,
    store,
    logged,
    post: (rpc, message, headers = {}) =>
      ask(`${SERVICE}/${rpc}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof message === "string" ? message : JSON.stringify(message),
      }),
    family: (path, message, headers = {}) =>
      ask(`${FAMILY}${path}`, {
        method: message === undefined ? "GET" : "POST",
        headers: { accept: "application/json", "content-type": "application/json", ...headers },
        body: message === undefined ? null : JSON.stringify(message),
      }),
  };
}
