/** The page of sessions in a real browser. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ensureChromium } from "@protosource-es/engines";
import { type Browser, chromium, type Page } from "playwright-core";
import { nodeListener } from "protosource-es/http/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { State } from "../../gen/example/app/session/v1/session_v1_pb.js";
import { sessionApi } from "../../src/api.js";
import { sessionAggregate } from "../../src/session.js";
import { sessionSite } from "../../src/site.js";
import { type Sessions, sessionsInMemory } from "../../src/stores.js";

const session = sessionAggregate({ isBanned: async (user) => user === "mallory", isCodeOf: async () => true });

let server: Server;
let browser: Browser;
let origin = "";
let sessions: Sessions;

beforeAll(async () => {
  sessions = sessionsInMemory(session);
  server = createServer(nodeListener(await sessionSite(sessionApi(sessions))));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { executablePath, args } = await ensureChromium();
  browser = await chromium.launch({ executablePath, args: [...args] });
}, 300_000);
afterAll(async () => {
  await browser?.close();
  server.closeAllConnections();
  server.close();
});

/** Opens the page, and collects what the browser complains of. */
async function openPage(): Promise<{ readonly page: Page; readonly complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", ({ message }) => complaints.push(message));
  await page.goto(origin);
  return { page, complaints };
}

describe("the page of sessions", () => {
  it("logs in, shows the sessions of the user, and logs out", async () => {
    const { page, complaints } = await openPage();
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("listitem").filter({ hasText: "laptop, ACTIVE" }).waitFor();
    await page.getByLabel("Device").fill("phone");
    await page.getByRole("button", { name: "Log in" }).click();
    const phone = page.getByRole("listitem").filter({ hasText: "phone" });
    await phone.getByRole("button", { name: "Log out" }).click();
    await phone.filter({ hasText: "phone, LOGGED_OUT" }).waitFor();
    expect(await phone.getByRole("button").count()).toBe(0);
    expect(await page.getByRole("listitem").filter({ hasText: "laptop, ACTIVE" }).count()).toBe(1);
    expect(await page.getByRole("status").textContent()).toBe("");
    const { items } = await sessions.cards.selectByUserId("alice");
    expect(new Map(items.map(({ device, state }) => [device, state]))).toEqual(
      new Map([
        ["laptop", State.ACTIVE],
        ["phone", State.LOGGED_OUT],
      ]),
    );
    // All of this within the policy of the page, which the browser would complain of.
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("shows what is refused", async () => {
    const { page } = await openPage();
    await page.getByLabel("User").fill("mallory");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("status").filter({ hasText: "mallory is banned" }).waitFor();
    expect(await page.getByRole("listitem").count()).toBe(0);
    await page.close();
  });

  it("runs nothing but its own scripts, and calls nobody else", async () => {
    const { page, complaints } = await openPage();
    const ran = await page.evaluate(async () => {
      const { document, fetch } = globalThis as unknown as {
        document: { createElement(name: string): { textContent: string }; body: { append(node: object): void } };
        fetch(url: string): Promise<object>;
      };
      const script = document.createElement("script");
      script.textContent = "globalThis.injected = true";
      document.body.append(script);
      const called = await fetch("http://localhost:9/").then(
        () => true,
        () => false,
      );
      return [(globalThis as { injected?: boolean }).injected ?? false, called];
    });
    expect(ran).toEqual([false, false]);
    const broken = complaints.flatMap((text) => /(script|connect)-src '/.exec(text)?.[1] ?? []);
    expect(new Set(broken)).toEqual(new Set(["script", "connect"]));
    await page.close();
  });
});
