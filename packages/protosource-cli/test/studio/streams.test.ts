/** The first screens in a browser, by keyboard alone. */
import { create } from "@bufbuild/protobuf";
import { MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer } from "protosource-es/serializer";
import { beforeAll, expect, it } from "vitest";
import { ShippingSetSchema } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
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

it("shows each place again as it was left, by the browser's own way back and forth", async () => {
  const page = await browser.open(server.address);
  await page.getByText("49 streams", { exact: true }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("o-101");
  await page.keyboard.press("Enter");
  await page.getByText("10 streams", { exact: true }).waitFor();
  await page.getByRole("option", { name: /o-1012/ }).click();
  await page.getByText(/changes? since version/).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.type("3");
  await page.keyboard.press("Enter");
  await page.getByText(/changes? since version 2/).waitFor();
  await page.getByRole("slider", { name: "Version" }).focus();
  await page.keyboard.press("e");
  await page.getByText("Stored bytes").waitFor();
  await page.keyboard.press("3");
  await page.getByText("State after").first().waitFor();

  const order = async (): Promise<void> => {
    await page.getByRole("heading", { name: "Order o-1012" }).waitFor();
    await page.getByRole("tab", { name: "Event", selected: true }).waitFor();
    await page.getByRole("option", { name: /^3/, selected: true }).waitFor();
    await page.getByText("Stored bytes").waitFor();
  };
  const found = async (): Promise<void> => {
    await page.getByText("10 streams", { exact: true }).waitFor();
    await page.getByRole("option", { name: /o-1012/, selected: true }).waitFor();
  };
  await page.goBack();
  await order();
  await page.goBack();
  await found();
  await page.goBack();
  await page.getByText("49 streams", { exact: true }).waitFor();
  await page.goForward();
  await found();
  await page.goForward();
  await order();
  await page.goForward();
  await page.getByText("State after").first().waitFor();
});

it("goes back from a stream to the list as it was left, by Escape, also once the page was loaded again", async () => {
  const page = await browser.open(server.address);
  const { origin } = new URL(server.address);
  const list = `${origin}/?view=streams&of=example_app_order_v1%23&find=o-101`;
  await page.goto(list);
  await page.getByText("10 streams", { exact: true }).waitFor();
  for (const key of ["j", "j"]) await page.keyboard.press(key);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Order o-1012" }).waitFor();
  await page.getByText(/changes? since version/).waitFor();
  await page.keyboard.press("k");
  await page.waitForURL(/&at=\d/);
  await page.reload();
  await page.getByRole("heading", { name: "Order o-1012" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("10 streams", { exact: true }).waitFor();
  await page.getByRole("option", { name: /o-1012/, selected: true }).waitFor();
  expect(page.url()).toBe(`${list}&at=example_app_order_v1%23o-1012`);
  expect(await page.locator("[aria-current=true]").textContent()).toBe("Order");
  expect(await page.getByRole("searchbox").inputValue()).toBe("o-101");
  // What is searched for next is searched for instead, in the same tab.
  await page.keyboard.press("/");
  await page.keyboard.type("o-1007");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${list.replace("o-101", "o-1007")}`);
});

it("goes back from a stream to what else led there, and from a link that was given to the list that the stream is in", async () => {
  const page = await browser.open(server.address);
  const { origin } = new URL(server.address);
  const rows = `${origin}/?view=rows&type=example.app.order.v1.OrderSummary&index=2&is.state=STATE_DRAFT`;
  await page.goto(rows);
  await page.getByText("11 rows", { exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Open the stream" }).press("Enter");
  await page.getByRole("heading", { name: "Order o-1001" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("Up to date.").waitFor();
  expect(page.url()).toContain(rows);
  await page.goto(`${origin}/?view=stream&id=example_app_order_v1%23o-1045`);
  await page.getByRole("heading", { name: "Order o-1045" }).waitFor();
  await page.getByText(/changes? since version/).waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Escape");
  await page.getByRole("option", { name: /o-1045/, selected: true }).waitFor();
  expect(page.url()).toBe(`${origin}/?view=streams&of=example_app_order_v1%23&at=example_app_order_v1%23o-1045`);
  await page.goto(`${origin}/?view=stream&id=nobody-knows`);
  await page.getByText("There is no stream nobody-knows.", { exact: false }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("49 streams", { exact: true }).waitFor();
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
  await page.keyboard.press("w");
  await page.getByRole("tabpanel").getByRole("combobox").first().waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("tab", { name: "What if" }).focus();
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  expect(await violations(page)).toEqual([]);
});

it("decides a command by keys alone, and shows what would follow", async () => {
  const { origin } = new URL(server.address);
  const page = await browser.open(server.address);
  await page.getByRole("option").first().waitFor();
  await page.goto(`${origin}/?view=stream&id=example_app_order_v1%23o-1007&at=3&tab=what-if`);
  const command = page.getByRole("tabpanel").getByRole("combobox").first();
  await command.focus();
  await page.keyboard.type("SetShipping");
  await page.keyboard.press("Tab");
  await page.keyboard.type("1 Main St");
  await page.keyboard.press("Enter");
  await page.getByText("1 event would follow. Nothing is stored.").waitFor();
  expect(await violations(page)).toEqual([]);
});

it("keeps rows and memory for what is seen of 50,000 events, and no more", async () => {
  const store = new MemoryStore();
  const number = 50_000;
  const records = Array.from({ length: number }, (_, i) => {
    const version = BigInt(i + 1);
    const event = create(ShippingSetSchema, {
      id: "long",
      version,
      at: version,
      actor: "ann",
      shippingAddress: `${i}`,
    });
    return create(StoredRecordSchema, { version, data: binarySerializer.serialize(ShippingSetSchema, event) });
  });
  await store.save("example_app_order_v1#long", records);
  const { schemas } = await demoOptions();
  const long = await serve({ store, schemas });
  const page = await browser.open(long.address);
  await page.getByRole("option").first().waitFor();
  const session = await page.context().newCDPSession(page);
  const heap = async (): Promise<number> => {
    await session.send("HeapProfiler.collectGarbage");
    return (await session.send("Runtime.getHeapUsage")).usedSize / 1024 ** 2;
  };
  const before = await heap();
  await page.goto(`${new URL(long.address).origin}/?view=stream&id=example_app_order_v1%23long&tab=event`);
  await page.getByText("50\u202f000 records", { exact: true }).waitFor();
  const list = page.getByRole("listbox", { name: "Events" });
  await list.focus();
  for (const key of ["Home", "PageDown", "End", "PageUp", "Home", "End"]) {
    await page.keyboard.press(key);
    expect(await list.getByRole("option").count()).toBeLessThanOrEqual(60);
  }
  await page.waitForURL(/at=50000/);
  // To scroll by a row makes one, wherever that is, and takes the others along.
  const made: unknown = await page.evaluate(`(async () => {
    const list = document.querySelector("[role=listbox][aria-label=Events]");
    const made = [];
    for (const at of [3_000, 600_000, 1_400_000]) {
      list.scrollTop = at;
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)));
      let added = 0;
      const observer = new MutationObserver((records) => {
        for (const { addedNodes } of records) added += addedNodes.length;
      });
      observer.observe(list, { childList: true, subtree: true });
      list.scrollTop = at + 30;
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)));
      observer.disconnect();
      made.push(added);
    }
    return made;
  })()`);
  expect(made).toEqual([1, 1, 1]);
  expect((await heap()) - before).toBeLessThan(64);
  await page.keyboard.press("Escape");
  await page.waitForURL(/view=streams/);
  await page.getByRole("option").first().waitFor();
  expect((await heap()) - before).toBeLessThan(8);
});
