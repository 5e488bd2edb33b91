/** The API of the studio, without a server and without a page. */
import { create } from "@bufbuild/protobuf";
import { demoStore, order } from "@protosource-es/studio/demo";
import { Repository, tombstoneRecord } from "protosource-es";
import { MemoryStore } from "protosource-es/memory";
import { StoredRecordSchema } from "protosource-es/proto";
import { beforeAll, describe, expect, it } from "vitest";
import {
  defineForm,
  formEvents,
} from "../../../protosource-es/test/gen/example/app/shapes/v1/shapes_v1_protosource.js";
import { schemasOf } from "../../src/schemas.js";
import { studioApi } from "../../src/studio/api.js";
import type { StudioOptions } from "../../src/studio/studio.js";

type Answer = { readonly [name: string]: unknown };

/** Asks an API, and gives the status with the answer. */
async function ask(
  options: StudioOptions,
  route: string,
  parameters: { readonly [name: string]: string } = {},
): Promise<readonly [status: number, answer: Answer]> {
  return askApi(studioApi(options), route, parameters);
}

async function askApi(
  api: (request: Request) => Promise<Response>,
  route: string,
  parameters: { readonly [name: string]: string },
): Promise<readonly [number, Answer]> {
  const response = await api(new Request(`http://studio/api/${route}?${new URLSearchParams(parameters)}`));
  return [response.status, (await response.json()) as Answer];
}

const id = "example_app_order_v1#o-1007";
const schemas = schemasOf([order]);
let shop: StudioOptions;
beforeAll(async () => {
  shop = { ...(await demoStore()), schemas };
});

