/** What the API answers of the demo's data, to compare one store with another. */
import { studioApi } from "../../src/studio/index.js";
import type { StudioOptions } from "../../src/studio/studio.js";

/** A question: a route, and its parameters; of those with several values there are as many. */
export type Question = readonly [route: string, query: Readonly<Record<string, string | readonly string[]>>];

const ORDER = "example.app.order.v1.Order";
const SUMMARY = "example.app.order.v1.OrderSummary";

/** Conditions on the sort key of an index: none, each operator, and a range. The values are those of some of its rows. */
const ON_SORT: readonly (readonly string[])[] = [
  [],
  ...["=", "<", "<=", ">", ">="].map((operator) => [`create_at${operator}1772485066294402`]),
  ["create_at>=1772485066294402", "create_at<=1772496534372798"],
];

/** Questions about streams and rows, which every store answers, and a reader of them may ask. */
export const READERS: readonly Question[] = [
  ["about", {}],
  ["domain", { type: ORDER }],
  ["indexes", { type: ORDER }],
  ["rows", { type: ORDER, index: "1", where: "customer_id=c-1" }],
  ["rows", { type: ORDER, index: "1", where: "customer_id=c-1", limit: "2", reverse: "true" }],
  ...[ORDER, SUMMARY].flatMap((type) => [
    ["rows", { type, index: "0", where: "id=o-1007" }] as const,
    ...ON_SORT.map((sort) => ["rows", { type, index: "1", where: ["customer_id=c-1", ...sort] }] as const),
  ]),
  ["rows", { type: SUMMARY, index: "2", where: ["state=STATE_PLACED", "placed_at>0"], reverse: "true" }],
  ...["AGG", "PROJ#OrderSummary"].map((sk, i) => {
    const type = [ORDER, SUMMARY][i] as string;
    return ["row", { type, pk: "example_app_order_v1#order#id#o-1007", sk }] as const;
  }),
  ...["o-1001", "o-1007", "o-1048"].flatMap((name) => {
    const id = `example_app_order_v1#${name}`;
    return [
      ["events", { id }],
      ["commands", { id }],
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

/** An answer to a question, with its status. */
export type Answer = readonly [route: string, status: number, answer: unknown];

/** Gives what asks questions of one and the same API. */
export function answering(options: StudioOptions): (question: Question) => Promise<Answer> {
  const api = studioApi({ ...options, name: { kind: "memory", name: "orders" } });
  return async ([route, query]) => {
    const parameters = new URLSearchParams();
    for (const [name, all] of Object.entries(query)) for (const one of [all].flat()) parameters.append(name, one);
    const response = await api(new Request(`http://studio/api/${route}?${parameters}`));
    return [route, response.status, await response.json()];
  };
}

/** Asks each question, and gives the answers. */
export async function answers(
  options: StudioOptions,
  asked: readonly Question[] = [...READERS, ...SCANNERS],
): Promise<readonly Answer[]> {
  return Promise.all(asked.map(answering(options)));
}
