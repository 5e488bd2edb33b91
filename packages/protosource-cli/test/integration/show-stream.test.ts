import { readFileSync, writeFileSync } from "node:fs";
import { create, createFileRegistry, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Repository } from "protosource-es";
import { binarySerializer } from "protosource-es/serializer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { orderCommands } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../../../../examples/orders/src/order.js";
import { runCli } from "../cli.js";
import { engines, freshTables, type TestTables, temporaryFolder } from "../engines.js";
import { goldenItems } from "../golden.js";
import { buildImage } from "../images.js";

const ORDER = "example_app_order_v1#o#1";

describe.each(engines)("streams show on $name", ({ endpoint }) => {
  const folder = temporaryFolder();
  const image = folder.path("image.binpb");
  let tables: TestTables;
  const show = (...args: string[]): ReturnType<typeof runCli> =>
    runCli(["streams", "show", ...args, "--store", tables.url]);

  beforeAll(async () => {
    buildImage(image);
    tables = await freshTables(endpoint, { ttl: false });
    for (const item of goldenItems().events) await tables.putRaw("events", item);
  });
  afterAll(() => {
    tables.client.destroy();
    folder.remove();
  });

  it("shows each event with its time, actor and type", async () => {
    const { code, stdout, stderr } = await show(ORDER, "--descriptors", image);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^VERSION {2}TIME +TYPE +ACTOR +EVENT$/);
    expect(lines[1]).toMatch(/^1 +2026-11-22T\S+Z +Created +alice +\{"customerId":"c-9","customerName":"Zoë"\}$/);
    expect(lines).toHaveLength(6);
  });

  it("prints a line of JSON for each event", async () => {
    const { code, json } = await show(ORDER, "--descriptors", image, "--json");
    expect(code).toBe(0);
    expect(json()).toHaveLength(4);
    expect(json()[3]).toMatchObject({
      stream: ORDER,
      version: "4",
      type: "example.app.order.v1.Placed",
      actor: "alice",
      expired: false,
      event: { id: "o#1", version: "4", placedAt: "-5" },
    });
  });

  it("shows the type and the size of events without descriptors", async () => {
    const { code, stdout } = await show(ORDER);
    expect(code).toBe(0);
    expect(stdout).toContain("bytes of example.app.order.v1.ItemAdded");
    const { json } = await show(ORDER, "--json");
    expect(json()[0]).toMatchObject({ type: "example.app.order.v1.Created", raw: expect.any(String) });
    expect(json()[0]?.["problem"]).toContain("example.app.order.v1.Created");
  });

  it("shows what was kept with a save, and what can't be read of it as it is", async () => {
    const stream = "example_app_order_v1#meta";
    const { store } = tables;
    const meta = { correlationId: "request 17", causation: { streamId: "s#1", version: 3n }, traceparent: "00-1-2-01" };
    await new Repository(order, store).apply(orderCommands.Create({}), { id: "meta", actor: "ann", meta });
    const [record] = (await store.load(stream)).records;
    if (record) await store.save(stream, [{ ...record, version: 2n, meta: Uint8Array.of(255) }]);
    const { code, stdout } = await show(stream);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[1]).toMatch(/ \(of request 17, caused by s#1:3, trace 00-1-2-01\)$/);
    expect(lines[2]).toMatch(/ \(a meta that can't be read: 1 bytes\)$/);
    const { json } = await show(stream, "--json");
    expect(json()).toMatchObject([
      { meta: { ...meta, causation: { streamId: "s#1", version: "3" } } },
      { meta: "/w==" },
    ]);
  });

  it("says which type a set of descriptors lacks, and shows the raw record", async () => {
    const other = buildImage(folder.path("other.binpb"), ["packages/protosource-es/test/proto"]);
    const { code, json } = await show(ORDER, "--descriptors", other, "--json");
    expect(code).toBe(0);
    expect(json()[0]).toMatchObject({ type: "example.app.order.v1.Created" });
    expect(json()[0]?.["problem"]).toContain("unknown type example.app.order.v1.Created");
    const human = await show(ORDER, "--descriptors", other);
    expect(human.stdout).toContain(`bytes of example.app.order.v1.Created: ${json()[0]?.["raw"]}\n`);
    expect(human.stderr).toMatch(/^The descriptors lack example\.app\.order\.v1\.Created, .*: add --descriptors .*\n$/);
  });

  it("reads events of the JSON serializer, too", async () => {
    const { json } = await show("example_app_test_v1#j-1", "--descriptors", image, "--json");
    expect(json()[2]).toMatchObject({ type: "example.app.test.v1.Updated", event: { body: 'é"\u2028' } });
  });

  it("shows what each event changed", async () => {
    const { code, stdout, stderr } = await show(ORDER, "--descriptors", image, "--diff");
    expect(code).toBe(0);
    expect(stderr).toContain("total_cents, item_count");
    expect(stdout).toContain(`    ~ state: "STATE_DRAFT" → "STATE_PLACED"`);
    expect(stdout).toContain("    + tags = ");
  });

  it("shows the state as it was after a version, and at a time", async () => {
    const atTwo = await show(ORDER, "--descriptors", image, "--at", "2", "--json");
    expect(atTwo.code).toBe(0);
    const [first] = atTwo.json();
    expect(first).toMatchObject({ version: "2", state: { id: "o#1", version: "2", state: "STATE_DRAFT" } });
    expect((first?.["state"] as object) ?? {}).not.toHaveProperty("tags");
    const [same] = (await show(ORDER, "--descriptors", image, "--at", String(first?.["at"]), "--json")).json();
    expect(same).toEqual(first);
    const early = await show(ORDER, "--descriptors", image, "--at", "1999-01-01T00:00:00Z");
    expect(early).toMatchObject({ code: 4, stdout: "" });
    expect(early.stderr).toContain("begins later");
  });

  it("shows the events of a range, the first of them, and the last", async () => {
    const versions = async (stream: string, ...args: string[]): Promise<unknown[]> => {
      const { code, json } = await show(stream, "--descriptors", image, "--json", ...args);
      expect(code).toBe(0);
      return json().map(({ version }) => Number(version));
    };
    expect(await versions(ORDER, "--from", "2", "--to", "3")).toEqual([2, 3]);
    expect(await versions(ORDER, "--from", "2", "--limit", "1")).toEqual([2]);
    expect(await versions(ORDER, "--limit", "3", "--tail", "2")).toEqual([2, 3]);
    expect(await versions(ORDER, "--tail", "3")).toEqual([2, 3, 4]);
    expect(await versions(ORDER, "--tail", "9", "--to", "3")).toEqual([1, 2, 3]);
    expect(await versions(ORDER, "--from", "7")).toEqual([]);
    const [last] = (await show(ORDER, "--descriptors", image, "--diff", "--tail", "1", "--json")).json();
    expect(last?.["changes"]).toContainEqual({ path: "state", before: "STATE_DRAFT", after: "STATE_PLACED" });
    const human = await show(ORDER, "--descriptors", image, "--tail", "1");
    expect(human.stdout.split("\n")).toEqual([expect.stringMatching(/^VERSION/), expect.stringMatching(/^4 /), ""]);

    const gap = "example_app_order_v1#gap";
    const [created, added] = goldenItems().events.filter(({ a }) => a?.S === ORDER);
    for (const [item, v] of [
      [created, "1"],
      [added, "4"],
    ] as const) {
      await tables.putRaw("events", { ...item, a: { S: gap }, v: { N: v } });
    }
    expect(await versions(gap, "--tail", "1")).toEqual([4]);

    for (const args of [
      ["--from", "0"],
      ["--to", "x"],
      ["--from", "3", "--to", "2"],
      ["--limit", "0"],
      ["--tail", "-1"],
      ["--at", "2", "--tail", "1"],
    ]) {
      expect(await show(ORDER, "--descriptors", image, ...args)).toMatchObject({ code: 2, stdout: "" });
    }
  });

  it("shows a state and an event of which one field has no JSON", async () => {
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(image)));
    const stream = "example_app_shapes_v1#late";
    const put = async (name: string, version: bigint, fields: object): Promise<void> => {
      const schema = registry.getMessage(`example.app.shapes.v1.${name}`) as DescMessage;
      const event = create(schema, { id: "late", version, at: 5n, actor: "ann", ...fields });
      const data = Buffer.from(binarySerializer.serialize(schema, event)).toString("base64");
      await tables.putRaw("events", { a: { S: stream }, v: { N: `${version}` }, d: { B: data } });
    };
    await put("Started", 1n, {});
    await put("FilledIn", 2n, { weight: 2.5, due: { seconds: 999_999_999_999n } });
    const [, event] = (await show(stream, "--descriptors", image, "--json")).json();
    const due = { "@withoutJson": expect.stringContaining("Timestamp"), "@bytes": expect.any(String) };
    expect(event).toMatchObject({ event: { weight: 2.5, due } });
    const { code, json, stderr } = await show(stream, "--descriptors", image, "--at", "2", "--json");
    expect(code).toBe(0);
    expect(stderr).not.toContain("isn't known");
    expect(json()).toMatchObject([{ version: "2", state: { id: "late", weight: 2.5, due } }]);
  });

  it("takes an empty PROTOSOURCE_DESCRIPTORS for none", async () => {
    const args = ["streams", "show", ORDER, "--store", tables.url];
    const { code, stderr } = await runCli(args, { env: { PROTOSOURCE_DESCRIPTORS: "", PROTOSOURCE_DOMAIN: "" } });
    expect(code).toBe(0);
    expect(stderr).toContain("Without descriptors nothing is decoded");
  });

  it("starts from a snapshot where the beginning is gone, and says where nothing is left to start from", async () => {
    const items = goldenItems().events.filter(({ a }) => a?.S === "example_app_test_v1#t-1");
    const put = async (name: string, first: number, last: number): Promise<string> => {
      const stream = `example_app_test_v1#${name}`;
      for (const item of items.slice(first - 1, last)) await tables.putRaw("events", { ...item, a: { S: stream } });
      return stream;
    };
    const state = async (stream: string, version: number): Promise<unknown> => {
      const { json } = await show(stream, "--descriptors", image, "--at", `${version}`, "--json");
      return json()[0]?.["state"];
    };
    const whole = await state("example_app_test_v1#t-1", 9);
    expect(whole).toMatchObject({ version: "9", body: "b3", state: "STATE_LOCKED", createBy: "alice" });
    expect(await state(await put("trimmed", 7, 10), 9)).toEqual(whole);
    const [event] = (await show("example_app_test_v1#trimmed", "--descriptors", image, "--diff", "--json")).json();
    expect(event?.["changes"]).toContainEqual({ path: "createBy", after: "alice" });

    const lost = await show(await put("lost", 5, 6), "--descriptors", image, "--at", "6", "--json");
    expect(lost.code).toBe(3);
    expect(lost.json()).toMatchObject([{ version: "6", state: null }]);
    expect(lost.stderr).toContain("isn't known");
  });

  it("shows the life that an id is in, though not all of the one before has expired", async () => {
    const stream = "example_app_order_v1#again";
    const [created, added] = goldenItems().events.filter(({ a }) => a?.S === ORDER);
    const put = (item: typeof created, version: number): Promise<void> =>
      tables.putRaw("events", { ...item, a: { S: stream }, v: { N: `${version}` }, t: { N: "9999999999" } });
    await put(created, 1);
    await put(added, 2);
    await put(created, 3);
    const { json } = await show(stream, "--descriptors", image, "--at", "3", "--json");
    expect(json()[0]?.["state"]).toMatchObject({ version: "3", customerId: "c-9" });
    expect(json()[0]?.["state"]).not.toHaveProperty("items");
    const diffs = await show(stream, "--descriptors", image, "--diff", "--json");
    expect(diffs.json()[2]?.["changes"]).toContainEqual(expect.objectContaining({ path: "version", after: "3" }));
  });

  it("shows what a terminal would obey, and doesn't obey it", async () => {
    const stream = "example_app_order_v1#\u{1b}[31m";
    await tables.putRaw("events", { a: { S: stream }, v: { N: "1" }, d: { B: "e30=" } });
    const { stdout } = await runCli(["streams", "list", "--store", tables.url, "--prefix", stream]);
    expect(stdout).toContain("example_app_order_v1#\\u{1b}[31m");
  });

  it("says that a stream doesn't exist", async () => {
    const { code, stdout, stderr } = await show("example_app_order_v1#nobody", "--descriptors", image);
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toMatch(/^protosource: there is no stream example_app_order_v1#nobody: .*example_app_order_v1#<id>/);
  });

  it("refuses a moment that is none, and one of a stream of which nothing is known", async () => {
    expect(await show(ORDER, "--descriptors", image, "--at", "soon")).toMatchObject({ code: 2, stdout: "" });
    const { code, stderr } = await show(ORDER, "--at", "1");
    expect(code).toBe(2);
    expect(stderr).toContain("--descriptors");
  });

  it("refuses what isn't a set of descriptors, without a stack", async () => {
    const broken = folder.path("broken.binpb");
    for (const content of ["", "not descriptors", "\u{a}\u{ff}\u{ff}"]) {
      writeFileSync(broken, content);
      const { code, stdout, stderr } = await show(ORDER, "--descriptors", broken);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
    expect(await show(ORDER, "--descriptors", folder.path("absent.binpb"))).toMatchObject({ code: 2 });
  });

  it("names the table that is missing, and how to make it", async () => {
    const absent = await freshTables(endpoint, { create: false });
    absent.client.destroy();
    const { code, stderr } = await runCli(["streams", "show", ORDER, "--store", absent.url]);
    expect(code).toBe(4);
    expect(stderr).toContain(absent.eventsTable);
    expect(stderr).toContain("protosource tables ensure");
  });
});
