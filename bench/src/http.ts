/** What a request costs the processor over applying its command, in memory, by each protocol. */
import { create, toBinary } from "@bufbuild/protobuf";
import { Repository } from "protosource-es";
import { familyRoutes, fetchHandler, serve } from "protosource-es/http";
import { MemoryStore } from "protosource-es/memory";
import { CreateSchema } from "../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import { orderCommands } from "../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { OrderService } from "../../examples/orders/gen/example/app/order/v1/order_v1_service_pb.js";
import { order } from "../../examples/orders/src/order.js";
import { inTurns, us } from "./in-turns.js";
import { markdownTable } from "./markdown.js";
import { median } from "./statistics.js";

/** How many commands a slice carries out: enough for the clock of the processor. */
const COMMANDS = 200;

const ORIGIN = "https://shop.example";
const CONNECT = `${ORIGIN}/${OrderService.typeName}/Create`;
const FAMILY = `${ORIGIN}/example/app/order/v1/create`;

/** Measures commands that create orders, each of its own: a table. What is more is that of two slices of one turn. */
export async function measureHttp(): Promise<string> {
  const store = new MemoryStore();
  const repository = new Repository(order, store);
  const handle = fetchHandler({
    services: [serve(OrderService, { repository, queries: store.opaqueStore })],
    routes: [familyRoutes],
    authorize: () => ({ actor: "ann" }),
  });
  let count = 0;
  const next = () => ({ id: `o-${count++}`, customerId: "c-1", customerName: "Ann Lee" });
  const binary = (): Uint8Array<ArrayBuffer> =>
    toBinary(CreateSchema, create(CreateSchema, next())) as Uint8Array<ArrayBuffer>;
  const each = (run: () => Promise<unknown>) => async (): Promise<void> => {
    for (let i = 0; i < COMMANDS; i++) await run();
  };
  const send = async (url: string, type: string, body: string | Uint8Array<ArrayBuffer>): Promise<void> => {
    const request = new Request(url, { method: "POST", headers: { "content-type": type, accept: type }, body });
    const answer = await handle(request);
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`a request by ${type} was answered ${answer.status}`);
  };
  const costs = await inTurns(COMMANDS, {
    apply: each(() => repository.apply(orderCommands.Create({ ...next(), actor: "ann" }))),
    "Connect, JSON": each(() => send(CONNECT, "application/json", JSON.stringify(next()))),
    "Connect, binary": each(() => send(CONNECT, "application/proto", binary())),
    "gRPC-Web, binary": each(() => send(CONNECT, "application/grpc-web+proto", inFrame(binary()))),
    "the family, JSON": each(() => send(FAMILY, "application/json", JSON.stringify(next()))),
    "the family, binary": each(() => send(FAMILY, "application/protobuf", binary())),
    "no handler, JSON": each(() => echo(JSON.stringify(next()))),
  });
  const rows = Object.entries(costs).map(([name, all]) => {
    const more = median(all.map((cost, i) => cost - (costs.apply[i] as number)));
    return [name, us(median(all)), name === "apply" || name === "no handler, JSON" ? "–" : us(more)];
  });
  return markdownTable(["a command", "CPU, median", "more than apply, median"], rows);
}

/** What the classes of the web platform take by themselves, of which each request needs one of both. */
async function echo(body: string): Promise<void> {
  const request = new Request(CONNECT, { method: "POST", headers: { "content-type": "application/json" }, body });
  const answer = new Response(await request.arrayBuffer(), { headers: { "content-type": "application/json" } });
  await answer.arrayBuffer();
}

/** Makes the body of gRPC-Web: a byte of flags and the length come first. */
function inFrame(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(5 + message.length);
  new DataView(body.buffer).setUint32(1, message.length);
  body.set(message, 5);
  return body;
}
