/** Whatever the API is asked, it answers with what was asked for or with a typed refusal, and never with a bug. */
import { type Demo, demoStore, order } from "@protosource-es/studio/demo";
import fc from "fast-check";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { schemasOf } from "../../src/schemas.js";
import { studioApi } from "../../src/studio/api.js";
import type { Refusal } from "../../src/studio/index.js";
import type { StudioOptions } from "../../src/studio/studio.js";

const ID = "example_app_order_v1#o-1007";

/** What each route takes, and some of what it knows. */
const ROUTES: { readonly [route: string]: { readonly [name: string]: readonly string[] } } = {
  about: {},
  streams: { cursor: [], limit: ["1"], prefix: ["example_app"] },
  events: { id: [ID], cursor: [], limit: ["2"] },
  event: { id: [ID], version: ["3"], personal: ["shown"] },
  state: { id: [ID], at: ["3", "0"], against: ["2"], rules: ["without"], personal: ["shown"] },
  domain: { type: ["example.app.order.v1.Order"] },
  indexes: {},
  rows: { type: ["Order"], index: ["0", "1"], where: ["id=o-1007", "customer_id=c-1"], cursor: [], limit: ["1"] },
  row: { type: ["Order"], pk: ["ORDER#o-1007"], sk: ["AGG"] },
  commands: { id: [ID] },
  "what-if": { id: [ID], at: ["3"], command: ["AddItem", "Cancel"], fields: ["{}", '{"item":{"itemId":"__proto__"}}'] },
  test: { id: [ID], at: ["3"] },
  subscriptions: {},
  parked: { subscription: ["mails"], cursor: [], limit: ["1"] },
  positions: { id: [ID] },
  health: {},
  tables: {},
  verify: { id: [ID], cursor: [], limit: ["1"] },
};

const HOSTILE = [
  ...["", "\0", "a\0b", "__proto__", "constructor", "null", "[]", '["x","y"]', "[null,null]", "{", "[".repeat(50_000)],
  ...["-1", "1e9", "NaN", "0x10", "٣", "9223372036854775808", "9999999999999999999", "9".repeat(400), "1.5"],
  ...["2026-99-99", "9999-12-31T23:59:59.999999999999Z", "state>2", "id=\0", "id^=x", "=", "total_cents>=1e99"],
  ...["x".repeat(1_000_000), "𝔘".repeat(2_000), "--help", "\u202e", "'; DROP TABLE events; --"],
];

const value = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "binary" }), fc.base64String(), fc.json());

const request = fc.constantFrom(...Object.entries(ROUTES)).chain(([route, known]) => {
  const parameters = Object.entries(known).map(([name, values]) => {
    const one = values.length === 0 ? value : fc.oneof(fc.constantFrom(...values), value);
    return fc.array(one, { maxLength: 2 }).map((all) => all.map((text) => [name, text] as [string, string]));
  });
  return fc.tuple(...parameters).map((all) => `${route}?${new URLSearchParams(all.flat())}`);
});

const database = openSqlite(":memory:");
afterAll(() => database.close());

/** Gives a stream of the demo in an SQLite database. */
async function copied({
  store: from,
  followed,
}: Demo): Promise<Pick<StudioOptions, "store" | "opaqueStore" | "followed">> {
  const opaqueStore = new SqliteOpaqueStore(database);
  const store = new SqliteStore(database, { opaqueStore });
  await store.restore(ID, (await from.load(ID)).records);
  return { store, opaqueStore, followed: { ...followed, store } };
}

describe.each(["memory", "SQLite"])("in %s", (kind) => {
  let answer: (request: Request) => Promise<Response>;
  beforeAll(async () => {
    const demo = await demoStore();
    answer = studioApi({ ...(kind === "memory" ? demo : await copied(demo)), schemas: schemasOf([order]) });
  });

  it("refuses what it can't answer, and says what to do", async () => {
    await fc.assert(
      fc.asyncProperty(request, async (path) => {
        const response = await answer(new Request(`http://studio/api/${path}`));
        const { error } = (await response.json()) as Partial<Refusal>;
        expect([200, 400, 404]).toContain(response.status);
        if (response.status === 200) expect(error).toBeUndefined();
        else
          expect(error).toMatchObject({
            code: expect.not.stringMatching(/^bug$/),
            message: expect.stringMatching(/[:,]/),
          });
      }),
      { numRuns: 300 },
    );
  });
});
