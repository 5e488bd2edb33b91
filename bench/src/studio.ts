/**
 * What the page of the studio takes in a browser, over SQLite files, and what the command line takes to start beside that
 * of before the studio.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { ensureChromium } from "@protosource-es/engines";
import { type CDPSession, chromium, type Page } from "playwright-core";
import type { Store, StoredRecord } from "protosource-es";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer } from "protosource-es/serializer";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import {
  CreatedSchema,
  ItemAddedSchema,
  ShippingSetSchema,
} from "../../examples/orders/gen/example/app/order/v1/order_v1_pb.js";
import { type Budget, budgetTable } from "./budget.js";
import { bundleCommandLine } from "./start-size.js";
import { median } from "./statistics.js";

const STREAMS = 3_000;
const RECORDS_EACH = 4;
const SHORT = 400;
const ITEMS = 1_000;
const LONG = 50_000;
const STEPS = 100;
/** How many screens are scrolled through of the long stream. */
const SCREENS = 400;
const STARTS = 31;

/** The commit before the one that brought the studio. */
const BEFORE = "e7036eb^";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const PREFIX = "example_app_order_v1#";

/** Starts node on sources. */
const FROM_SOURCES: readonly string[] = ["--conditions=@protosource-es/source", "--import=tsx"];

/** Measures the page and the start of the command line, as a table of budgets. */
export async function measureStudio(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "studio-"));
  try {
    return budgetTable([...(await measurePage(folder)), await measureStart()]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measurePage(folder: string): Promise<readonly Budget[]> {
  execFileSync(process.execPath, [...FROM_SOURCES, "packages/protosource-studio/build-page.ts"], { cwd: REPOSITORY });
  const [many, few] = [join(folder, "many.db"), join(folder, "few.db")];
  await fill(many, async (store) => {
    for (let i = 0; i < STREAMS; i++) await saveOrder(store, `o-${i}`, RECORDS_EACH, RECORDS_EACH);
  });
  await fill(few, async (store) => {
    await saveOrder(store, "short", SHORT, SHORT);
    await saveOrder(store, "wide", 2 * ITEMS, ITEMS);
    await saveLong(store);
  });
  const studios = [await startStudio(many), await startStudio(few)] as const;
  const { executablePath, args } = await ensureChromium();
  const browser = await chromium.launch({ executablePath, args: [...args] });
  try {
    const open = async ({ address }: Studio): Promise<Page> => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, timezoneId: "UTC" });
      await page.goto(address);
      await page.getByRole("option").first().waitFor();
      return page;
    };
    return [
      await timeOfStreams(await open(studios[0])),
      await timeOfStream(await open(studios[1])),
      await timeOfSteps(await open(studios[1]), "short", SHORT, SHORT),
      await timeOfSteps(await open(studios[1]), "wide", 2 * ITEMS, ITEMS),
      ...(await scrollThrough(await open(studios[1]))),
    ];
  } finally {
    await browser.close();
    for (const { stop } of studios) stop();
  }
}

/** The studio as its user starts it, from the sources. */
interface Studio {
  readonly address: string;
  readonly stop: () => void;
}

async function startStudio(path: string): Promise<Studio> {
  const words = ["studio", "--store", `sqlite:${path}`, "--domain", "examples/orders/src/order.ts"];
  const command = [...FROM_SOURCES, "packages/protosource-cli/src/main.ts", ...words];
  const child = spawn(process.execPath, command, { cwd: REPOSITORY, stdio: ["ignore", "pipe", "inherit"] });
  for await (const address of createInterface({ input: child.stdout })) return { address, stop: () => child.kill() };
  throw new Error("the studio ended before it told its address");
}

/** Calls a function of JavaScript in a page: this program has no types of a page's. */
function inPage<T>(page: Page, code: string, ...given: readonly unknown[]): Promise<T> {
  return page.evaluate<T>(`(${code})(...${JSON.stringify(given)})`);
}