describe("state", () => {
  it("goes to and fro, and is the same each time", async () => {
    const api = studioApi(shop);
    const seen = new Map<string, unknown>();
    for (const at of ["77", "3", "40", "1", "77", "40", "0", "3", "1"]) {
      const [status, { state, blame }] = await askApi(api, "state", { id, at });
      expect(status).toBe(200);
      const found = { state, blame };
      if (seen.has(at)) expect(found).toEqual(seen.get(at));
      // Asked of an API that has read nothing yet, it is the same.
      else expect(found).toEqual((({ state, blame }) => ({ state, blame }))((await ask(shop, "state", { id, at }))[1]));
      seen.set(at, found);
    }
  });

  it("tells which event set a value, and what differs between any two versions", async () => {
    const [, { blame, changes, version, against }] = await ask(shop, "state", { id, at: "3", against: "1" });
    expect({ version, against }).toEqual({ version: "3", against: "1" });
    expect(blame).toMatchObject({
      customerId: "1",
      'items["table-1"]': "2",
      'items["rug-2"].quantity': "3",
      itemCount: "3",
    });
    expect((changes as { path: string }[]).map(({ path }) => path)).toEqual(
      expect.arrayContaining(["version", "itemCount", "items"]),
    );
  });

  it("knows fields and keys of maps that every object inherits", async () => {
    const store = new MemoryStore();
    const form = defineForm();
    const past = [
      formEvents.Started({ constructor$: "c" }),
      formEvents.FilledIn({ scores: { toString: 1n } }),
      formEvents.FilledIn({ constructor$: "d", scores: { toString: 2n, valueOf: 1n } }),
    ];
    await new Repository(form, store).save("f-1", past);
    const api = studioApi({ store, schemas: schemasOf([form]) });
    const about = { id: "example_app_shapes_v1#f-1" };
    const [status, { state, changes, blame }] = await askApi(api, "state", { ...about, at: "5", against: "1" });
    expect(status).toBe(200);
    expect(state).toMatchObject({ constructor: "d", scores: { toString: "2", valueOf: "1" } });
    expect(changes).toContainEqual({ path: "constructor", before: "c", after: "d" });
    expect(blame).toMatchObject({ constructor: "4", "scores.toString": "4" });
    expect((await askApi(api, "state", { ...about, at: "1" }))[1]["state"]).not.toHaveProperty("scores");
  });

  it("ends at a time with the last event that isn't later, as a repository does where clocks differ", async () => {
    const store = new MemoryStore();
    const form = defineForm();
    const forms = new Repository(form, store);
    const seconds = [0, 50, 20, 90, 40];
    const past = seconds.map((second, i) => {
      const at = BigInt(Date.UTC(2026, 0, 31, 12, 0, second)) * 1000n;
      return i === 0 ? formEvents.Started({ constructor$: "c", at }) : formEvents.Amended({ rank: i, at });
    });
    await forms.save("f-1", past);
    for (const second of [0, 10, 20, 45, 59]) {
      const at = `2026-01-31T12:00:${String(second).padStart(2, "0")}Z`;
      const { version, rank = "none" } = await forms.load("f-1", { at: new Date(at) });
      const about = { id: "example_app_shapes_v1#f-1", at };
      const options = { store, schemas: schemasOf([form]) };
      expect((await ask(options, "state", about))[1]).toMatchObject({ version: String(version) });
      const [, { text }] = await ask(options, "test", about);
      expect(/then\(.* rank: (\d+)/.exec(text as string)?.[1] ?? "none").toBe(String(rank));
    }
  });

  it("tells which event left nothing of a value", async () => {
    const store = new MemoryStore();
    const form = defineForm();
    const past = [
      formEvents.Started({ constructor$: "c" }),
      formEvents.FilledIn({ mainPart: { name: "a" } }),
      formEvents.FilledIn({ mainPart: {} }),
    ];
    await new Repository(form, store).save("f-1", past);
    const about = { id: "example_app_shapes_v1#f-1", at: "4" };
    const [, { state, blame }] = await ask({ store, schemas: schemasOf([form]) }, "state", about);
    expect(state).toMatchObject({ mainPart: {} });
    expect(blame).toMatchObject({ mainPart: "4" });
  });

  it("leaves out what rules derive, when told to", async () => {
    const [, { state }] = await ask(shop, "state", { id, at: "3", rules: "without" });
    expect(state).not.toHaveProperty("itemCount");
  });
});

describe("what-if", () => {
  it("shows the events of a command, and stores nothing", async () => {
    const before = await shop.store.load("example_app_order_v1#o-1001");
    const fields = JSON.stringify({ item: { itemId: "sofa", priceCents: "100", quantity: 2 } });
    const [status, answer] = await ask(shop, "what-if", {
      id: "example_app_order_v1#o-1001",
      at: "3",
      command: "AddItem",
      fields,
    });
    expect(status).toBe(200);
    expect(answer).toMatchObject({
      hasRules: true,
      events: [{ type: "ItemAdded", json: { item: { itemId: "sofa" } } }],
    });
    expect(answer["changes"]).toContainEqual(expect.objectContaining({ path: "items.sofa" }));
    expect(await shop.store.load("example_app_order_v1#o-1001")).toEqual(before);
  });

  it("shows why a command is refused, by its annotations and by its rules", async () => {
    const refused = async (command: string, at: string, fields: object): Promise<unknown> =>
      (await ask(shop, "what-if", { id, at, command, fields: JSON.stringify(fields) }))[1]["refusal"];
    expect(await refused("Pay", "3", {})).toMatchObject({ code: "state_not_allowed" });
    expect(await refused("AddItem", "3", { item: { itemId: "rug-2" } })).toMatchObject({ code: "ItemAlreadyThere" });
    expect(await refused("AddItem", "0", {})).toMatchObject({ code: "not_created" });
  });
});

it("gives the past of a stream as a test", async () => {
  const [, { text }] = await ask(shop, "test", { id, at: "2" });
  expect(text).toContain('orderEvents.Created({ customerId: "c-3", customerName: "José Núñez" }),');
  expect(text).toContain("priceCents: 18900n");
  expect(text).toMatch(/^given\(order, \[\n/);
  expect(text).toMatch(/^\]\)\.then\(\{ .*customerId: "c-3".* \}\);\n$/m);
});

it("makes no test of a past that isn't whole", async () => {
  const store = new MemoryStore();
  const { records } = await shop.store.load(id);
  const end = tombstoneRecord({ stream: id, version: 5n, at: 1n, actor: "ann" });
  await store.restore(id, [...records.slice(0, 4), end]);
  await store.restore("example_app_order_v1#late", records.slice(2, 4));
  const refused = async (id: string, at: string): Promise<unknown> =>
    (await ask({ store, schemas }, "test", { id, at }))[1]["error"];
  expect(await refused("example_app_order_v1#late", "4")).toMatchObject({
    message: "version 1 isn't there: a test needs all events",
  });
  expect(await refused(id, "4")).toBeUndefined();
  expect(await refused(id, "5")).toMatchObject({ message: expect.stringContaining("version 5 is a Tombstone") });
});

it("gives streams and events in pages that come to all of them", async () => {
  for (const [route, list, parameters] of [
    ["streams", "streams", {}],
    ["events", "events", { id }],
  ] as const) {
    const api = studioApi(shop);
    const keys: string[] = [];
    let cursor: string | undefined;
    do {
      const [, page] = await askApi(api, route, { ...parameters, limit: "7", ...(cursor ? { cursor } : {}) });
      const found = page[list] as { id?: string; version?: string }[];
      expect(found.length).toBeLessThanOrEqual(7);
      keys.push(...found.map((one) => one.id ?? one.version ?? ""));
      cursor = page["cursor"] as string | undefined;
    } while (cursor !== undefined);
    const whole = (await askApi(api, route, { ...parameters, limit: "5000" }))[1];
    expect(whole).not.toHaveProperty("cursor");
    expect(new Set(keys).size).toBe((whole[list] as object[]).length);
  }
});

describe("where something is wrong", () => {
  it("shows a damaged stream as far as it can be read", async () => {
    const store = new MemoryStore();
    const { records } = await shop.store.load(id);
    const damaged = create(StoredRecordSchema, { version: 3n, data: new Uint8Array([0x1f, 0x8b, 1, 2, 3]) });
    await store.restore(id, [...records.slice(0, 2), damaged, ...records.slice(3, 6)]);
    await store.restore(id, records.slice(8, 10));
    const [, { events }] = await ask({ store, schemas }, "events", { id });
    expect((events as { kind: string }[]).map(({ kind }) => kind)).toEqual([
      "event",
      "event",
      "damaged",
      ...Array.from({ length: 5 }, () => "event"),
    ]);
    const [status, shown] = await ask({ store, schemas }, "event", { id, version: "3" });
    expect(status).toBe(200);
    expect(shown).toMatchObject({ kind: "damaged", raw: "H4sBAgM=" });
    expect((await ask({ store, schemas }, "state", { id, at: "2" }))[1]).toHaveProperty("state");
    expect((await ask({ store, schemas }, "state", { id, at: "4" }))[1]).not.toHaveProperty("state");
  });

  it("says what to give where nothing is known of the messages", async () => {
    const bare = { ...shop, schemas: schemasOf([]) };
    const [, { events }] = await ask(bare, "events", { id });
    expect(events).toContainEqual(expect.objectContaining({ kind: "unknown", type: "Created" }));
    const [status, { error }] = await ask(bare, "state", { id });
    expect(status).toBe(400);
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining("--descriptors") });
  });

  it.each<[string, number, string, { readonly [name: string]: string }]>([
    ["a stream that isn't there", 404, "state", { id: "example_app_order_v1#none" }],
    ["a version that isn't there", 404, "event", { id, version: "99" }],
    ["a version that is none", 404, "event", { id, version: "x" }],
    ["a moment that is none", 400, "state", { id, at: "noon" }],
    ["a command that isn't there", 400, "what-if", { id, at: "3", command: "constructor" }],
    ["fields that are none", 400, "what-if", { id, at: "3", command: "AddItem", fields: "{" }],
    ["no stream", 400, "events", {}],
    ["the cursor of another scan", 400, "streams", { cursor: "AAAA" }],
    ["a page without end", 400, "streams", { limit: "1000000000" }],
    ["an id that is too long", 400, "events", { id: "x".repeat(3000) }],
  ])("refuses %s", async (_, status, route, parameters) => {
    const [got, { error }] = await ask(shop, route, parameters);
    expect(got).toBe(status);
    expect(error).toMatchObject({ code: expect.any(String), message: expect.stringMatching(/.: ./) });
  });
});
