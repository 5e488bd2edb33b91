/** The playground of the documentation in a browser, under a path of a server that knows files alone. */
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPlayground } from "@protosource-es/studio/playground";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTally, endLine, headLine } from "../../src/transfer/entries.js";
import { useBrowser, violations } from "./open-studio.js";

const PATH = "/docs/playground/";
const TYPES: { readonly [extension: string]: string } = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
};

const built = fileURLToPath(new URL(`../../node_modules/.cache/playground-${process.pid}/`, import.meta.url));
const browser = useBrowser();
const asked: string[] = [];
let address: string;

beforeAll(async () => {
  await buildPlayground(built);
  const server = createServer(({ url = "" }, response) => {
    asked.push(url);
    const { pathname } = new URL(url, "http://playground");
    const file = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    try {
      if (!file.startsWith(PATH)) throw new Error("it isn't a file of the playground");
      const body = readFileSync(new URL(file.slice(PATH.length), `file://${built}`));
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(built, { recursive: true, force: true });
  });
});

/** Opens the playground, which is read when it shows its streams. */
async function openPlayground(colorScheme: "light" | "dark" = "light"): Promise<Page> {
  const page = await browser.open(address, { colorScheme });

  await page.getByText("49 streams", { exact: true }).waitFor();
  return page;
}

/** Chooses a command, and goes to its first field. */
async function chooseCommand(page: Page, command: string): Promise<void> {
  await page.getByRole("combobox", { name: /^Command/ }).focus();
  await page.keyboard.type(command);
  await page.keyboard.press("Tab");
}

/** Presses what has a name, by keys. */
async function press(page: Page, role: "button" | "link", name: string): Promise<void> {
  await page.getByRole(role, { name, exact: true }).focus();
  await page.keyboard.press("Enter");
}

it("begins a stream by keys alone, shows event, state, row and subscriptions of it, and starts anew", async () => {
  const page = await openPlayground();
  await page.keyboard.press("/");
  await page.keyboard.type("o-mine");
  await page.keyboard.press("Enter");
  await press(page, "link", "Begin this one");
  await page.getByText("There is no stream example_app_order_v1#o-mine.").waitFor();
  await chooseCommand(page, "Create");
  await page.keyboard.type("c-9");
  await press(page, "button", "Apply");
  await page.getByText("1 record", { exact: true }).waitFor();
  await page.keyboard.press("w");
  await chooseCommand(page, "SetShipping");
  await page.keyboard.type("9 Main Street");
  await press(page, "button", "Apply");
  await page.getByText("2 records", { exact: true }).waitFor();
  const event = page.getByRole("listbox", { name: "Events" }).getByRole("option", { selected: true });
  expect(await event.textContent()).toMatch(/^2ShippingSet.*you.*9 Main Street/);
  await page.getByRole("option", { name: /shippingAddress.*9 Main Street.*ShippingSet 2/ }).waitFor();
  expect(await page.getByRole("button", { name: "Copy command line" }).count()).toBe(0);
  await page.keyboard.press("Escape");
  await page.getByText("1 stream", { exact: true }).waitFor();
  await press(page, "link", "Subscriptions");
  await page.getByRole("option", { name: /customer-orders@1/ }).waitFor();
  expect(await page.getByRole("option", { name: /customer-orders@1/ }).textContent()).toMatch(/promoted0.*0$/);
  await press(page, "link", "Rows");
  await page.getByLabel("customer_id").waitFor();
  await page.keyboard.press("f");
  await page.keyboard.type("c-9");
  await page.keyboard.press("Enter");
  await page.getByText("1 row", { exact: true }).waitFor();
  await page.getByRole("listbox", { name: "Rows" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Up to date.").waitFor();
  await page.getByRole("option", { name: /shippingAddress.*9 Main Street/ }).waitFor();
  await press(page, "link", "Start anew");
  await page.getByText("49 streams", { exact: true }).waitFor();
});

it("shows why a command is refused, decided or applied, and saves nothing of it", async () => {
  const page = await openPlayground();
  await press(page, "link", "A command that is refused");
  await page.getByText("77 records", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Apply" }).waitFor();
  await press(page, "button", "Decide on version 77");
  await page.getByRole("alert").getByText("already_created").waitFor();
  await chooseCommand(page, "RemoveItem");
  await press(page, "button", "Apply");
  await page.getByRole("alert").getByText("state_not_allowed").waitFor();
  await page.getByText("77 records", { exact: true }).waitFor();
  await page.goto(`${address}?view=stream&id=example_app_order_v1%23o-1005&tab=what-if`);
  await chooseCommand(page, "RemoveItem");
  await page.keyboard.type("none-such");
  await press(page, "button", "Apply");
  await page.getByRole("alert").getByText("no event follows").waitFor();
});

it("asks for its own files alone, and may ask for nothing else", async () => {
  asked.length = 0;
  const page = await openPlayground();
  await page.keyboard.press("Enter");
  await page.getByText("3 records", { exact: true }).waitFor();
  expect(asked.filter((url) => !url.startsWith(PATH))).toEqual([]);
  // What the browser reports of it is wanted here.
  page.removeAllListeners("console");
  const refused = await page.evaluate(async () => {
    const found: string[] = [];
    const both = new Promise<void>((resolve) => {
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
        if (found.push(effectiveDirective) === 2) resolve();
      });
    });
    await fetch("app.js").catch(() => {});
    try {
      document.body.insertAdjacentHTML("beforeend", "<p>markup</p>");
    } catch {}
    await both;
    return found;
  });
  expect(refused).toEqual(["connect-src", "require-trusted-types-for"]);
});

it("opens an export, to which nothing is applied, and leads back to the shop as it was left", async () => {
  const page = await openPlayground();
  // Without it the browser may open the dialog of the system before anyone waits for it here.
  page.on("filechooser", () => {});
  await press(page, "link", "An order of your own");
  await press(page, "button", "Apply");
  await page.getByText("1 record", { exact: true }).waitFor();
  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("o");
  const lines = [headLine(), endLine(createTally().totals()), ""].join("\n");
  await (await chooser).setFiles({ name: "none.jsonl", mimeType: "application/json", buffer: Buffer.from(lines) });
  await page.getByText("There are no streams yet.", { exact: false }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("o-2");
  await page.keyboard.press("Enter");
  await page.getByText("No stream begins with o-2.", { exact: false }).waitFor();
  expect(await page.getByRole("link", { name: "Begin this one" }).count()).toBe(0);
  await press(page, "button", "Back to the store");
  await page.getByText("50 streams", { exact: true }).waitFor();
});

it.each(["light", "dark"] as const)("has nothing that axe objects to, in %s", async (colorScheme) => {
  const page = await openPlayground(colorScheme);
  expect(await violations(page)).toEqual([]);
  await press(page, "link", "An order of your own");
  await page.getByRole("button", { name: "Apply" }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("/");
  await page.keyboard.type("o-none");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Begin this one" }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.goBack();
  await chooseCommand(page, "Place");
  await press(page, "button", "Apply");
  await page.getByRole("alert").waitFor();
  expect(await violations(page)).toEqual([]);
});
