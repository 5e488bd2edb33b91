/** What the studio copies as a test, pasted here as the docs show it: it runs, it holds, and it is what is copied. */
import { readFileSync } from "node:fs";
import { demoStore, order } from "@protosource-es/studio/demo";
import { given } from "protosource-es/testing";
import { expect, it } from "vitest";
import { orderEvents } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { type CopiedTest, schemasOf, studioApi } from "../../src/studio/index.js";

it("holds as it is pasted", () => {
  given(order, [
    orderEvents.Created({ customerId: "c-2", customerName: "Zoë Ångström" }),
    orderEvents.ItemAdded({
      item: { itemId: "chair-1", description: "A chair of oak", priceCents: 4900n, quantity: 2 },
    }),
  ]).then({
    state: 1,
    customerId: "c-2",
    customerName: "Zoë Ångström",
    totalCents: 9800n,
    itemCount: 1,
    items: { "chair-1": { itemId: "chair-1", description: "A chair of oak", priceCents: 4900n, quantity: 2 } },
  });
});

it("is what is copied, but for the breaks of its lines", async () => {
  const answer = studioApi({ ...(await demoStore()), schemas: schemasOf([order]) });
  const copied = await answer(new Request("https://studio.example/api/test?id=example_app_order_v1%23o-1001&at=2"));
  const { text } = (await copied.json()) as CopiedTest;
  expect(inOneLine(readFileSync(new URL(import.meta.url), "utf8"))).toContain(inOneLine(text));
});

function inOneLine(code: string): string {
  return code.replaceAll(/\s+/g, "").replaceAll(/,(?=[\])}])/g, "");
}
