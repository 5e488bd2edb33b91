/** The studio as its user starts it: it says where it is, answers there, and ends when told to, whatever it waits for. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import { buildPage } from "@protosource-es/studio";
import { StoredRecordSchema } from "protosource-es/proto";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { builtFolder, type CliOptions, type CliResult, resultOf, runCli, startCli } from "../cli.js";
import { temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { buildDomain, bundleModule, ORDERS, saveOrders } from "../orders.js";

const folder = temporaryFolder();
const image = folder.path("image.binpb");
const store = `sqlite:${folder.path("orders.db")}`;
let domain: string;

beforeAll(async () => {
  await buildPage(builtFolder);
  // As an installed package has it, it imports what is built; here nothing is.
  const here = fileURLToPath(new URL(".", import.meta.url));
  await bundleModule('export * from "@protosource-es/studio/demo";', here, `${builtFolder}/demo.js`);
  buildImage(image);
  domain = await buildDomain('export { customerOrders } from "../../examples/orders/src/customer-orders.js";');
  const database = openSqlite(folder.path("orders.db"));
  const opaqueStore = new SqliteOpaqueStore(database);
  await saveOrders(new SqliteStore(database, { opaqueStore }), 2);
  database.close();
});
const started: ChildProcess[] = [];
afterAll(() => {
  // A test that fails leaves its own behind.
  for (const child of started) child.kill("SIGKILL");
  folder.remove();
});

/** How long a process may take to end once it is told to, in milliseconds. Waiting for a store it would take for ever. */
const PATIENCE_MS = 15_000;

/** A studio that was started. */
interface Started {
  readonly address: string;
  /** Asks its API, with its token unless another is given. */
  ask(path: string, token?: string): Promise<readonly [status: number, answer: Record<string, unknown>]>;
  /** Ends it by a signal, as Ctrl-C does, and gives what it came to. */
  end(): Promise<CliResult>;
}

async function startStudio(args: readonly string[], options?: CliOptions): Promise<Started> {
  const child = startCli(["studio", ...args], options);
  started.push(child);
  const result = resultOf(child);
  const address = await firstLine(child);
  const { origin, hash } = new URL(address);
  const own = hash.slice("#token=".length);
  return {
    address,
    async ask(path, token = own) {
      const response = await fetch(`${origin}/api/${path}`, { headers: { authorization: `Bearer ${token}` } });
      return [response.status, (await response.json()) as Record<string, unknown>];
    },
    async end() {
      child.kill("SIGINT");
      const force = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      const ended = await result;
      clearTimeout(force);
      return ended;
    },
  };
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("the studio was started without pipes");
  const [line] = (await once(createInterface(stdout), "line")) as [string];
  return line;
}

it("prints its address, answers there, and ends by a signal while connections are open", async () => {
  const [one, other] = await Promise.all([
    startStudio(["--store", store, "--descriptors", image]),
    startStudio(["--store", store, "--domain", domain]),
  ]);
  // Each has a port and a token of its own; connections of both stay open from here on.
  expect(one.address).not.toBe(other.address);
  expect(await one.ask("about")).toMatchObject([200, { store: { kind: "sqlite", name: store } }]);
  const stranger = new URL(other.address).hash.slice("#token=".length);
  expect(await one.ask("about", stranger)).toMatchObject([401, { error: { code: "denied" } }]);
  // Descriptors tell states; a domain tells its rules and its subscriptions too.
  const state = `state?${new URLSearchParams({ id: `${ORDERS}0` })}`;
  expect(await one.ask(state)).toMatchObject([200, { state: { id: "0" } }]);
  expect(await one.ask("subscriptions")).toMatchObject([400, { error: { code: "not_configured" } }]);
  expect(await other.ask("subscriptions")).toMatchObject([200, { subscriptions: [{ name: "customer-orders" }] }]);
  for (const studio of [one, other]) {
    expect(await studio.end()).toMatchObject({ code: 0, stderr: expect.stringContaining("changes nothing") });
  }
});

it("shows a made-up shop that needs no file", async () => {
  const studio = await startStudio(["--demo"]);
  const [status, { streams, cursor }] = await studio.ask("streams?limit=5000");
  expect([status, (streams as object[]).length, cursor]).toEqual([200, 49, undefined]);
  expect(await studio.ask("subscriptions")).toMatchObject([200, { subscriptions: [{}, {}] }]);
  expect(await studio.end()).toMatchObject({ code: 0 });
});

