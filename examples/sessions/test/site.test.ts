/** The page of sessions and its script, as a browser gets them. */
import { expect, it, vi } from "vitest";
import { sessionApi } from "../src/api.js";
import { sessionAggregate } from "../src/session.js";
import { sessionSite } from "../src/site.js";
import { sessionsInMemory } from "../src/stores.js";

it("has a script that logs in, lists and logs out", async () => {
  const session = sessionAggregate({ isBanned: async () => false, isCodeOf: async () => true });
  const site = await sessionSite(sessionApi(sessionsInMemory(session)));
  const get = (path: string): Promise<Response> => site(new Request(`http://localhost${path}`));
  const page = await (await get("/")).text();
  expect(page).toContain('src="/page.js"');

  const script = Buffer.from(await (await get("/client.js")).arrayBuffer()).toString("base64");
  const { sessionClient, State } = (await import(
    `data:text/javascript;base64,${script}`
  )) as typeof import("../src/client.js");
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => site(new Request(url, init)));
  try {
    const alice = sessionClient("http://localhost", "alice");
    const { id, version } = await alice.logIn({ device: "laptop" });
    expect(version).toBe(1n);
    const list = async (): Promise<readonly unknown[]> =>
      (await alice.selectSessionCardByUserId({ userId: "alice" })).items.map((card) => [card.device, card.state]);
    expect(await list()).toEqual([["laptop", State.ACTIVE]]);
    expect((await alice.logOut({ id })).state).toBe(State.LOGGED_OUT);
    expect(await list()).toEqual([["laptop", State.LOGGED_OUT]]);
    await expect(alice.logOut({ id })).rejects.toThrow("[failed_precondition]");
  } finally {
    vi.unstubAllGlobals();
  }
});
