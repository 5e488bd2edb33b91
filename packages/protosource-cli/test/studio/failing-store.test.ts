/** A store that stops answering: each screen says so and what to do, and goes on once it answers again. */
import { ProtosourceError } from "protosource-es";
import { afterEach, beforeAll, expect, it } from "vitest";
import type { StudioServer } from "../../src/studio/server.js";
import { addressAt, demoOptions, serve, useBrowser, useBuiltPage } from "./open-studio.js";

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;

/** What becomes of the store's calls. */
let state: "answers" | "fails" | "throttles" | "hangs" | "lists nothing" = "answers";
const asked: AbortSignal[] = [];

function unsteady<T extends object>(store: T): T {
  return new Proxy(store, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name);
      if (typeof found !== "function") return found;
      return (...args: unknown[]) => {
        const isList = name === "scan" && (args[0] as { aggregateId?: string }).aggregateId === undefined;
        if (state === "answers" || (state === "lists nothing" && !isList)) return found.apply(target, args);
        if (state === "lists nothing") {
          throw new ProtosourceError("denied", "dynamodb:Scan isn't allowed: add it to the policy", { reason: "test" });
        }
        if (state === "fails") throw unavailable(name, "the store doesn't answer: try again", "test");
        if (state === "throttles") {
          const reason = "ProvisionedThroughputExceededException";
          throw unavailable(name, `the store throttles (${reason}): check the table's capacity`, reason);
        }
        const signal = args.map((arg) => (arg as { signal?: AbortSignal } | undefined)?.signal).find(Boolean);
        if (signal) asked.push(signal);
        return new Promise(() => {});
      };
    },
  });
}

function unavailable(name: string | symbol, message: string, reason: string): ProtosourceError {
  const operation = String(name);
  return new ProtosourceError("unavailable", message, { operation, reasons: [reason], outcome: "not_applied" });
}

beforeAll(async () => {
  const { store, opaqueStore, followed, ...rest } = await demoOptions();
  server = await serve({
    ...rest,
    store: unsteady(store),
    opaqueStore: opaqueStore && unsteady(opaqueStore),
    followed: followed && { ...followed, store: unsteady(followed.store) },
  });
});
afterEach(() => {
  state = "answers";
});

const STREAM = "view=stream&id=example_app_order_v1%23o-1007&at=40";

it.each([
  ["Streams", "view=streams", "49 streams"],
  ["Stream", STREAM, "77 records"],
  ["State", STREAM, "5 changes since version 39"],
  ["Event", `${STREAM}&tab=event`, "Stored bytes"],
  ["Rows", "view=rows&type=example.app.order.v1.OrderSummary&index=2&is.state=STATE_DRAFT", "o-1001"],
  ["Subscriptions", "view=subscriptions", "2 subscriptions"],
  ["Health", "view=health&id=example_app_order_v1%23o-1007", "Nothing is wrong with what was read."],
])("%s is tried again by keys alone", async (_, query, words) => {
  const page = await browser.open(server.address);
  await page.getByRole("option").first().waitFor();
  state = "fails";
  await page.goto(`${new URL(server.address).origin}/?${query}`);
  const again = page.getByRole("button", { name: "Try again" }).first();
  await again.waitFor();
  await page.getByRole("alert").getByText("The store doesn't answer: try again", { exact: false }).first().waitFor();
  state = "answers";
  // What several parts of a screen asked for is tried again by each.
  for (;;) {
    await again.focus();
    await page.keyboard.press("Enter");
    if (await page.getByText(words, { exact: false }).first().isVisible()) break;
    await page.waitForTimeout(20);
    if ((await page.getByRole("button", { name: "Try again" }).count()) === 0) break;
  }
  await page.getByText(words, { exact: false }).first().waitFor();
});

it("keeps what was typed for a command that can't be decided, as where it throttles, by keys alone", async () => {
  const place = { view: "stream", id: "example_app_order_v1#o-1007", at: "3", tab: "what-if" };
  const page = await browser.open(addressAt(server, place));
  await page.getByRole("tabpanel").getByRole("combobox").first().focus();
  await page.keyboard.type("SetShipping");
  await page.keyboard.press("Tab");
  await page.keyboard.type("1 Main St");
  state = "throttles";
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("The store throttles", { exact: false }).waitFor();
  state = "answers";
  await page.keyboard.press("Enter");
  await page.getByText("1 event would follow. Nothing is stored.").waitFor();
  await page.getByRole("listbox", { name: "ShippingSet 1" }).getByText("1 Main St").waitFor();
  expect(await page.getByRole("alert").count()).toBe(0);
});

it("isn't needed for the domain", async () => {
  state = "fails";
  const page = await browser.open(server.address);
  const alert = page.getByRole("alert");
  await alert.first().waitFor();
  await page.keyboard.press("3");
  await page.getByText("State after").first().waitFor();
  expect(await alert.count()).toBe(0);
});

it("that may not be listed still gives a stream by its id", async () => {
  const page = await browser.open(server.address);
  await page.getByRole("option").first().waitFor();
  state = "lists nothing";
  await page.keyboard.press("/");
  await page.keyboard.type("o-1007");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("dynamodb:Scan", { exact: false }).waitFor();
  await page.getByRole("link", { name: "Open the stream example_app_order_v1#o-1007" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("77 records", { exact: true }).waitFor();
});

it("is left alone as soon as nobody waits for it", async () => {
  const page = await browser.open(server.address);
  await page.getByRole("option").first().waitFor();
  state = "hangs";
  await page.keyboard.press("/");
  await page.keyboard.type("example_app_order_v1#o-10");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Stop" }).waitFor();
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Stop" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Read on" }).waitFor();
  await expect.poll(() => asked.every(({ aborted }) => aborted)).toBe(true);
  state = "answers";
  await page.getByRole("button", { name: "Read on" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("49 streams", { exact: false }).waitFor();
});

it("doesn't break the page that it ends under", async () => {
  const own = await serve(await demoOptions());
  const page = await browser.open(own.address);
  await page.getByRole("option").first().waitFor();
  await own.close();
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("The studio's server has ended", { exact: false }).first().waitFor();
});
