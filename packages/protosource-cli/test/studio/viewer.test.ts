/** Exports that are given to the page: dropped, or chosen by keys alone. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoStore } from "@protosource-es/studio/demo";
import type { Page } from "playwright-core";
import { MemoryStore } from "protosource-es/memory";
import { afterAll, beforeAll, expect, it } from "vitest";
import { schemasOf } from "../../src/studio/index.js";
import type { StudioServer } from "../../src/studio/server.js";
import { createTally, endLine, eventLine, headLine } from "../../src/transfer/entries.js";
import { buildImage } from "../images.js";
import { serve, useBrowser, useBuiltPage, violations } from "./open-studio.js";

const folder = mkdtempSync(join(tmpdir(), "studio-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [exported, cut, image] = ["orders.jsonl", "cut.jsonl", "image.binpb"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;
beforeAll(async () => {
  buildImage(image, ["examples/orders/proto"]);
  const { store } = await demoStore();
  const { records } = await store.scan({ limit: 10_000 });
  const tally = createTally();
  const lines = records.map((scanned) => {
    tally.add(eventLine(scanned), scanned.record.data.length, "event");
    return eventLine(scanned);
  });
  writeFileSync(exported, [headLine(), ...lines, endLine(tally.totals()), ""].join("\n"));
  writeFileSync(cut, [headLine(), ...lines.slice(0, 30)].join("\n"));
  // A store with nothing in it, so that all that is seen is of the files.
  server = await serve({ store: new MemoryStore(), schemas: schemasOf([]) });
});

async function choose(page: Page, files: readonly string[]): Promise<void> {
  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("o");
  await (await chooser).setFiles([...files]);
}

it.each(["light", "dark"] as const)("is chosen and looked at by keys alone, in %s", async (colorScheme) => {
  const page = await browser.open(server.address, { colorScheme });
  // Without it the browser may open the dialog of the system before anyone waits for it here.
  page.on("filechooser", () => {});
  await page.getByText("There are no streams yet", { exact: false }).waitFor();
  await choose(page, [cut]);
  await page.getByText("without its end", { exact: false }).waitFor();
  await page.getByText("Open the descriptors too", { exact: false }).waitFor();
  expect(await violations(page)).toEqual([]);
  // From here on nobody is asked: all is in the page.
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await choose(page, [exported, image]);
  await page.getByText("49 streams", { exact: true }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("o-1007");
  await page.keyboard.press("Enter");
  await page.getByText("1 stream", { exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("changes since version 76", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Copy test" }).waitFor();
  expect(await page.getByRole("button", { name: "Copy command line" }).count()).toBe(0);
  await page.keyboard.press("w");
  await page.getByRole("tabpanel").getByRole("combobox").first().waitFor();
  expect(await violations(page)).toEqual([]);
  expect(asked).toEqual([]);
  await page.getByRole("button", { name: "Back to the store" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("There are no streams yet", { exact: false }).waitFor();
});

it("is dropped, its descriptors first, and what is no export changes nothing", async () => {
  const page = await browser.open(server.address);
  await page.getByText("There are no streams yet", { exact: false }).waitFor();
  const drop = async (...paths: readonly string[]): Promise<void> => {
    const files = paths.map((path) => [path.slice(folder.length + 1), readFileSync(path).toString("base64")] as const);
    await page.evaluate((files) => {
      const dataTransfer = new DataTransfer();
      for (const [name, base64] of files) {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name));
      }
      for (const type of ["dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
      }
    }, files);
  };
  await drop(image);
  await page.getByText("Now give the export", { exact: false }).waitFor();
  await drop(exported);
  await page.getByRole("link", { name: "Order", exact: true }).waitFor();
  await page.getByText("49 streams", { exact: true }).waitFor();
  const hostile = join(folder, "<img src=x>.txt");
  writeFileSync(hostile, '{"no":"export"}\n');
  await drop(hostile);
  await page.getByRole("alert").getByText("line 1 of <img src=x>.txt", { exact: false }).waitFor();
  await drop(exported, cut);
  await page.getByRole("alert").getByText("one of them at a time", { exact: false }).waitFor();
  await page.getByText("49 streams", { exact: true }).waitFor();
});
