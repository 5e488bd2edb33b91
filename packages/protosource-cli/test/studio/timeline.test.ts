/** What of a stream is shown, and its state at any version or time: by keyboard alone. */
import { create, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Page } from "playwright-core";
import { MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer } from "protosource-es/serializer";
import { beforeAll, expect, it } from "vitest";
import { CreatedSchema, ShippingSetSchema } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import type { StudioServer } from "../../src/studio/server.js";
import { addressAt, demoOptions, serve, useBrowser, useBuiltPage, violations } from "./open-studio.js";

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;
beforeAll(async () => {
  server = await serve(await demoOptions());
});

const ID = "example_app_order_v1#o-1007";

async function openStream(options: { readonly colorScheme?: "light" | "dark" } = {}, query = ""): Promise<Page> {
  const page = await browser.open(addressAt(server, `view=stream&id=${encodeURIComponent(ID)}${query}`), options);
  await page.getByRole("listbox", { name: "State" }).waitFor();
  return page;
}

it.each(["light", "dark"] as const)("shows events of a type, an actor and a time only, in %s", async (colorScheme) => {
  const page = await openStream({ colorScheme });
  await page.getByText("77 records", { exact: true }).waitFor();
  await page.keyboard.press("f");
  await page.keyboard.type("ItemR");
  await page.waitForURL(/type=ItemRemoved/);
  await page.getByText("9 of 77 records", { exact: true }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type("2026-03-02 15:00");
  await page.keyboard.press("Tab");
  await page.waitForURL(/from=/);
  const some = await page.getByRole("listbox", { name: "Events" }).getByRole("option").count();
  expect(some).toBeGreaterThan(0);
  expect(some).toBeLessThan(9);
  // From one that is shown to the next.
  await page.locator("main").focus();
  await page.keyboard.press("k");
  const shown = page.getByRole("listbox", { name: "Events" }).getByRole("option", { selected: true });
  await shown.getByText("ItemRemoved").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("textbox", { name: "From which time" }).focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("2027-01-01");
  await page.keyboard.press("Enter");
  await page.getByText("None of the events that were read is like that.", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Show all" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("77 records", { exact: true }).waitFor();
  expect(page.url()).not.toContain("type=");
  // A day alone is all of it.
  await page.getByRole("textbox", { name: "Up to which time" }).focus();
  await page.keyboard.type("2026-03-02");
  await page.keyboard.press("Enter");
  await page.getByText("77 of 77 records", { exact: true }).waitFor();
});

it("goes to a time and to a version, and says what is neither", async () => {
  const page = await openStream();
  await page.keyboard.press("g");
  await page.keyboard.type("2026-03-02 15:00");
  await page.keyboard.press("Enter");
  await page.waitForURL(/at=\d+/);
  const version = /at=(\d+)/.exec(page.url())?.[1] as string;
  await page.getByText(`changes since version ${Number(version) - 1}`, { exact: false }).waitFor();
  const time = await page
    .getByRole("listbox", { name: "Events" })
    .getByRole("option", { selected: true })
    .locator(".time")
    .innerText();
  expect(time < "2026-03-02 15:00:00").toBe(true);
  await page.keyboard.type("noon");
  await page.keyboard.press("Enter");
  expect(await page.locator("#moment").evaluate((box: HTMLInputElement) => box.validity.customError)).toBe(true);
  await page.keyboard.press("Control+a");
  await page.keyboard.type("3");
  await page.keyboard.press("Enter");
  await page.waitForURL(/at=3$/);
  // Beside another one than the version before.
  await page.getByRole("textbox", { name: "Compare with a version or a time" }).focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("1");
  await page.keyboard.press("Enter");
  await page.getByText("since version 1", { exact: false }).waitFor();
});

it("shows times within a state and its changes by the chosen clock, and what they are in microseconds", async () => {
  const page = await openStream({}, "&at=40");
  await page.getByText("5 changes since version 39").waitFor();
  const change = page.locator(".changes li").filter({ hasText: "modifyAt" });
  const line = page.getByRole("listbox", { name: "State" }).getByRole("option", { name: /^modifyAt/ });
  for (const [key, before, after] of [
    ["", "2026-03-02 16:08:01", "2026-03-02 16:14:07"],
    ["t", "2026-03-02 16:08:01.175Z", "2026-03-02 16:14:07.178Z"],
    ["t", "1772467681175557 µs", "1772468047178059 µs"],
  ] as const) {
    if (key !== "") await page.keyboard.press(key);
    await change.locator("ins").getByText(after, { exact: true }).waitFor();
    await line.getByText(after, { exact: true }).waitFor();
    expect(await change.locator("del").textContent()).toBe(before);
  }
  expect(await change.locator("del").getAttribute("title")).toBe("1772467681175557");
  await line.getByTitle("1772468047178059").waitFor();
});

it.each(["selected", "typed"])("keeps what is %s while an answer comes", async (what) => {
  const page = await openStream({}, "&at=40");
  const box = page.getByRole("textbox", { name: "Compare with a version or a time" });
  let answer = (): void => {};
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route(/api\/state\?.*at=41/, async (route) => {
    await asked;
    await route.continue();
  });
  await page.keyboard.press("ArrowRight");
  await page.waitForURL(/at=41/);
  await box.focus();
  await page.keyboard.press("Control+a");
  if (what === "typed") await page.keyboard.type("1");
  answer();
  await page.getByText("since version 40", { exact: false }).waitFor();
  if (what === "selected") await page.keyboard.type("1");
  expect(await box.inputValue()).toBe("1");
  await page.keyboard.press("Enter");
  await page.getByText("since version 1", { exact: false }).waitFor();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Enter");
  await page.getByText("since version 40", { exact: false }).waitFor();
  expect(await box.inputValue()).toBe("40");
});

it("shows the state with and without what rules derive", async () => {
  const page = await openStream({}, "&at=40");
  const derived = page.getByRole("listbox", { name: "State" }).getByText("itemCount");
  await derived.waitFor();
  await page.keyboard.press("r");
  await page.waitForURL(/rules=without/);
  await derived.waitFor({ state: "detached" });
  await page.keyboard.press("r");
  await derived.waitFor();
});

it("joins what was saved at once, and marks what isn't an event as others are", async () => {
  const store = new MemoryStore();
  const stored = <M extends Message>(version: bigint, schema: GenMessage<M>, fields: object, ttl = 0n) =>
    create(StoredRecordSchema, {
      version,
      ttl,
      data: binarySerializer.serialize(
        schema,
        Object.assign(create(schema), { id: "many", version, at: 1n, actor: "<b>ann</b>", ...fields }),
      ),
    });
  const id = "example_app_order_v1#<i>many";
  const shipped = (version: bigint, ttl?: bigint) =>
    stored(version, ShippingSetSchema, { shippingAddress: "\u202eevil <script>" }, ttl);
  await store.save(id, [stored(1n, CreatedSchema, { customerName: "\u0000\ud83d" })]);
  await store.save(id, [shipped(2n), shipped(3n), shipped(4n)]);
  await store.save(id, [shipped(5n, 1n)]);
  await store.restore(id, [create(StoredRecordSchema, { version: 6n, data: new Uint8Array([0x1f, 0x8b, 0]) })]);
  const { schemas } = await demoOptions();
  const marked = await serve({ store, schemas });
  const page = await browser.open(marked.address);
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  const events = page.getByRole("listbox", { name: "Events" });
  await events.getByText("damaged", { exact: true }).waitFor();
  await events.getByText("expired", { exact: true }).waitFor();
  const rows = await events.getByRole("option").allInnerTexts();
  expect(rows.map((text) => text.includes("saved with the one before"))).toEqual([
    false,
    false,
    true,
    true,
    false,
    false,
  ]);
  expect(await page.locator("i, script:not([src])").count()).toBe(0);
  // Each can be looked at whole.
  for (const version of ["6", "5", "1"]) {
    await page.keyboard.press("g");
    await page.keyboard.type(version);
    await page.keyboard.press("Enter");
    await page.locator("main").focus();
    await page.keyboard.press("e");
    await page.getByRole("tabpanel").getByText("Stored bytes").waitFor();
    await page.keyboard.press("s");
    await page.getByRole("tabpanel").getByRole("button", { name: "Copy JSON" }).waitFor();
  }
});
