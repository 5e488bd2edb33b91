/** Personal fields in a browser: masked at first, shown by a key, and never in what outlives the page. */

import type { Page } from "playwright-core";
import { Repository, streamId } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { defineHandler, on, type Subscription, Subscriptions } from "protosource-es/subscriptions";
import { beforeAll, expect, it } from "vitest";
import { personCommands } from "../../../protosource-es/test/gen/example/app/people/v1/people_v1_protosource.js";
import { schemasOf } from "../../src/schemas.js";
import type { StudioServer } from "../../src/studio/server.js";
import { keyring, person } from "../people.js";
import { demoOptions, serve, useBrowser, useBuiltPage, violations } from "./open-studio.js";

const greetings: Subscription = defineHandler({
  name: "greetings",
  tries: 1,
  from: [
    on(person, {
      Registered({ name }) {
        throw new Error(`no greeting for ${name}`);
      },
    }),
  ],
});

const id = streamId(person, "p-1");

useBuiltPage();
const browser = useBrowser();
let server: StudioServer;
beforeAll(async () => {
  const opaqueStore = new MemoryOpaqueStore();
  const store = new MemoryStore({ opaqueStore });
  const people = new Repository(person, store, { keyring });
  const as = { id: "p-1", actor: "clerk" };
  await people.apply(personCommands.Register({ name: "Xanthippe", email: "x@athens.gr", plan: "gold" }), as);
  await people.apply(personCommands.Rename({ name: "Xanthippe the Wise" }), as);
  await new Subscriptions({ store, all: [greetings], keyring }).catchUp();
  const schemas = schemasOf([person], { keyring });
  server = await serve({ store, opaqueStore, schemas, followed: { all: [greetings], store } });
});

const PERSONAL = /Xanthippe|athens/;

/** Gives all that is in the page: what can be read, and what is in its fields. */
function shownIn(page: Page): Promise<string> {
  return page.evaluate(() => document.body.innerText + document.documentElement.outerHTML);
}

/** Fails for what outlives the page and tells of a person, or that one is shown. */
async function leavesNothing(page: Page): Promise<void> {
  expect(page.url()).not.toMatch(/Xanthippe|athens|personal/);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state]));
  expect(kept).not.toMatch(/Xanthippe|athens|personal|shown/);
}

const placeOf = (parameters: { readonly [name: string]: string }): string =>
  `${new URL(server.address).origin}/?${new URLSearchParams(parameters)}`;

it("are masked at first, shown by a key, and masked again by it and after a reload, on each screen", async () => {
  const page = await browser.open(server.address);
  const button = page.getByRole("button", { name: /^Personal/ });
  const stream = { view: "stream", id, at: "2" };
  for (const [place, text, shown] of [
    [stream, "changes since version 1", "Xanthippe the Wise"],
    [{ ...stream, tab: "event" }, "Personal fields are masked", "Stored bytes"],
    [{ view: "rows", type: "example.app.people.v1.Person", index: "2", "is.plan": "gold" }, "1 row", "x@athens.gr"],
    [{ view: "subscriptions", of: "greetings@1", id }, "show them to read it", "no greeting for Xanthippe"],
  ] as const) {
    await page.goto(placeOf(place));
    await page.getByText(text).first().waitFor();
    expect(await button.innerText()).toContain("masked");
    expect(await shownIn(page)).not.toMatch(PERSONAL);
    await page.keyboard.press("p");
    await page.getByText(shown).first().waitFor();
    expect(await shownIn(page)).toMatch(PERSONAL);
    expect(await button.innerText()).toContain("shown");
    await leavesNothing(page);
    await page.keyboard.press("p");
    await page.getByText(text).first().waitFor();
    expect(await shownIn(page)).not.toMatch(PERSONAL);
    await page.keyboard.press("p");
    await page.getByText(shown).first().waitFor();
    await page.reload();
    await page.getByText(text).first().waitFor();
    expect(await shownIn(page)).not.toMatch(PERSONAL);
  }
});

it("are found by what is typed for them, which stays out of the address", async () => {
  const page = await browser.open(server.address);
  await page.goto(placeOf({ view: "rows", type: "example.app.people.v1.Person", index: "1" }));
  await page.getByLabel("email").fill("x@athens.gr");
  await page.keyboard.press("Enter");
  await page.getByText("1 row").waitFor();
  await leavesNothing(page);
  await page.getByRole("listbox", { name: "Rows" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/pk=/);
  await page.getByText("Up to date.").waitFor();
  await leavesNothing(page);
  // It stays in the form when something else is shown, and goes with the page.
  await page.getByRole("button", { name: /^Personal/ }).click();
  await page.getByText("Xanthippe the Wise").first().waitFor();
  expect(await page.getByLabel("email").inputValue()).toBe("x@athens.gr");
  await leavesNothing(page);
  await page.reload();
  await page.getByText("Fill in the form").waitFor();
});

it.each(["light", "dark"] as const)("leave axe nothing to object to, masked and shown, in %s", async (colorScheme) => {
  const page = await browser.open(server.address, { colorScheme });
  await page.goto(placeOf({ view: "stream", id, at: "2", tab: "event" }));
  await page.getByText("Personal fields are masked").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("p");
  await page.getByText("Stored bytes").waitFor();
  expect(await violations(page)).toEqual([]);
});

it("have no control where no message has any", async () => {
  const page = await browser.open((await serve(await demoOptions())).address);
  await page.getByRole("option").first().waitFor();
  expect(await page.getByRole("button", { name: /^Personal/ }).count()).toBe(0);
});
