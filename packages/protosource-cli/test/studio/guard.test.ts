/** What strangers try on the studio's server, and what they get. */
import { request } from "node:http";
import { networkInterfaces } from "node:os";
import { order } from "@protosource-es/studio/demo";
import { MemoryStore } from "protosource-es/memory";
import { beforeAll, describe, expect, it } from "vitest";
import { schemasOf } from "../../src/schemas.js";
import { HEADERS } from "../../src/studio/guard.js";
import { hostOf, type StudioServer } from "../../src/studio/server.js";
import { demoOptions, serve, useBrowser, useBuiltPage } from "./open-studio.js";

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;
beforeAll(async () => {
  server = await serve(await demoOptions());
});

interface Attack {
  readonly host?: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: { readonly [name: string]: string };
}

interface Got {
  readonly status: number;
  readonly headers: { readonly [name: string]: unknown };
  readonly body: string;
}

/** Sends what no browser would, with the token unless the headers say otherwise. */
function send({ host = "127.0.0.1", method = "GET", path = "/api/about", headers = {} }: Attack): Promise<Got> {
  const { port, token } = server;
  return new Promise((resolve, reject) => {
    const all = { authorization: `Bearer ${token}`, ...headers };
    const sent = request({ host, port, method, path, headers: all }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

it("answers its own page", async () => {
  expect((await send({})).status).toBe(200);
  expect((await send({ headers: { "sec-fetch-site": "same-origin" } })).status).toBe(200);
  for (const host of ["localhost", "[::1]"].map((name) => `${name}:${server.port}`)) {
    expect((await send({ headers: { host } })).status).toBe(200);
    expect((await send({ headers: { host, origin: `http://${host}` } })).status).toBe(200);
  }
  expect(await send({ method: "HEAD" })).toMatchObject({ status: 200, body: "" });
  expect(await send({ path: "/", headers: { authorization: "" } })).toMatchObject({
    status: 200,
    headers: { "content-type": "text/html; charset=utf-8" },
  });
});

it("forbids its page all that it doesn't need, and whoever else to have it", async () => {
  // Spelled out: what is taken away there has to be taken away here.
  const page = await send({ path: "/" });
  expect(page.status).toBe(200);
  expect(page.headers).toMatchObject({
    "content-security-policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
      "require-trusted-types-for 'script'; trusted-types 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
  });
});

it("answers what is longer than a line of a browser mostly is", async () => {
  const fields = JSON.stringify({ reason: "x".repeat(200_000) });
  const path = `/api/what-if?${new URLSearchParams({ id: "example_app_order_v1#o-1001", at: "1", command: "Cancel", fields })}`;
  const { status, body } = await send({ path });
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({ events: [{ type: "Cancelled" }] });
});

it("goes by the names that a browser has for it on each port", () => {
  expect(hostOf("localhost", 4477)).toBe("localhost:4477");
  expect(hostOf("127.0.0.1", 80)).toBe("127.0.0.1");
});

describe("refuses", () => {
  it.each<[string, number, Attack]>([
    ["another name for the server, as rebinding has", 421, { headers: { host: "evil.example" } }],
    ["another port in its name", 421, { headers: { host: "127.0.0.1:1" } }],
    ["another name on the page itself", 421, { path: "/", headers: { host: "evil.example" } }],
    ["another site", 403, { headers: { "sec-fetch-site": "cross-site" } }],
    ["another port of this machine", 403, { headers: { "sec-fetch-site": "same-site" } }],
    ["another origin", 403, { headers: { origin: "http://evil.example" } }],
    ["an origin that is hidden", 403, { headers: { origin: "null" } }],
    ["a write", 405, { method: "POST" }],
    ["a write to the page itself", 405, { method: "POST", path: "/" }],
    ["a preflight", 405, { method: "OPTIONS" }],
    ["no token", 401, { headers: { authorization: "" } }],
    ["another token", 401, { headers: { authorization: `Bearer ${"A".repeat(22)}` } }],
    ["the token of another scheme", 401, { headers: { authorization: "Basic AAAA" } }],
    ["the beginning of the token", 401, { headers: { authorization: "Bearer " } }],
    ["an address that would lead to the page once, made up", 404, { path: `/open/${"A".repeat(22)}` }],
    ["a path out of the page", 404, { path: "/../package.json" }],
    ["a path out of the page, spelled otherwise", 404, { path: "/%2e%2e/package.json" }],
    ["a path that the API hasn't", 404, { path: "/api/constructor" }],
  ])("%s", async (_, status, attack) => {
    const got = await send(attack);
    expect(got.status).toBe(status);
    expect(got.headers).toMatchObject(HEADERS);
    expect(got.headers).not.toHaveProperty("access-control-allow-origin");
    expect(got.headers).not.toHaveProperty("set-cookie");
    expect(got.body).not.toContain(server.token);
  });
});

it("listens on the loopback interface of its own host alone", async () => {
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
  const others = ["127.0.0.2", "::1", ...addresses].filter((address) => address !== "127.0.0.1");
  const asked = await Promise.allSettled(others.map((host) => send({ host })));
  expect(asked.map(({ status }) => status)).toEqual(others.map(() => "rejected"));
});

it("keeps the token out of the address, and in no cookie", async () => {
  const { origin } = new URL(server.address);
  const page = await browser.open(server.address);
  await page.getByRole("option").first().waitFor();
  expect(page.url()).toBe(`${origin}/`);
  expect(await page.evaluate("document.cookie")).toBe("");
});

it("takes the token of an address that is put into a page which is open already", async () => {
  const page = await browser.open(server.address);
  await page.getByRole("option").first().waitFor();
  await page.evaluate("sessionStorage.clear()");
  await page.goto(server.address);
  await page.waitForURL(`${new URL(server.address).origin}/`);
  await page.getByRole("option").first().waitFor();
  expect(await page.evaluate("Object.values(sessionStorage)")).toEqual([server.token]);
});

it("leads there one time by an address that others may see", async () => {
  const page = await browser.open(server.opening);
  await page.getByRole("option").first().waitFor();
  expect(page.url()).toBe(`${new URL(server.address).origin}/`);
  const again = await send({ path: new URL(server.opening).pathname });
  expect(again.status).toBe(404);
  expect(JSON.stringify(again)).not.toContain(server.token);
});

it("knows no screen by a name that every object has", async () => {
  const page = await browser.open(server.address);
  await page.getByRole("option").first().waitFor();
  for (const view of ["constructor", "__proto__"]) {
    await page.goto(`${new URL(server.address).origin}/?view=${view}`);
    await page.getByText("There is no such screen").waitFor();
  }
});

it("stays as wide as its window, whatever a stream is called", async () => {
  const store = new MemoryStore();
  const id = `example_app_order_v1#${"x".repeat(1500)}`;
  await store.restore(id, (await (await demoOptions()).store.load("example_app_order_v1#o-1001")).records);
  const { address } = await serve({ store, schemas: schemasOf([order]) });
  const page = await browser.open(address);
  await page.getByRole("option").first().click();
  await page.getByRole("slider").waitFor();
  expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
});

it("shows markup that was stored as the text that it is", async () => {
  const { store, opaqueStore, schemas } = await demoOptions();
  const hostile = await serve({
    store,
    opaqueStore,
    schemas,
    name: { kind: "memory", name: "<img src=x onerror=alert(1)>" },
  });
  const page = await browser.open(hostile.address);
  await page.getByText("<img src=x onerror=alert(1)>").waitFor();
  expect(await page.locator("img").count()).toBe(0);
});
