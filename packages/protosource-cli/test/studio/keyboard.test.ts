/** Each screen by keys alone: all of it is reached, the focus is seen and isn't lost, and keys mean letters where one types. */
import { create } from "@bufbuild/protobuf";
import type { Page } from "playwright-core";
import type { MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { beforeAll, expect, it } from "vitest";
import type { StudioServer } from "../../src/studio/server.js";
import { addressAt, demoOptions, serve, useBrowser, useBuiltPage } from "./open-studio.js";

const LONG_ORDER = "example_app_order_v1#o-1007";

interface Screen {
  /** Where it is, as the address has it. */
  readonly at: { readonly [name: string]: string };
  /** What is there once most of it is. */
  readonly shows: string;
  readonly title: string;
  /** Keys, and what of the screen they select: the text of the row that is selected then. */
  readonly moves: readonly (readonly [key: string, selects: RegExp])[];
}

const MESSAGE = "example.app.order.v1.OrderSummary";

const SCREENS: { readonly [name: string]: Screen } = {
  streams: {
    at: { view: "streams" },
    shows: "50 streams",
    title: "Streams – protosource studio",
    moves: [
      ["j", /o-1002/],
      ["k", /o-1001/],
    ],
  },
  state: {
    at: { view: "stream", id: LONG_ORDER, at: "40" },
    shows: "5 changes since version 39",
    title: `${LONG_ORDER} – protosource studio`,
    moves: [
      ["j", /^41/],
      ["k", /^40/],
      ["ArrowLeft", /^39/],
      ["ArrowRight", /^40/],
    ],
  },
  event: {
    at: { view: "stream", id: LONG_ORDER, at: "72", tab: "event" },
    shows: "Stored bytes",
    title: `${LONG_ORDER} – protosource studio`,
    moves: [["ArrowLeft", /^71/]],
  },
  "what if": {
    at: { view: "stream", id: LONG_ORDER, at: "3", tab: "what-if" },
    shows: "Decide on version 3",
    title: `${LONG_ORDER} – protosource studio`,
    moves: [["ArrowRight", /^4/]],
  },
  rows: {
    at: { view: "rows", type: MESSAGE, index: "2", "is.state": "STATE_DRAFT" },
    shows: "11 rows",
    title: "Rows – protosource studio",
    moves: [
      ["j", /o-1005/],
      ["k", /o-1001/],
    ],
  },
  domain: { at: { view: "domain" }, shows: "State after", title: "Domain – protosource studio", moves: [] },
  subscriptions: {
    at: { view: "subscriptions", id: "example_app_order_v1#o-1012" },
    shows: "Positions in a stream",
    title: "example_app_order_v1#o-1012 – Subscriptions – protosource studio",
    moves: [
      ["j", /mails@1/],
      ["k", /customer-orders@1/],
    ],
  },
  health: {
    at: { view: "health", id: "example_app_order_v1#o-1050" },
    shows: "undecodable",
    title: "example_app_order_v1#o-1050 – Health – protosource studio",
    moves: [
      ["j", /version 2/],
      ["k", /version 1/],
    ],
  },
};

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;
beforeAll(async () => {
  const options = await demoOptions();
  const damaged = [1n, 2n].map((version) => create(StoredRecordSchema, { version, data: Uint8Array.of(255, 255) }));
  await (options.store as MemoryStore).save("example_app_order_v1#o-1050", damaged);
  server = await serve(options);
});

async function openScreen({ at, shows }: Screen): Promise<Page> {
  const page = await browser.open(addressAt(server, at));
  await page.getByText(shows, { exact: false }).first().waitFor();
  // Its other parts, too: keys pass by a list that isn't there yet.
  await page.waitForFunction(() => !/Loading…|[Rr]eading…/.test(document.body.innerText));
  return page;
}

it.each(Object.entries(SCREENS))("reaches all of %s by Tab, and shows where one is", async (_, screen) => {
  const page = await openScreen(screen);
  expect(await page.title()).toBe(screen.title);
  const controls = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  const missed = (): Promise<readonly string[]> =>
    page.evaluate(
      (controls) =>
        [...document.querySelectorAll<HTMLElement>(controls)]
          .filter((one) => one.checkVisibility() && one.tabIndex >= 0 && !one.matches(":disabled, [data-reached]"))
          .map((one) => one.outerHTML.slice(0, 120)),
      controls,
    );
  const unseen: string[] = [];
  const steps = (await missed()).length;
  expect(steps).toBeGreaterThan(10);
  for (let step = 0; step <= steps; step++) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate(() => {
      const { activeElement } = document;
      if (activeElement === null || activeElement === document.body) return undefined;
      activeElement.setAttribute("data-reached", "");
      const { outlineStyle, outlineWidth } = getComputedStyle(activeElement);
      return outlineStyle === "none" || outlineWidth === "0px" ? activeElement.outerHTML.slice(0, 120) : undefined;
    });
    if (found !== undefined) unseen.push(found);
  }
  expect(unseen).toEqual([]);
  expect(await missed()).toEqual([]);
});

it.each(Object.entries(SCREENS))("takes its keys in %s, and gives the focus back after the help", async (_, screen) => {
  const page = await openScreen(screen);
  for (const [key, selects] of screen.moves) {
    await page.keyboard.press(key);
    await page.getByRole("option", { selected: true }).filter({ hasText: selects }).first().waitFor();
  }
  const help = page.getByRole("button", { name: "Help" });
  await help.focus();
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("show and hide this help").waitFor();
  for (const key of ["1", "j", "/"]) await page.keyboard.press(key);
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  expect(await help.evaluate((button) => button === document.activeElement)).toBe(true);
  expect(new URL(page.url()).searchParams.get("view")).toBe(screen.at["view"]);
  await page.keyboard.press("/");
  await page.getByRole("searchbox").waitFor();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("search");
  for (const [number, view] of Object.entries({ 4: "subscriptions", 1: "streams" })) {
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press(number);
    await page.waitForURL((url) => url.searchParams.get("view") === view);
  }
});

it.each(Object.entries(SCREENS))("means letters by keys in each box of %s", async (_, screen) => {
  const page = await openScreen(screen);
  const before = page.url();
  const boxes = page.locator("input:not([type=range], [type=checkbox], [type=file]), textarea");
  for (const box of await boxes.all()) {
    await box.fill("");
    await box.pressSequentially("?/1jkstevcnop");
    expect(await box.inputValue()).toBe("?/1jkstevcnop");
  }
  expect(await boxes.count()).toBeGreaterThan(0);
  expect(page.url()).toBe(before);
  expect(await page.getByRole("dialog").count()).toBe(0);
});

it("keeps the focus on the screen where what had it goes away", async () => {
  const page = await openScreen(SCREENS["rows"] as Screen);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Open the stream" }).focus();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Open the stream" }).waitFor({ state: "detached" });
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("MAIN");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Order");
});

it("shows what is selected where the colours are those of the system, and moves nothing by itself", async () => {
  const page = await openScreen(SCREENS["streams"] as Screen);
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  for (const part of [page.getByRole("option", { selected: true }), page.locator("[aria-current]").first()]) {
    expect(await part.evaluate((one) => getComputedStyle(one).outlineStyle)).toBe("solid");
  }
  const moving = await page.evaluate(() => document.getAnimations().length);
  expect(moving).toBe(0);
});
