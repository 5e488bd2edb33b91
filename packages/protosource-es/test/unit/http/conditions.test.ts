import { describe, expect, it } from "vitest";
import { orderApi, SERVICE } from "./api.js";

const setShipping = { id: "o1", shippingAddress: "Dock 3" };

async function created(): Promise<ReturnType<typeof orderApi>> {
  const api = orderApi();
  await api.post("Create", { id: "o1", customerId: "c1" });
  return api;
}

describe("a command's headers", () => {
  it("say by If-Match which version it was decided on, which is 412 when another is there", async () => {
    const api = await created();
    const first = await api.post("SetShipping", setShipping, { "if-match": '"1"' });
    expect([first.status, first.headers.get("etag")]).toEqual([200, '"2"']);
    const late = await api.post("SetShipping", setShipping, { "if-match": '"1"' });
    expect([late.status, late.json["code"]]).toEqual([412, "aborted"]);
    const family = await api.family("/setshipping", setShipping, { "if-match": '"1"' });
    expect([family.status, family.json["code"]]).toEqual([412, "CMD_CONFLICT"]);
  });

  it("say by If-None-Match that there is no aggregate yet", async () => {
    const api = await created();
    const again = await api.post("SetShipping", setShipping, { "if-none-match": "*" });
    expect(again.status).toBe(412);
    expect((await api.post("Create", { id: "o2" }, { "if-none-match": "*" })).status).toBe(200);
  });

  it.each([
    [{ "if-match": "*" }, "If-Match"],
    [{ "if-match": '"1", "2"' }, "If-Match"],
    [{ "if-match": 'W/"1"' }, "If-Match"],
    [{ "if-match": '"-1"' }, "If-Match"],
    [{ "if-none-match": '"1"' }, "If-None-Match"],
    [{ "if-match": '"1"', "if-none-match": "*" }, "contradict"],
    [{ "idempotency-key": "" }, "Idempotency-Key"],
    [{ "idempotency-key": "k".repeat(256) }, "Idempotency-Key"],
  ])("are refused as %o", async (headers, why) => {
    const api = await created();
    const { status, json } = await api.post("SetShipping", setShipping, headers as Record<string, string>);
    expect([status, json["code"]]).toEqual([400, "invalid_argument"]);
    expect(json["message"]).toContain(why);
    expect((await api.repository.load("o1")).version).toBe(1n);
  });
});

describe("an Idempotency-Key", () => {
  it("has a command done once, and says so to who sends it again", async () => {
    const api = await created();
    const key = { "idempotency-key": '"k1"' };
    const first = await api.post("SetShipping", setShipping, key);
    const again = await api.post("SetShipping", setShipping, { "idempotency-key": "k1" });
    expect(again.json).toEqual(first.json);
    expect([first, again].map(({ headers }) => headers.get("idempotency-replayed"))).toEqual([null, "true"]);
    expect((await api.repository.load("o1")).version).toBe(2n);
  });

  it("is refused for another command, and for another aggregate", async () => {
    const api = await created();
    const key = { "idempotency-key": "k1" };
    await api.post("SetShipping", setShipping, key);
    for (const other of [
      { ...setShipping, shippingAddress: "Dock 4" },
      { ...setShipping, id: "o2" },
    ]) {
      const connect = await api.post("SetShipping", other, key);
      expect([connect.status, connect.json["code"]]).toEqual([422, "failed_precondition"]);
      expect(JSON.stringify(connect.json)).not.toContain("o1");
      expect((await api.family("/setshipping", other, key)).status).toBe(422);
    }
  });

  it("is a caller's own: another's is another key", async () => {
    const api = orderApi({ repositoryOptions: { newId: () => crypto.randomUUID() } });
    const [ann, bob] = await Promise.all(
      ["ann", "bob"].map((user) => api.post("Create", {}, { "x-user": user, "idempotency-key": "k1" })),
    );
    expect(ann?.json["id"]).not.toBe(bob?.json["id"]);
    const slashes = [
      { "x-user": "a/b", "idempotency-key": "c" },
      { "x-user": "a", "idempotency-key": "b/c" },
    ];
    const ids = await Promise.all(slashes.map(async (headers) => (await api.post("Create", {}, headers)).json["id"]));
    expect(new Set(ids).size).toBe(2);
  });
});

describe("a read", () => {
  it("by GET has an ETag, and is 304 to who has that", async () => {
    const api = await created();
    const url = `${SERVICE}/GetOrder?connect=v1&encoding=json&message=${encodeURIComponent('{"id":"o1"}')}`;
    const get = (headers: Record<string, string> = {}): Promise<Response> => api.handle(new Request(url, { headers }));
    const first = await get();
    expect([first.status, first.headers.get("etag"), first.headers.get("cache-control")]).toEqual([
      200,
      '"1"',
      "private, no-cache",
    ]);
    const known = await get({ "if-none-match": 'W/"0", "1"' });
    expect([known.status, await known.text(), known.headers.get("etag")]).toEqual([304, "", '"1"']);
    await api.post("SetShipping", setShipping);
    expect((await get({ "if-none-match": '"1"' })).status).toBe(200);
  });

  it("says how it may be cached, as the user chooses, and no command may be", async () => {
    const api = orderApi({ cacheControl: ({ name }) => `max-age=${name.length}` });
    const command = await api.post("Create", { id: "o1" });
    const read = await api.family("/o1");
    const missing = await api.family("/o2");
    expect([command, read, missing].map(({ headers }) => headers.get("cache-control"))).toEqual([
      "no-store",
      `max-age=${"example.app.order.v1.GetOrder".length}`,
      "no-store",
    ]);
  });

  it("shows at least the version that it is asked for, also where the row is behind", async () => {
    const api = orderApi({ repositoryOptions: { materialize: "off" } });
    const { version } = (await api.post("Create", { id: "o1", customerId: "c1" })).json;
    expect((await api.post("GetOrder", { id: "o1" })).status).toBe(404);
    const wanted = { id: "o1", minVersion: version };
    expect((await api.post("GetOrder", wanted)).json).toMatchObject({ customerId: "c1", version: "1" });
    expect((await api.post("GetOrderSummary", wanted)).json).toMatchObject({ customerId: "c1" });
    expect((await api.family("/o1?min_version=1")).json).toMatchObject({ customerId: "c1" });
    const ahead = await api.post("LoadOrder", { id: "o1", minVersion: "2" });
    expect([ahead.status, ahead.json["code"]]).toEqual([409, "aborted"]);
    expect((await api.post("GetOrder", { id: "o1", minVersion: "2" })).status).toBe(409);
  });
});
