import type { JSX } from "preact";
import { addressOf, goes, type Place, place } from "../src/address.js";

/** What there is to try, and where. */
const TRIES: readonly (readonly [to: Place, what: string, how: string])[] = [
  [
    { view: "stream", id: "example_app_order_v1#o-1007", at: "40" },
    "An order as it was at version 40",
    "with the event that set each of its fields. Go through its versions by ← and →.",
  ],
  [
    { view: "stream", id: "example_app_order_v1#o-1007", tab: "what-if" },
    "A command that is refused",
    "since the order is there already: decide Create once more.",
  ],
  [
    { view: "stream", id: "example_app_order_v1#o-2001" },
    "An order of your own",
    "apply Create to it and then others, and look at its events, its state, its row and the subscriptions.",
  ],
];

/** Says where one is, and on the first screen what there is to try. */
export function Welcome(): JSX.Element {
  const isFirst = (place.value["view"] ?? "streams") === "streams";
  return (
    <>
      <p>
        <b>Playground</b> of protosource-es, on the orders of a made-up shop. What you apply is saved in this page, and
        nowhere else.
        <a href={addressOf({})}>Start anew</a>
        <a href="../">Documentation</a>
      </p>
      {isFirst && (
        <ol>
          {TRIES.map(([to, what, how]) => (
            <li key={what}>
              <a href={addressOf(to)} onClick={goes(to)}>
                {what}
              </a>
              : {how}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
