/** The domain and the rows in a browser, by keyboard alone. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import type { StudioServer } from "../../src/studio/server.js";
import { demoOptions, serve, useBrowser, useBuiltPage, violations } from "./open-studio.js";

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;
beforeAll(async () => {
  server = await serve(await demoOptions());
});

/** Goes to a screen by the number that the help names. */
async function goTo(page: Page, title: string): Promise<void> {
  await page.getByRole("link", { name: title, exact: true }).focus();
  await page.keyboard.press("Enter");
}

it("shows the states, saves their picture, and opens a message, by keys alone", async () => {
  const page = await browser.open(server.address);
  await page.getByRole("option").first().waitFor();
  await goTo(page, "Domain");
  const picture = page.getByRole("img", { name: "The states of Order" });
  await picture.waitFor();
  expect(await picture.locator("desc").textContent()).toContain("PLACED to PAID by Pay");
  expect(await page.getByRole("row", { name: "Pay PLACED Paid PAID" }).count()).toBe(1);
  const downloading = page.waitForEvent("download");
  await page.keyboard.press("d");
  const download = await downloading;
  expect(download.suggestedFilename()).toBe("Order.svg");
  const saved = readFileSync(await download.path(), "utf8");
  expect(saved).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  expect(saved).toContain('fill="rgb(');
  expect(saved).not.toMatch(/class=|var\(/);
  const alone = await page.context().newPage();
  await alone.goto(`data:image/svg+xml,${encodeURIComponent(saved)}`);
  const looks = (of: Page, picture: string): Promise<readonly string[]> =>
    of.locator(`${picture} *`).evaluateAll((parts) =>
      parts.map((part) => {
        const { fill, stroke, fontSize } = getComputedStyle(part);
        return `${part.tagName} ${fill} ${stroke} ${fontSize}`;
      }),
    );
  expect(await looks(alone, "svg")).toEqual(await looks(page, ".states"));
  await alone.close();
  await page.locator("summary", { hasText: "OrderSummary" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/message=OrderSummary/);
  await page.getByRole("rowheader", { name: "placed_at" }).waitFor();
});

it("finds rows by an index, says at a field what is wrong with it, and shows one beside its events", async () => {
  const page = await browser.open(server.address);
  await page.getByRole("option").first().waitFor();
  await goTo(page, "Rows");
  await page.getByLabel("customer_id").waitFor();
  await page.keyboard.press("f");
  await page.keyboard.type("c-1");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type("9999999999999999999");
  await page.keyboard.press("Enter");
  const wrong = page.getByRole("textbox", { name: "create_at" });
  await page.getByText("Give a number from -9223372036854775808 to 9223372036854775807.").waitFor();
  expect(await wrong.getAttribute("aria-invalid")).toBe("true");
  expect(await wrong.evaluate((element) => element === document.activeElement)).toBe(true);
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await page.keyboard.press("Enter");
  await page.waitForURL(/is\.customer_id=c-1/);
  await page.getByText(/^\d+ rows/).waitFor();
  await page.getByRole("listbox", { name: "Rows" }).focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByText("Up to date.").waitFor();
  expect(page.url()).toMatch(/pk=example_app_order_v1%23order%23id%23o-1010&sk=AGG/);
  await page.keyboard.press("Escape");
  await page.waitForURL((url) => !url.search.includes("pk="));
});

it.each(["light", "dark"] as const)("has nothing that axe objects to, in %s", async (colorScheme) => {
  const page = await browser.open(server.address, { colorScheme });
  const { origin } = new URL(server.address);
  await page.goto(`${origin}/?view=domain&message=Create`);
  await page.getByRole("rowheader", { name: "actor" }).waitFor();
  expect(await violations(page)).toEqual([]);
  const query = "view=rows&type=example.app.order.v1.OrderSummary&index=2&is.state=STATE_DRAFT&op.placed_at=between";
  await page.goto(`${origin}/?${query}&is.placed_at=0&to.placed_at=5`);
  await page.getByRole("listbox", { name: "Rows" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("Up to date.").waitFor();
  expect(await violations(page)).toEqual([]);
});
