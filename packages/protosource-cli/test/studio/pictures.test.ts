/**
 * The screens of the studio as the demo has them: what axe says of each in light and in dark, and its picture in the docs,
 * which PICTURES=1 makes anew.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import type { Page } from "playwright-core";
import type { MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { beforeAll, expect, it } from "vitest";
import type { StudioServer } from "../../src/studio/server.js";
import { addressAt, demoOptions, serve, useBrowser, useBuiltPage, violations } from "./open-studio.js";

const FOLDER = new URL("../../../../docs/studio/", import.meta.url);

/** What all pictures together may weigh, for those who clone the repository. */
const ALL_BYTES = 1_500_000;

/** A narrow window, and a usual one at 200 %: nothing may lie beside them. */
const NARROW = [800, 640];

const LONG_ORDER = "id=example_app_order_v1%23o-1007";

interface Place {
  /** Where it is, as the address has it. */
  readonly at: string;
  /** What is there before anything is done. */
  readonly first: string;
  /** What is done there, and what is there then. */
  readonly act?: (page: Page) => Promise<unknown>;
  readonly picturedIn?: "dark";
}

/** What is pictured, by the names of the files. */
const PLACES: { readonly [name: string]: Place } = {
  streams: { at: "view=streams", first: "50 streams" },
  stream: { at: `view=stream&${LONG_ORDER}&at=40`, first: "5 changes since version 39" },
  event: { at: `view=stream&${LONG_ORDER}&at=72&tab=event`, first: "Stored bytes" },
  "what-if": {
    at: `view=stream&${LONG_ORDER}&at=3&tab=what-if`,
    first: "Decide on version 3",
    async act(page) {
      await page.getByRole("combobox", { name: "Command" }).selectOption("SetShipping");
      await page.getByLabel("shippingAddress").fill("1 Main Street, Springfield");
      await page.keyboard.press("Enter");
      await page.getByText("1 event would follow. Nothing is stored.").waitFor();
    },
  },
  refused: {
    at: `view=stream&${LONG_ORDER}&tab=what-if`,
    first: "Decide on version 77",
    async act(page) {
      await page.getByRole("combobox", { name: "Command" }).selectOption("Cancel");
      await page.getByLabel("reason").fill("too late");
      await page.keyboard.press("Enter");
      await page.getByText("isn't allowed", { exact: false }).waitFor();
    },
    picturedIn: "dark",
  },
  domain: { at: "view=domain", first: "State after" },
  rows: {
    at: "view=rows&type=example.app.order.v1.OrderSummary&index=2&is.state=STATE_DRAFT",
    first: "11 rows",
    async act(page) {
      await page.keyboard.press("Enter");
      await page.getByText("Up to date.").waitFor();
    },
  },
  subscriptions: {
    at: "view=subscriptions&of=mails%401&id=example_app_order_v1%23o-1012",
    first: "A release would go on with",
    picturedIn: "dark",
  },
  health: {
    at: "view=health",
    first: "Nothing was looked at yet",
    async act(page) {
      await page.keyboard.press("v");
      await page.getByRole("option", { name: /undecodable/ }).waitFor();
    },
    picturedIn: "dark",
  },
};

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;
beforeAll(async () => {
  const options = await demoOptions();
  const damaged = create(StoredRecordSchema, { version: 1n, data: Uint8Array.of(255, 255) });
  await (options.store as MemoryStore).save("example_app_order_v1#o-1050", [damaged]);
  server = await serve({ ...options, words: ["--store", "sqlite:orders.db"] });
});

it.each(Object.entries(PLACES))(
  "shows %s without what axe objects to, in windows of any width, and is pictured so",
  async (name, place) => {
    const { at, first, act, picturedIn = "light" } = place;
    const page = await browser.open(addressAt(server, at));
    await page.getByText(first, { exact: false }).first().waitFor();
    await act?.(page);
    for (const colorScheme of picturedIn === "light" ? (["dark", "light"] as const) : (["light", "dark"] as const)) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page)).toEqual([]);
    }
    const picture = await page.screenshot();
    const file = new URL(`${name}.png`, FOLDER);
    if (process.env["PICTURES"]) {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(file, picture);
    }
    for (const width of NARROW) {
      await page.setViewportSize({ width, height: 400 });
      const cut = await page
        .locator("html, main, .bar, .list, .row")
        .evaluateAll((parts) =>
          parts.filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.outerHTML.slice(0, 120)),
        );
      expect(cut).toEqual([]);
    }
    // Letters look different on each machine, but a picture of the same size is there.
    expect(sizeOf(readFileSync(file))).toBe(sizeOf(picture));
  },
);

it("is pictured in the docs by what they show, and by no more than they may weigh", () => {
  const text = (path: string): string => readFileSync(new URL(path, FOLDER), "utf8");
  const shown = [...text("../17-studio.md").matchAll(/\]\(studio\/(.*?\.png)\)/g)].map(([, name]) => name);
  expect(shown.toSorted()).toEqual(
    Object.keys(PLACES)
      .map((name) => `${name}.png`)
      .toSorted(),
  );
  expect(text("../../README.md")).toContain("](docs/studio/stream.png)");
  const files = readdirSync(FOLDER);
  expect(files.toSorted()).toEqual(shown.toSorted());
  const bytes = files.reduce((sum, name) => sum + statSync(new URL(name, FOLDER)).size, 0);
  expect(bytes).toBeLessThanOrEqual(ALL_BYTES);
});

function sizeOf(png: Uint8Array): string {
  return Buffer.from(png.subarray(16, 24)).toString("hex");
}
