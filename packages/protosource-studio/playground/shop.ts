/** The shop of the playground: the demo over a store in the page itself, where commands are applied for real. */
import { fromJsonString } from "@bufbuild/protobuf";
import { schemasOf, studioApi } from "protosource-cli/studio";
import { commandSchema, Repository } from "protosource-es";
import { Subscriptions } from "protosource-es/subscriptions";
import type { OrderTypes } from "../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { type Demo, demoStore, order } from "../demo/demo.js";
import { type Answerer, answering } from "../src/ask.js";

const schemas = schemasOf([order]);
const demo = demoStore();

/** Shows the shop as it is now. What was known of it before is forgotten, so that all screens read it anew. */
export function showShop(): void {
  const api = demo.then(apiOf);
  answering.value = Object.assign((request: Request) => api.then((answer) => answer(request)), { applyCommand });
}

function apiOf(demo: Demo): Answerer {
  return studioApi({ ...demo, schemas, name: { kind: "memory", name: "a made-up shop, in this page" } });
}

/** Saves what a command comes to, and brings it to the subscriptions. */
async function applyCommand(streamId: string, name: string, fields: string): Promise<void> {
  const { store, opaqueStore, followed } = await demo;
  const schema = commandSchema(order, name);
  if (schema === undefined) throw new Error(`An order has no command ${name}.`);
  const command = fromJsonString(schema, fields);
  const id = streamId.slice(streamId.indexOf("#") + 1);
  const orders: Repository<OrderTypes> = new Repository(order, store);
  const { events } = await orders.apply(command, { id, actor: "you" });
  if (events.length === 0) throw new Error("The command has nothing to do here: no event follows.");
  await new Subscriptions({ store, opaqueStore, all: followed.all }).catchUp();
  showShop();
}
