/** The first screens in a browser, by keyboard alone. */
import { beforeAll, expect, it } from "vitest";
import type { StudioServer } from "../../src/studio/server.js";
import { demoOptions, serve, useBrowser, useBuiltPage, violations } from "./open-studio.js";

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;
beforeAll(async () => {
  server = await serve(await demoOptions());
});

it("finds a stream by its id, goes through its events, and back, by keys alone", async () => {
  const page = await browser.open(server.address);
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("o-1007");
  await page.keyboard.press("Enter");
  await page.waitForURL(/find=o-1007/);
  await page.getByText("1 stream", { exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/view=stream/);
  await page.getByText("version 77", { exact: false }).first().waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("k");
  await page.waitForURL(/at=75/);
  await page.getByText(/changes? since version 74/).waitFor();
  await page.keyboard.press("e");
  await page.getByText("example.app.order.v1.Paid").waitFor();
  await page.keyboard.press("Escape");
  await page.waitForURL(/view=streams/);
  expect(page.url()).not.toContain("token");
});

it.each(["light", "dark"] as const)("has nothing that axe objects to, in %s", async (colorScheme) => {
  const page = await browser.open(server.address, { colorScheme });
  const { origin } = new URL(server.address);
  await page.getByRole("option").first().waitFor();
  expect(await violations(page)).toEqual([]);
  await page.goto(`${origin}/?view=stream&id=example_app_order_v1%23o-1007&at=40`);
  await page.getByText("5 changes since version 39").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("e");
  await page.getByText("Stored bytes").click();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  expect(await violations(page)).toEqual([]);
});