it("shows a file in a folder that can't be written, and nothing of it once it was changed, which it can't follow there", async () => {
  const path = folder.path("closed/orders.db");
  mkdirSync(dirname(path));
  const database = openSqlite(folder.path("orders.db"));
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  copyFileSync(folder.path("orders.db"), path);
  const close = (mode: number): void => {
    chmodSync(path, mode & 0o666);
    chmodSync(dirname(path), mode);
  };
  close(0o555);
  const studio = await startStudio(["--store", `sqlite:${path}`, "--domain", domain], { obeysModes: true });
  const id = `${ORDERS}0`;
  const questions = ["streams", `events?${new URLSearchParams({ id })}`, `state?${new URLSearchParams({ id })}`];
  questions.push("verify", "health", "tables", "subscriptions", "parked?subscription=customer-orders");
  const ask = (): Promise<unknown> => Promise.all(questions.map((question) => studio.ask(question)));
  const found = await ask();
  expect(found).toMatchObject(questions.map(() => [200, {}]));
  expect(found).toMatchObject({ 0: [200, { streams: [{}, {}] }], 5: [200, { findings: [] }] });
  expect(readdirSync(dirname(path))).toEqual(["orders.db"]);
  close(0o777);
  const writer = openSqlite(path);
  await new SqliteStore(writer).save(`${ORDERS}late`, [create(StoredRecordSchema, { version: 1n })]);
  writer.close();
  const message = expect.stringMatching(/orders\.db was changed .*: start the studio again/);
  expect(await ask()).toEqual(questions.map(() => [503, { error: { code: "unavailable", message } }]));
  await studio.end();
});

it("ends by a signal while the store hangs", async () => {
  const silent = createServer(() => {});
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const url = `dynamodb:?region=us-east-1&endpoint=http://127.0.0.1:${port}`;
  const studio = await startStudio(["--store", url]);
  const asked = once(silent, "request");
  const answer = studio.ask("streams").catch(() => "cut off");
  await asked;
  expect(await studio.end()).toMatchObject({ code: 0 });
  expect(await answer).toBe("cut off");
  silent.closeAllConnections();
  silent.close();
});

it("opens the browser at an address that leads to the page once, and doesn't hold the token", async () => {
  const seen = folder.path("seen");
  const programs = folder.path("programs");
  mkdirSync(programs);
  for (const name of ["xdg-open", "open"]) {
    writeFileSync(`${programs}/${name}`, `#!/bin/sh\necho "$1" > ${seen}.part && mv ${seen}.part ${seen}\n`);
    chmodSync(`${programs}/${name}`, 0o755);
  }
  const PATH = `${programs}:${process.env["PATH"]}`;
  const studio = await startStudio(["--store", store, "--open"], { env: { PATH } });
  await expect.poll(() => existsSync(seen)).toBe(true);
  const opening = readFileSync(seen, "utf8").trim();
  const token = new URL(studio.address).hash;
  expect(opening).toContain(`${new URL(studio.address).origin}/open/`);
  expect(opening).not.toContain(token.slice("#token=".length));
  const first = await fetch(opening, { redirect: "manual" });
  expect([first.status, first.headers.get("location")]).toEqual([303, `/${token}`]);
  expect((await fetch(opening, { redirect: "manual" })).status).toBe(404);
  await studio.end();
});

it("says what is wrong with its options, and starts nothing", async () => {
  const taken = createServer();
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const throwing = folder.path("throws.mjs");
  writeFileSync(throwing, 'throw new Error("no such service");\n');
  writeFileSync(folder.path("text.db"), "This is no database, though it is long enough to be one.\n".repeat(100));
  const cases: readonly (readonly [args: readonly string[], code: number, said: RegExp])[] = [
    [["--store", store, "--port", String(port)], 2, /--port/],
    [["--store", store, "--port", "70000"], 2, /--port/],
    [["--store", store, "--port", "none"], 2, /--port/],
    [["--demo", "--store", store], 2, /--demo/],
    [[], 2, /--store/],
    [["--store", "nowhere:x"], 2, /nowhere:x.* is no store: write /],
    [["--store", `sqlite:${folder.path("none.db")}`], 4, /none\.db: .*tables ensure/],
    [["--store", `sqlite:${folder.path("text.db")}`], 2, /an SQLite database.*: give another path/],
    [["--store", store, "--descriptors", folder.path("none")], 2, /descriptors .* can't be read/],
    [["--store", store, "--descriptors", folder.path("text.db")], 2, /text\.db/],
    [["--store", store, "--domain", folder.path("none.js")], 2, /none\.js can't be imported/],
    [["--store", store, "--domain", throwing], 2, /throws\.mjs can't be imported \(no such service\)/],
  ];
  const found = await Promise.all(cases.map(([args]) => runCli(["studio", ...args])));
  taken.close();
  expect(found.map(({ code, stdout, stderr }) => ({ code, stdout, stderr }))).toEqual(
    cases.map(([, code, said]) => ({ code, stdout: "", stderr: expect.stringMatching(said) })),
  );
});
