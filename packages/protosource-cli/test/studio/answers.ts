/** What the API answers of the demo's data, to compare one store with another. */
import { studioApi } from "../../src/studio/index.js";
import type { StudioOptions } from "../../src/studio/studio.js";

/** A question: a route, and its parameters. */
export type Question = readonly [route: string, query: Readonly<Record<string, string>>];

const ORDER = "example.app.order.v1.Order";

/** Questions about streams and rows, which every store answers, and a reader of them may ask. */
export const READERS: readonly Question[] = [
  ["about", {}],
  ["domain", { type: ORDER }],
  ["indexes", { type: ORDER }],
  ["rows", { type: ORDER, index: "1", where: "customer_id=c-1" }],
  ["rows", { type: ORDER, index: "1", where: "customer_id=c-1", limit: "2", reverse: "true" }],
  ...["o-1001", "o-1007", "o-1048"].flatMap((name) => {
    const id = `example_app_order_v1#${name}`;
    return [
      ["events", { id }],
      ["event", { id, version: "2" }],
      ["state", { id }],
      ["state", { id, at: "2", against: "0" }],
      ["test", { id, at: "2" }],
      ["what-if", { id, at: "2", command: "SetShipping", fields: '{"shippingAddress":"1 Main St"}' }],
      ["verify", { id }],
    ] as const;
  }),
];

/** Questions that need a look at all that there is. */
export const SCANNERS: readonly Question[] = [
  ["streams", { limit: "5000" }],
  ["verify", { limit: "5000" }],
];

/** Asks each question, and gives its answers with their statuses. */
export async function answers(
  options: StudioOptions,
  asked: readonly Question[] = [...READERS, ...SCANNERS],
): Promise<readonly (readonly [route: string, status: number, answer: unknown])[]> {
  const api = studioApi({ ...options, name: { kind: "memory", name: "orders" } });
  return Promise.all(
    asked.map(async ([route, query]) => {
      const response = await api(new Request(`http://studio/api/${route}?${new URLSearchParams(query)}`));
      return [route, response.status, await response.json()] as const;
    }),
  );
}
