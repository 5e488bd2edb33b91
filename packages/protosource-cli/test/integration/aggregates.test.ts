import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, runCli } from "../cli.js";
import { engines, freshTables, type TestTables, temporaryFolder } from "../engines.js";
import { goldenItems } from "../golden.js";
import { buildImage } from "../images.js";

const folder = temporaryFolder();
const image = folder.path("image.binpb");
beforeAll(() => {
  buildImage(image);
});
afterAll(() => folder.remove());

describe.each(engines)("aggregates on $name", ({ endpoint }) => {
  let tables: TestTables;
  const aggregates = (...args: string[]): Promise<CliResult> =>
    runCli(["aggregates", ...args, "--store", tables.url, "--descriptors", image, "--json"]);

  beforeAll(async () => {
    tables = await freshTables(endpoint);
    for (const item of goldenItems().aggregates) {
      const { t, ...forever } = item;
      await tables.putRaw("aggregates", forever);
    }
  });
  afterAll(() => tables.client.destroy());

  it("shows the row of an aggregate and of a projection", async () => {
    const { code, json } = await aggregates("get", "Order", "o#1");
    expect(code).toBe(0);
    expect(json()).toMatchObject([
      {
        pk: "example_app_order_v1#order#id#o#1",
        sk: "AGG",
        message: { id: "o#1", customerName: "Zoë", items: { i1: {} } },
        keys: { gsi1pk: "example_app_order_v1#order#customer_id#c-9" },
      },
    ]);
    const summary = await aggregates("get", "example.app.order.v1.OrderSummary", "o#1");
    expect(summary.json()).toMatchObject([{ sk: "PROJ#OrderSummary", message: { placedAt: "-5" } }]);
    const human = await runCli(["aggregates", "get", "Order", "o#1", "--store", tables.url, "--descriptors", image]);
    expect(human.stdout).toMatch(/^example_app_order_v1#order#id#o#1 {2}AGG\nno version, \d+ bytes, never expires\n/);
  });

  it("shows the row under two keys, with its message where that is known", async () => {
    const keys = ["--pk", "example_app_order_v1#order#id#o#1", "--sk", "AGG"];
    expect((await aggregates("get", ...keys)).json()).toMatchObject([{ message: { id: "o#1" } }]);
    const unknown = await runCli(["aggregates", "get", ...keys, "--store", tables.url, "--json"]);
    expect(unknown.code).toBe(0);
    expect(unknown.json()).toMatchObject([{ sk: "AGG", raw: expect.any(String) }]);
  });

  it("says that there is no such row, type, or key", async () => {
    expect((await aggregates("get", "Order", "nobody")).code).toBe(4);
    const { code, stderr } = await aggregates("get", "Invoice", "i-1");
    expect(code).toBe(2);
    expect(stderr).toContain("example.app.order.v1.OrderSummary");
    expect((await aggregates("get")).code).toBe(2);
    expect((await aggregates("query")).code).toBe(2);
  });

  it("finds messages by an index and conditions", async () => {
    const found = await aggregates("query", "Order", "--index", "1", "--where", "customer_id=c-9");
    expect(found.json()).toMatchObject([{ message: { id: "o#1" } }]);
    const one = (...where: string[]): Promise<CliResult> =>
      aggregates(
        "query",
        "OrderSummary",
        "--index",
        "2",
        "--where",
        "state=STATE_PLACED",
        ...where.flatMap((text) => ["--where", text]),
      );
    expect((await one("placed_at>=-9", "placed_at<=-1")).json()).toMatchObject([{ message: { id: "o#1" } }]);
    expect((await one("placed_at=-5")).json()).toHaveLength(1);
    expect((await one("placed_at>0")).json()).toEqual([]);
    const test = ["query", "Test", "--index", "3", "--where", "number=two", "--where", "shading=solid"];
    expect((await aggregates(...test, "--where", "shape=oval", "--where", "create_by^=al")).json()).toHaveLength(1);
    expect((await aggregates(...test, "--where", "shape=round")).json()).toEqual([]);
  });

  it("refuses conditions that don't fit the index", async () => {
    for (const [where, reason] of [
      ["customer_id", "is no condition"],
      ["total_cents=1", "made of customer_id, create_at"],
      ["customer_id>c", "part of the partition"],
      ["create_at=soon", "whole number"],
    ] as const) {
      const { code, stderr } = await aggregates("query", "Order", "--index", "1", "--where", where);
      expect(code).toBe(2);
      expect(stderr).toContain(reason);
    }
    for (const where of [["--where", "customer_id=c-9"], []]) {
      const { code, stderr } = await aggregates("query", "Order", "--index", "5", ...where);
      expect(code).toBe(2);
      expect(stderr).toContain("Order has no index 5: its indexes are 1");
    }
    const state = await aggregates("query", "OrderSummary", "--index", "2", "--where", "state=GONE");
    expect(state.stderr).toContain("STATE_CANCELLED");
    expect((await aggregates("query", "Order", "--index", "21")).code).toBe(2);
  });

  it("reads a partition page by page, in both directions", async () => {
    const partition = ["--partition", "example_app_order_v1#order#id#o#1", "--limit", "1"];
    const [first, end] = (await aggregates("query", ...partition)).json();
    expect(first).toMatchObject({ sk: "AGG", message: { id: "o#1" } });
    const second = await aggregates("query", ...partition, "--cursor", String(end?.["cursor"]));
    expect(second.json()[0]).toMatchObject({ sk: "PROJ#OrderSummary", message: { id: "o#1" } });
    const last = await aggregates("query", ...partition, "--reverse");
    expect(last.json()[0]).toMatchObject({ sk: "PROJ#OrderSummary" });
    expect((await aggregates("query", ...partition, "--cursor", "x")).code).toBe(2);
  });
});
