/** Texts that turn the direction of writing, in all that a user can store: nothing that stands beside them is turned. */
import { create } from "@bufbuild/protobuf";
import { order } from "@protosource-es/studio/demo";
import type { Page } from "playwright-core";
import { Repository } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { defineHandler, on, Subscriptions } from "protosource-es/subscriptions";
import { beforeAll, expect, it } from "vitest";
import { orderCommands } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { schemasOf } from "../../src/schemas.js";
import type { StudioServer } from "../../src/studio/server.js";
import { ORDERS } from "../orders.js";
import { addressAt, serve, useBrowser, useBuiltPage } from "./open-studio.js";

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;

/** Has all behind it written from right to left, up to the end of what holds it. */
const TURN = "\u202e";
const NAME = `o-${TURN}1`;
const DAMAGED = `${ORDERS}d-${TURN}1`;

beforeAll(async () => {
  const opaqueStore = new MemoryOpaqueStore();
  const store = new MemoryStore({ opaqueStore });
  const orders = new Repository(order, store);
  const as = { id: NAME, actor: `${TURN}ann` };
  await orders.apply(orderCommands.Create({ customerId: `c-${TURN}1`, customerName: `${TURN}Ada` }), as);
  await orders.apply(orderCommands.AddTag({ tag: { key: `${TURN}gift`, value: `${TURN}wrapped` } }), as);
  await store.save(DAMAGED, [create(StoredRecordSchema, { version: 1n, data: Uint8Array.of(255, 255) })]);
  const mails = defineHandler({
    name: "mails",
    tries: 1,
    from: [
      on(order, {
        Created({ id }) {
          throw new Error(`no mailbox for ${id}`);
        },
      }),
    ],
  });
  await new Subscriptions({ store, opaqueStore, all: [mails] }).catchUp();
  server = await serve({
    ...{ store, opaqueStore, schemas: schemasOf([order]), followed: { all: [mails], store } },
    name: { kind: "memory", name: `${TURN}orders` },
    words: ["--store", `sqlite:${TURN}orders.db`],
  });
});

/** Names what such a text turns: what is written in the same line of it, with nothing between them that ends its effect. */
function turnedIn(page: Page): Promise<readonly string[]> {
  return page.evaluate((turn) => {
    const found: string[] = [];
    const isValue = new RegExp(`^[\\w#.-]*(${turn}\\w+)*$`);
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      if (!text.textContent?.includes(turn)) continue;
      let around = text.parentElement as HTMLElement;
      const styleOf = (one: Element): CSSStyleDeclaration => getComputedStyle(one);
      while (styleOf(around).display === "inline" && !styleOf(around).unicodeBidi.startsWith("isolate"))
        around = around.parentElement as HTMLElement;
      const isMore = !isValue.test(text.textContent);
      const beside = [...around.childNodes].filter(
        (one) =>
          !one.contains(text) &&
          one.textContent?.trim() &&
          (one instanceof Text || (one instanceof Element && styleOf(one).display.startsWith("inline"))) &&
          !/flex|grid/.test(styleOf(around).display),
      );
      if (isMore || beside.length > 0) found.push(around.outerHTML.slice(0, 300));
    }
    return found;
  }, TURN);
}

const ROW = `example_app_order_v1#order#id#${NAME}`;
const ROWS = {
  view: "rows",
  type: "example.app.order.v1.OrderSummary",
  index: "1",
  "is.customer_id": `c-${TURN}1`,
};
const STREAM = { view: "stream", id: ORDERS + NAME };

interface Screen {
  readonly place: { readonly [name: string]: string };
  readonly shows: string;
  /** What has it show that. */
  readonly button?: string;
}

const SCREENS: { readonly [name: string]: Screen } = {
  "the list of streams": { place: { view: "streams" }, shows: "2 streams" },
  "a search that finds none": { place: { view: "streams", find: `${TURN}none` }, shows: "No stream begins with" },
  "a state": { place: STREAM, shows: "changes since version" },
  "an event": { place: { ...STREAM, tab: "event" }, shows: "Stored bytes" },
  "what if": { place: { ...STREAM, tab: "what-if" }, shows: "already_created", button: "Decide on version 2" },
  "a stream that isn't there": { place: { view: "stream", id: `${TURN}none` }, shows: "There is no stream" },
  "a damaged stream": { place: { view: "stream", id: DAMAGED }, shows: "damaged" },
  rows: { place: ROWS, shows: "1 row" },
  "a row": { place: { ...ROWS, pk: ROW, sk: "PROJ#OrderSummary" }, shows: "Up to date" },
  subscriptions: { place: { view: "subscriptions", id: ORDERS + NAME }, shows: "tried once" },
  health: { place: { view: "health", id: DAMAGED }, shows: "undecodable" },
  "the health of none": { place: { view: "health", id: `${TURN}none` }, shows: "There is no stream" },
  sizes: { place: { view: "health", tab: "streams" }, shows: "Behind snapshot", button: "Verify all streams" },
};

it.each(Object.entries(SCREENS))("stand for themselves in %s", async (_, { place, shows, button }) => {
  const page = await browser.open(addressAt(server, place));
  if (button !== undefined) await page.getByRole("button", { name: button }).click();
  await page.getByText(shows, { exact: false }).first().waitFor();
  expect(await turnedIn(page)).toEqual([]);
});
