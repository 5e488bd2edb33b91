/** What the API promises of each answer, where no server keeps guard before it: a page may have it in itself. */
import { create } from "@bufbuild/protobuf";
import { demoStore, order } from "@protosource-es/studio/demo";
import { type ErrorCode, ProtosourceError } from "protosource-es";
import { StoredRecordSchema } from "protosource-es/proto";
import { beforeAll, describe, expect, it } from "vitest";
import { schemasOf } from "../../src/schemas.js";
import { studioApi } from "../../src/studio/api.js";
import { requestMeter } from "../../src/studio/meter.js";
import type { StudioOptions } from "../../src/studio/studio.js";
import { person } from "../people.js";
import { answers } from "./answers.js";

const schemas = schemasOf([order]);
let shop: StudioOptions;
beforeAll(async () => {
  shop = { ...(await demoStore()), schemas };
});

function get(options: StudioOptions, path: string, init?: RequestInit): Promise<Response> {
  return studioApi(options)(new Request(`http://studio${path}`, init));
}

/** The store of the shop, in which `work` is done before each call. */
function before(work: (name: string, args: readonly unknown[]) => unknown): StudioOptions["store"] {
  return new Proxy(shop.store, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name);
      if (typeof found !== "function") return found;
      return (...args: unknown[]) => work(String(name), args) ?? found.apply(target, args);
    },
  });
}

it.each(["/about", "/xpi/about", "/api/", "/api/constructor", "/api/__proto__", "/api/about/"])(
  "has nothing at %s",
  async (path) => {
    const response = await get(shop, path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "not_found" } });
  },
);

it("only reads", async () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
    expect((await get(shop, "/api/about", { method })).status).toBe(405);
  }
  expect((await get(shop, "/api/about", { method: "HEAD" })).status).toBe(200);
});

it("reads a stream once for all its states", async () => {
  const calls: string[] = [];
  const api = studioApi({ ...shop, store: before((name) => void calls.push(name)) });
  const ask = (at: number) =>
    api(
      new Request(`http://studio/api/state?${new URLSearchParams({ id: "example_app_order_v1#o-1007", at: `${at}` })}`),
    );
  await ask(40);
  const first = [...calls];
  for (const at of [39, 41, 1, 77, 0]) expect((await ask(at)).status).toBe(200);
  expect(first.length).toBeGreaterThan(0);
  expect(calls).toEqual(first);
});

describe.each([
  ["with a meter", requestMeter()],
  ["without a meter", undefined],
])("%s", (_, meter) => {
  it("hands what ends a request on to the store", async () => {
    const client = new AbortController();
    const asked: (AbortSignal | undefined)[] = [];
    const store = before((_, args) => {
      asked.push(args.map((arg) => (arg as { signal?: AbortSignal } | undefined)?.signal).find(Boolean));
      return new Promise(() => {});
    });
    void get({ ...shop, store, meter }, "/api/streams", { signal: client.signal });
    await expect.poll(() => asked.map((signal) => signal?.aborted)).toEqual([false]);
    client.abort();
    expect(asked.map((signal) => signal?.aborted)).toEqual([true]);
  });
});

it("gives command lines where one reaches what is looked at, and none elsewhere", async () => {
  const own = await demoStore();
  const damaged = create(StoredRecordSchema, { version: 1n, data: Uint8Array.of(255, 255) });
  await own.store.save("example_app_order_v1#o-damaged", [damaged]);
  const questions = [
    ["state", { id: "example_app_order_v1#o-1007" }],
    ["verify", { id: "example_app_order_v1#o-damaged" }],
    ["positions", { id: "example_app_order_v1#o-1012" }],
    ["row", { pk: "example_app_order_v1#order#id#o-1007", sk: "AGG" }],
  ] as const;
  // A row that is behind: its stream went on without it.
  const [, last] = (await own.store.loadTail("example_app_order_v1#o-1007", 2)).records;
  await own.store.save("example_app_order_v1#o-1007", [{ ...(last ?? damaged), version: 78n }]);
  const linesBy = async (words?: readonly string[]): Promise<object> =>
    Object.fromEntries(
      (await answers({ ...own, schemas, words }, questions)).map(([route, status, answer]) => [
        `${route} ${status}`,
        JSON.stringify(answer).match(/"protosource /g)?.length ?? 0,
      ]),
    );
  const [all, none] = [await linesBy(["--store", "sqlite:orders.db"]), await linesBy()];
  expect(all).toEqual({ "state 200": 1, "verify 200": 1, "positions 200": 2, "row 200": 1 });
  expect(none).toEqual({ "state 200": 0, "verify 200": 0, "positions 200": 0, "row 200": 0 });
});

it("tells what an answer cost where there is a meter, each its own", async () => {
  const meter = requestMeter();
  const store = before(() => meter.onRequest({ readUnits: 1.5 } as Parameters<typeof meter.onRequest>[0]));
  const api = studioApi({ ...shop, store, meter });
  const paths = ["/api/about", "/api/streams?limit=5000", "/api/about"];
  const answers = await Promise.all(paths.map(async (path) => (await api(new Request(`http://studio${path}`))).json()));
  const [none, some, again] = answers.map(({ cost }: { cost: unknown }) => cost);
  expect([none, again]).toEqual([none, none]);
  expect(none).toEqual({ requests: 0, readUnits: 0 });
  expect(some).toEqual({ requests: 1, readUnits: 1.5 });
  expect(await (await get(shop, "/api/about")).json()).not.toHaveProperty("cost");
});

it.each<[ErrorCode, number, object]>([
  ["invalid_argument", 400, { argument: "x" }],
  ["too_large", 400, {}],
  ["not_configured", 400, {}],
  ["denied", 403, {}],
  ["not_found", 404, {}],
  ["unavailable", 503, {}],
  ["corrupt_record", 502, {}],
])(
  "answers %s by status %i, with the store's words, also where personal fields are masked",
  async (code, status, details) => {
    const store = before(() => {
      throw new ProtosourceError(code, "what the store says: what to do", details as never);
    });
    const response = await get({ store, schemas: schemasOf([person]) }, "/api/streams");
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: { code, message: "what the store says: what to do" } });
  },
);