async function timeOfStreams(page: Page): Promise<Budget> {
  const times = await timesOfLoads(page, "?view=streams", `${spaced(STREAMS)} streams`);
  return timeBudget(
    `${spaced(STREAMS)} streams of ${spaced(STREAMS * RECORDS_EACH)} records shown, SQLite`,
    1_000,
    times,
  );
}

async function timeOfStream(page: Page): Promise<Budget> {
  const times = await timesOfLoads(page, streamAddress("short"), `${SHORT} records`, /since version \d+/);
  return timeBudget(`a stream of ${SHORT} events shown, with its state`, 500, times);
}

const LOADED = `async (facts, panel) => {
  const isThere = () =>
    [...document.querySelectorAll("[role=status]")].some(({ textContent }) => textContent === facts) &&
    new RegExp(panel).test(document.querySelector("main")?.textContent ?? "");
  while (!isThere()) await new Promise(requestAnimationFrame);
  return performance.now();
}`;

/** Loads a place some times, and tells after how many milliseconds it was there as a whole. */
async function timesOfLoads(page: Page, query: string, facts: string, panel = /^/): Promise<readonly number[]> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    await page.goto(new URL(query, page.url()).href, { waitUntil: "commit" });
    times.push(await inPage<number>(page, LOADED, facts, panel.source));
  }
  return times;
}

const STEP = `async (steps, last) => {
  const slider = document.querySelector("input[type=range]");
  const times = [];
  for (let version = last - 1; version >= last - steps; version--) {
    const start = performance.now();
    slider.value = version - 1;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    const text = "since version " + (version - 1);
    const channel = new MessageChannel();
    while (document.querySelector("#panel summary")?.textContent.endsWith(text) !== true) {
      await new Promise((resolve) => { channel.port2.onmessage = resolve; channel.port1.postMessage(0); });
    }
    times.push(performance.now() - start);
    await new Promise(requestAnimationFrame);
  }
  return times;
}`;

async function timeOfSteps(page: Page, id: string, last: number, items: number): Promise<Budget> {
  await page.goto(new URL(streamAddress(id), page.url()).href);
  await page.getByText(`since version ${last - 1}`).waitFor();
  const times = await inPage<readonly number[]>(page, STEP, STEPS, last);
  return timeBudget(`a step of the slider, a state of ${spaced(items)} items, ${spaced(last)} events`, 50, times);
}

const SCROLL = `async (screens) => {
  let longest = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  observer.observe({ type: "longtask" });
  const list = document.querySelector("[role=listbox]");
  let rows = 0;
  for (let i = 0; i <= screens; i++) {
    list.scrollTop = (list.scrollHeight * i) / screens;
    await new Promise(requestAnimationFrame);
    rows = Math.max(rows, list.querySelectorAll("[role=option]").length);
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  observer.disconnect();
  return { longest, rows };
}`;

async function scrollThrough(page: Page): Promise<readonly Budget[]> {
  const session = await page.context().newCDPSession(page);
  const before = await heapOf(session);
  await page.goto(new URL(`${streamAddress("long")}&tab=event`, page.url()).href);
  await page.getByText(`${spaced(LONG)} records`, { exact: true }).waitFor({ timeout: 120_000 });
  const { longest, rows } = await inPage<{ longest: number; rows: number }>(page, SCROLL, SCREENS);
  const open = await heapOf(session);
  await page.keyboard.press("Escape");
  await page.waitForURL(/view=streams/);
  await page.getByRole("option").first().waitFor();
  const after = await heapOf(session);
  const what = `${spaced(LONG)} events`;
  return [
    {
      workload: `${what}, scrolled through`,
      promise: "no task over 100 ms",
      // The browser tells only of tasks over 50 ms.
      measured: longest === 0 ? "none over 50 ms" : `${longest.toFixed(0)} ms`,
      kept: longest <= 100,
    },
    { workload: what, promise: "≤ 60 rows in the page", measured: String(rows), kept: rows <= 60 },
    heapBudget(`${what}: heap while they are shown`, 64, open - before),
    heapBudget(`${what}: heap after they are left`, 8, after - before),
  ];
}

/** Gives the bytes of the page's objects that are in use. */
async function heapOf(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize;
}

