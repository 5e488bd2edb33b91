/** Records of all kinds, hostile texts and stores that are slow, as the page shows them: by keyboard alone. */
import { create, type DescMessage, type MessageInitShape, toBinary, type UnknownField } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import type { Page } from "playwright-core";
import { Repository, type StoredRecord, tombstoneRecord } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer } from "protosource-es/serializer";
import { beforeAll, expect, it } from "vitest";
import {
  CameInSchema,
  NameChangedSchema,
} from "../../../protosource-es/test/gen/example/app/member/v1/member_v1_pb.js";
import { memberEvents } from "../../../protosource-es/test/gen/example/app/member/v1/member_v1_protosource.js";
import { FilledInSchema } from "../../../protosource-es/test/gen/example/app/shapes/v1/shapes_v1_pb.js";
import { defineForm } from "../../../protosource-es/test/gen/example/app/shapes/v1/shapes_v1_protosource.js";
import { member, memberWith } from "../../../protosource-es/test/member.js";
import { schemasOf } from "../../src/schemas.js";
import type { StudioServer } from "../../src/studio/server.js";
import type { ReadableStore } from "../../src/studio/studio.js";
import { addressAt, demoOptions, serve, useBrowser, useBuiltPage, violations } from "./open-studio.js";

useBuiltPage();
const browser = useBrowser();
const schemas = schemasOf([member, defineForm()]);
/** Turns the direction of writing, and is markup. */
const HOSTILE = '<img src=x onerror="alert(1)">\u202e&quot;';
const MEMBER = `example_app_member_v1#m-1 ${HOSTILE}`;
const ORDER = "example_app_order_v1#o-1007";
const START = 1_772_442_000_000_417n;
const FORM = "example_app_shapes_v1#f-1";
let shop: StudioServer;
let members: StudioServer;
beforeAll(async () => {
  shop = await serve(await demoOptions());
  members = await serve({ store: await storeOfAllKinds(), schemas });
});

function record(version: bigint, data: Uint8Array, ttl = 0n): StoredRecord {
  return create(StoredRecordSchema, { version, data, ttl });
}

function event<D extends DescMessage>(
  version: bigint,
  schema: D,
  fields: MessageInitShape<D>,
  { ttl, unknown }: { readonly ttl?: bigint; readonly unknown?: UnknownField[] } = {},
): StoredRecord {
  const envelope = { id: "m-1", version, at: START + version, actor: version === 8n ? "bob" : " ann  b " };
  const message = Object.assign(create(schema, fields), envelope, { $unknown: unknown });
  return record(version, binarySerializer.serialize(schema, message), ttl);
}

/** A stream with a record of each kind, and one with fields that have no JSON. */
async function storeOfAllKinds(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const before = new Repository(memberWith({ retired: [], everyNEvents: 2 }), store);
  const past = [memberEvents.Registered({ name: `Ann ${HOSTILE}`, actor: HOSTILE }), memberEvents.Telephoned({})];
  await before.save(MEMBER.slice(MEMBER.indexOf("#") + 1), past as never);
  const unknown = create(AnySchema, { typeUrl: `type.googleapis.com/gone.${HOSTILE}`, value: Uint8Array.of(8, 1) });
  const twice = [1, 2].map((value) => ({ no: 4711, wireType: WireType.Varint, data: Uint8Array.of(value) }));
  await store.save(MEMBER, [event(4n, CameInSchema, { visit: { day: "constructor", club: HOSTILE } })]);
  await store.save(MEMBER, [event(5n, CameInSchema, { visit: { day: "2026-01-01", club: "chess" } }, { ttl: 1n })]);
  await store.save(MEMBER, [record(6n, toBinary(AnySchema, unknown))]);
  await store.save(MEMBER, [record(7n, Uint8Array.of(255, 255))]);
  await store.save(MEMBER, [event(8n, NameChangedSchema, { familyName: HOSTILE })]);
  await store.save(MEMBER, [event(9n, NameChangedSchema, { givenName: "Zoë" }, { unknown: twice })]);
  await store.save(MEMBER, [tombstoneRecord({ stream: MEMBER, version: 10n, at: 1n, actor: HOSTILE })]);
  const due = { seconds: 10n ** 15n, nanos: 0 };
  await store.save(FORM, [event(1n, FilledInSchema, { weight: Number.NaN, due, nickname: HOSTILE })]);
  return store;
}

async function openAt(server: StudioServer, place: { readonly [name: string]: string }): Promise<Page> {
  const page = await browser.open(addressAt(server, place));
  await page.getByRole("listbox", { name: "Events" }).getByRole("option").first().waitFor();
  return page;
}

const paramsOf = (page: Page): { [name: string]: string } => Object.fromEntries(new URL(page.url()).searchParams);

async function expectNothingWrong(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await violations(page)).toEqual([]);
  }
}

it("goes to a time as it is shown, shows what happened then, and compares with any version, by keys alone", async () => {
  const page = await openAt(shop, { view: "stream", id: ORDER, at: "40" });
  const time = await page.locator("output .quiet").innerText();
  await page.keyboard.press("ArrowLeft");
  await page.waitForURL(/at=39/);
  await page.keyboard.press("g");
  await page.keyboard.type(time);
  await page.keyboard.press("Enter");
  await page.waitForURL(/at=40/);
  await page.getByRole("slider", { name: "Version" }).focus();
  await page.keyboard.press("d");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("10");
  await page.keyboard.press("Enter");
  await page.getByText(/changes since version 10/).waitFor();
  for (const name of ["From which time", "Up to which time"]) {
    await page.getByRole("textbox", { name }).focus();
    await page.keyboard.type(time);
    await page.keyboard.press("Enter");
  }
  await page.getByText("1 of 77 records", { exact: true }).waitFor();
  expect(paramsOf(page)).toMatchObject({ at: "40", against: "10", from: time, to: time });
});

