/** Orders over HTTP, for whatever calls a function with a request. */
import { Repository } from "protosource-es";
import { eventRoutes, familyRoutes, fetchHandler, Refusal, serve } from "protosource-es/http";
import { MemoryStore } from "protosource-es/memory";
import { OrderService } from "../gen/example/app/order/v1/order_v1_service_pb.js";
import { ItemAlreadyThere, order } from "./order.js";

const store = new MemoryStore();
const repository = new Repository(order, store, { newId: () => crypto.randomUUID() });

/** Answers requests for orders: by Connect and gRPC-Web, on the paths of the protosource family, and for events as they come. */
export const orderApi: (request: Request) => Promise<Response> = fetchHandler({
  services: [serve(OrderService, { repository, queries: store.opaqueStore })],
  routes: [familyRoutes, eventRoutes(store)],
  authorize(request, { name, read }) {
    const actor = request.headers.get("x-user");
    if (actor === null) throw new Refusal("unauthenticated", "log in first");
    if (actor === "auditor" && !read) throw new Refusal("permission_denied", `an auditor may not call ${name}`);
    return { actor };
  },
  onError(error) {
    if (!(error instanceof ItemAlreadyThere)) return undefined;
    return new Refusal("already_exists", error.message, { reason: "item_already_there" });
  },
});