/** Compares starts of the command line with those of before the studio, bundled alike, in turns. */
async function measureStart(): Promise<Budget> {
  // Where its dependencies are found.
  const work = `${REPOSITORY}packages/protosource-cli/node_modules/.cache/start`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const tar = execFileSync("git", ["archive", BEFORE, "packages/protosource-cli/src"], {
    cwd: REPOSITORY,
    maxBuffer: 1e8,
  });
  execFileSync("tar", ["x", "-C", work], { input: tar });
  await bundleCommandLine(`${work}/packages/protosource-cli/src/main.ts`, `${work}/before`);
  await bundleCommandLine("packages/protosource-cli/src/main.ts", `${work}/now`);
  const timeOf = (name: string): number => {
    const start = performance.now();
    execFileSync(process.execPath, [`${work}/${name}/main.js`, "--help"]);
    return performance.now() - start;
  };
  const ratios: number[] = [];
  for (let i = -3; i < STARTS; i++) {
    const times = new Map((i % 2 === 0 ? ["before", "now"] : ["now", "before"]).map((name) => [name, timeOf(name)]));
    if (i >= 0) ratios.push((times.get("now") as number) / (times.get("before") as number));
  }
  const ratio = median(ratios);
  return {
    workload: "protosource --help, against before the studio",
    promise: "wall ≤ 1.05 ×",
    measured: `${ratio.toFixed(2)} ×`,
    kept: ratio <= 1.05,
  };
}

function timeBudget(workload: string, most: number, times: readonly number[]): Budget {
  const [middle, worst] = [median(times), Math.max(...times)];
  return {
    workload,
    promise: `≤ ${most} ms`,
    measured: `${middle.toFixed(0)} ms, at worst ${worst.toFixed(0)} ms`,
    kept: middle <= most,
  };
}

function heapBudget(workload: string, most: number, bytes: number): Budget {
  const measured = bytes / 1024 ** 2;
  return { workload, promise: `≤ ${most} MiB more`, measured: `${measured.toFixed(1)} MiB`, kept: measured <= most };
}

async function fill(path: string, save: (store: Store) => Promise<void>): Promise<void> {
  const database = openSqlite(path, { synchronous: "NORMAL" });
  try {
    await save(new SqliteStore(database));
  } finally {
    database.close();
  }
}

/** Saves an order of so many records, which puts so many items in. */
async function saveOrder(store: Store, id: string, records: number, items: number): Promise<void> {
  await saveAll(store, id, records, (i) =>
    i === 0
      ? encode(CreatedSchema, { ...envelope(id, i), customerId: "c-1", customerName: "Ada Lovelace" })
      : encode(ItemAddedSchema, {
          ...envelope(id, i),
          item: { itemId: `i-${i % items}`, description: "A chair of oak", priceCents: 49_00n, quantity: i },
        }),
  );
}

async function saveLong(store: Store): Promise<void> {
  await saveAll(store, "long", LONG, (i) =>
    encode(ShippingSetSchema, { ...envelope("long", i), shippingAddress: `${i} Main St` }),
  );
}

async function saveAll(store: Store, id: string, count: number, dataOf: (index: number) => Uint8Array): Promise<void> {
  for (let first = 0; first < count; first += 1_000) {
    const records = Array.from({ length: Math.min(1_000, count - first) }, (_, i): StoredRecord => {
      return create(StoredRecordSchema, { version: BigInt(first + i + 1), data: dataOf(first + i) });
    });
    await store.save(PREFIX + id, records);
  }
}

function envelope(id: string, i: number): object {
  return { id, version: BigInt(i + 1), at: 1_790_000_000_000_000n + BigInt(i) * 60_000_000n, actor: "ann" };
}

function encode<D extends DescMessage>(schema: D, fields: object): Uint8Array {
  return binarySerializer.serialize(schema, create(schema, fields as MessageInitShape<D>));
}

function streamAddress(id: string): string {
  return `?${new URLSearchParams({ view: "stream", id: PREFIX + id })}`;
}

/** Writes a number as the page does. */
function spaced(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, "\u202f");
}
