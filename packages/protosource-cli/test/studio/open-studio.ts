/** The studio as its user has it: the page and the demo, built once for the tests of a file, on servers of their own. */
import { rmSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureChromium } from "@protosource-es/engines";
import { buildPage } from "@protosource-es/studio";
import { demoStore, order } from "@protosource-es/studio/demo";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { schemasOf } from "../../src/schemas.js";
import { studioApi } from "../../src/studio/api.js";
import { readPage } from "../../src/studio/page-files.js";
import { type StudioServer, serveStudio } from "../../src/studio/server.js";
import type { StudioOptions } from "../../src/studio/studio.js";

const built = fileURLToPath(new URL(`../../node_modules/.cache/studio-${process.pid}`, import.meta.url));

/** Builds the page and the demo. To be called once, at the top of a file. */
export function useBuiltPage(): void {
  beforeAll(() => buildPage(built));
  afterAll(() => rmSync(built, { recursive: true, force: true }));
}

/** Gives what `--demo` shows. */
export async function demoOptions(): Promise<StudioOptions> {
  return { ...(await demoStore()), schemas: schemasOf([order]) };
}

/** Serves the page over what is to be shown, until the tests of the file are done. */
export async function serve(options: StudioOptions): Promise<StudioServer> {
  const page = readPage([pathToFileURL(`${built}/page/`)]);
  const server = await serveStudio({ page, api: studioApi(options), port: 0 });
  afterAll(() => server.close());
  return server;
}

/** A browser for the tests of a file. */
export interface TestBrowser {
  /** Opens a page of its own, which fails its test by each error of its own and by each request to elsewhere. */
  open(address: string, options?: BrowserContextOptions): Promise<Page>;
}

/** Starts a browser for the tests of a file. To be called once, at the top of it. */
export function useBrowser(): TestBrowser {
  let browser: Browser;
  let problems: string[] = [];
  beforeAll(async () => {
    const { executablePath, args } = await ensureChromium();
    browser = await chromium.launch({ executablePath, args: [...args] });
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    const found = problems;
    problems = [];
    expect(found).toEqual([]);
  });
  afterAll(() => browser.close());
  return {
    async open(address, options = {}) {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        timezoneId: "UTC",
        ...options,
      });
      const page = await context.newPage();
      const { origin } = new URL(address);
      page.on("pageerror", (error) => problems.push(error.message));
      page.on("console", (message) => {
        // What the API refuses the page shows itself.
        if (message.location().url.startsWith(`${origin}/api/`)) return;
        if (message.type() === "error" || message.text().includes("Content Security Policy"))
          problems.push(message.text());
      });
      page.on("request", (request) => {
        if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith("data:")) problems.push(request.url());
      });
      await page.goto(address);
      return page;
    },
  };
}

/** Gives the address that leads to a place of a studio, with its token: a page is there by loading once. */
export function addressAt({ address }: StudioServer, query: ConstructorParameters<typeof URLSearchParams>[0]): string {
  const url = new URL(address);
  url.search = new URLSearchParams(query).toString();
  return url.href;
}

/** Names what axe finds wrong with a page as it is now. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
  });
}