it("marks records of all kinds, and shows each of them whole, whatever it holds", async () => {
  const page = await openAt(members, { view: "stream", id: MEMBER, at: "1", tab: "event" });
  const list = page.getByRole("listbox", { name: "Events" });
  const rows = list.getByRole("option");
  const marks = ["retired", "retired", "snapshot", "", "expired", "unknown", "damaged", "", "", "tombstone"];
  await expect.poll(() => rows.count()).toBe(marks.length);
  for (const [i, mark] of marks.entries()) {
    expect(await rows.nth(i).locator(".badge").allInnerTexts()).toEqual(mark === "" ? [] : [mark]);
  }

  const panel = page.getByRole("tabpanel");
  await panel.getByRole("listbox", { name: "Read as" }).getByText("Ann").waitFor();
  for (const text of [
    "ignored",
    "example.app.member.v1.Snapshot",
    "constructor",
    "Expires",
    // A message shows what turns the direction of writing as code has it.
    `unknown type gone.${HOSTILE.replace("\u202e", "\\u{202e}")}`,
    "Stored bytes",
    HOSTILE,
    "Field 4711",
    "protosource_es.stream.v1.Tombstone",
  ]) {
    await page.keyboard.press("j");
    await panel.getByText(text, { exact: false }).first().waitFor();
    await panel.getByText("Stored bytes").waitFor();
    if (text === "Field 4711") expect(await panel.getByText("Field 4711").count()).toBe(2);
  }
  await expectNothingWrong(page);

  await page.keyboard.press("f");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.getByText("3 of 10 records", { exact: true }).waitFor();
});

it("goes to the event that set a field, by keys alone", async () => {
  const page = await openAt(members, { view: "stream", id: MEMBER, at: "4" });
  const state = page.getByRole("listbox", { name: "State" });
  await state.getByText("familyName").waitFor();
  await state.focus();
  await page.keyboard.press("Home");
  const wanted = state.getByRole("option", { name: /familyName/, selected: true });
  while ((await wanted.count()) === 0) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(/at=1$/);
});

it("shows fields that have no JSON beside the others", async () => {
  const page = await openAt(members, { view: "stream", id: FORM, tab: "event" });
  const shown = page.getByRole("listbox", { name: "Event", exact: true });
  for (const text of ["NaN", "@withoutJson", HOSTILE]) await shown.getByText(text, { exact: true }).waitFor();
  await page.keyboard.press("s");
  await page.getByRole("tab", { name: "State", selected: true }).waitFor();
  await expectNothingWrong(page);
});

it("lists the streams of a store that is slow and charges, as far as it was asked to, by keys alone", async () => {
  const store = new MemoryStore();
  for (const id of ["a", "a b", "c"])
    await store.save(`example_app_member_v1#${id}`, [event(1n, NameChangedSchema, {})]);
  const answers: (() => void)[] = [];
  const slow: ReadableStore = {
    load: (...args) => store.load(...args),
    loadTail: (...args) => store.loadTail(...args),
    events: (...args) => store.events(...args),
    async scan(options) {
      await new Promise<void>((resolve) => answers.push(resolve));
      return store.scan({ ...options, limit: 1 });
    },
  };
  const answer = async (): Promise<void> => {
    await expect.poll(() => answers.length).toBe(1);
    answers.pop()?.();
  };
  const { address } = await serve({
    store: slow,
    schemas: schemasOf([member]),
    name: { kind: "dynamodb", name: "events" },
    meter: { measure: async (work) => ({ result: await work(), cost: { requests: 1, readUnits: 0.5 } }) },
  });
  const page = await browser.open(address);
  const press = async (name: string): Promise<void> => {
    await page.getByRole("button", { name, exact: true }).focus();
    await page.keyboard.press("Enter");
  };
  await press("Stop");
  await page.getByText("0 streams of 0 records that were read", { exact: true }).waitFor();
  expect(await page.getByText("There are no streams yet", { exact: false }).count()).toBe(0);
  answers.pop()?.();
  await press("Read on");
  await answer();
  await page.getByText("1 stream of 1 records that were read · 1 request, 0.5 read units", { exact: true }).waitFor();
  await press("Read on");
  await answer();
  await page.getByText("2 streams of 2 records that were read · 2 requests, 1 read unit", { exact: true }).waitFor();
  await expectNothingWrong(page);
  await page.keyboard.press("j");
  await page.getByRole("option", { name: /a b/, selected: true }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("Member a b");
  await page.keyboard.press("Enter");
  await page.waitForURL(/find=Member/);
  await answer();
  await page.getByText("0 streams of 1 records that were read", { exact: false }).waitFor();
  await press("Read on");
  await answer();
  await page.getByText("1 stream of 2 records that were read", { exact: false }).waitFor();
  await page.getByRole("listbox", { name: "Streams" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/view=stream&/);
  await answer();
  await page.getByRole("heading", { name: "Member a b" }).waitFor();
});
