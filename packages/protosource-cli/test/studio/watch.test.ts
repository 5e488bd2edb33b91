/** Subscriptions and health in a browser, by keyboard alone. */
import { create } from "@bufbuild/protobuf";
import type { StoredRecord } from "protosource-es";
import type { MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer } from "protosource-es/serializer";
import { beforeAll, expect, it } from "vitest";
import { ShippingSetSchema } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import type { StudioServer } from "../../src/studio/server.js";
import { addressAt, demoOptions, serve, useBrowser, useBuiltPage, violations } from "./open-studio.js";

const WORDS = ["--store", "sqlite:orders.db"];

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;
/** Beside the demo's, it has the largest stream, and the one with the most records without a snapshot. */
let sized: StudioServer;
beforeAll(async () => {
  server = await serve({ ...(await demoOptions()), words: WORDS });
  const options = await demoOptions();
  const store = options.store as MemoryStore;
  for (const [id, count, length] of [
    ["o-large", 1, 50_000],
    ["o-bare", 40, 1],
  ] as const) {
    const records = Array.from({ length: count }, (_, i) => shippingSet(id, BigInt(i + 1), "x".repeat(length)));
    await store.save(`example_app_order_v1#${id}`, records);
  }
  sized = await serve(options);
});

function shippingSet(id: string, version: bigint, shippingAddress: string): StoredRecord {
  const event = create(ShippingSetSchema, { id, version, at: version, actor: "ann", shippingAddress });
  return create(StoredRecordSchema, { version, data: binarySerializer.serialize(ShippingSetSchema, event) });
}

it("finds why a stream stands still, and copies the line that releases it, by keys alone", async () => {
  const page = await browser.open(server.address, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByRole("link", { name: "Subscriptions" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("option", { name: /customer-orders@1/ }).waitFor();
  await page.keyboard.press("j");
  await page.waitForURL(/of=mails/);
  await page
    .getByRole("option", { name: /mailbox/ })
    .first()
    .waitFor();
  await page.getByRole("listbox", { name: "Parked streams" }).focus();
  await page.keyboard.press("Home");
  await page.getByText("A release would go on with").waitFor();
  await page.keyboard.press("c");
  await page.getByRole("button", { name: "Copied" }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(
    /^protosource subscriptions release mails@1 'example_app_order_v1#o-10\d2'/,
  );
});

it("copies the line that shows a state", async () => {
  const at = addressAt(server, "view=stream&id=example_app_order_v1%23o-1007&at=40");
  const page = await browser.open(at, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByText("5 changes since version 39").waitFor();
  await page.getByRole("button", { name: "Copy command line" }).press("Enter");
  await page.getByRole("status").getByText("copied", { exact: true }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    "protosource streams show 'example_app_order_v1#o-1007' --at 40 --store sqlite:orders.db",
  );
});

it("looks through all streams, and orders them by their size, by keys alone", async () => {
  const page = await browser.open(server.address);
  await page.getByRole("link", { name: "Health" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Nothing was looked at yet").waitFor();
  await page.keyboard.press("v");
  await page.getByText("Nothing is wrong with what was read.").waitFor();
  await page.keyboard.press("s");
  await page.getByRole("option", { name: /o-1007/ }).waitFor();
  await page.keyboard.press("n");
  await page.waitForURL(/by=bytes/);
  await page.getByRole("listbox", { name: "Streams that stand out" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/view=stream&id=example_app_order_v1%23o-1007/);
});

it.each([
  ["records", "Longest", "o-1007"],
  ["bytes", "Largest", "o-large"],
  ["snapshot", "Longest without a snapshot", "o-bare"],
  ["constructor", "Longest", "o-1007"],
])("leads by a link to streams as they are ordered by %s", async (by, title, first) => {
  const { origin, hash } = new URL(sized.address);
  const page = await browser.open(`${origin}/?view=health&tab=streams&by=${by}${hash}`);
  await page.getByRole("button", { name: "Verify all streams" }).press("Enter");
  const list = page.getByRole("listbox", { name: "Streams that stand out" });
  await list.getByRole("option").first().getByText(`#${first}`, { exact: false }).waitFor();
  expect(await page.getByRole("button", { pressed: true }).allTextContents()).toEqual([title]);
});

it("shows a damaged stream, copies the line that mends it, and goes there, by keys alone", async () => {
  const options = await demoOptions();
  const store = options.store as MemoryStore;
  await store.save("example_app_order_v1#o-damaged", [
    create(StoredRecordSchema, { version: 1n, data: Uint8Array.of(255, 255) }),
  ]);
  const { address } = await serve({ ...options, words: WORDS });
  const page = await browser.open(address, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByRole("link", { name: "Health" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Nothing was looked at yet").waitFor();
  await page.keyboard.press("v");
  await page.getByRole("option", { name: /undecodable.*o-damaged/ }).waitFor();
  await page.keyboard.press("c");
  await page.getByRole("button", { name: "Copied" }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    "protosource streams repair 'example_app_order_v1#o-damaged' --store sqlite:orders.db",
  );
  await page.keyboard.press("o");
  await page.waitForURL(/view=stream&id=example_app_order_v1%23o-damaged&at=1/);
});

it.each(["light", "dark"] as const)("has nothing that axe objects to, in %s", async (colorScheme) => {
  const page = await browser.open(server.address, { colorScheme });
  const { origin } = new URL(server.address);
  await page.goto(`${origin}/?view=subscriptions&of=mails%401&id=example_app_order_v1%23o-1012`);
  await page.getByText("A release would go on with").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.goto(`${origin}/?view=health&id=example_app_order_v1%23o-1007`);
  await page.getByText("Nothing is wrong with what was read.").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("s");
  await page.getByRole("option").first().waitFor();
  expect(await violations(page)).toEqual([]);
});
