/** `schema check`: what it says of changes, and of streams that come to something else. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, getExtension, setExtension, toBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, FieldDescriptorProto_Type, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { protosource_message_type } from "protosource-es/proto/funinthecloud/protosource/options/v1/options_v1_pb.js";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildImage } from "../images.js";
import { buildDomain, ORDERS, saveOrders } from "../orders.js";
import { runHere } from "../run-here.js";

const folder = mkdtempSync(join(tmpdir(), "protosource-"));
afterAll(() => rmSync(folder, { recursive: true }));
const deployed = join(folder, "deployed.binpb");
const database = join(folder, "orders.db");

/** Of these, each fifth is placed, and three of four have items. */
const ORDER_COUNT = 40;

beforeAll(async () => {
  buildImage(deployed, ["examples/orders/proto"]);
  const opened = openSqlite(database, { synchronous: "NORMAL" });
  await saveOrders(new SqliteStore(opened), ORDER_COUNT);
  opened.close();
});

/** Gives the path of the image after a change of the orders' messages. */
function changed(change: (messages: DescriptorProto[]) => void): string {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(deployed));
  const file = set.file.find(({ name }) => name === "example/app/order/v1/order_v1.proto");
  if (file) change(file.messageType);
  // Services name messages that may be gone.
  set.file = set.file.filter(({ service }) => service.length === 0);
  const path = join(folder, `changed-${images++}.binpb`);
  writeFileSync(path, toBinary(FileDescriptorSetSchema, set));
  return path;
}

let images = 0;

const named = (messages: readonly DescriptorProto[], name: string): DescriptorProto => {
  const found = messages.find((message) => message.name === name);
  if (found === undefined) throw new Error(`no message ${name}`);
  return found;
};

const without =
  (...names: readonly string[]) =>
  (messages: DescriptorProto[]): void => {
    for (const name of names) messages.splice(messages.indexOf(named(messages, name)), 1);
  };

function otherState(messages: DescriptorProto[]): void {
  const { options } = named(messages, "Placed");
  if (options === undefined) return;
  const annotation = getExtension(options, protosource_message_type);
  if (annotation.role.case === "event") annotation.role.value.setsState = "STATE_PAID";
  setExtension(options, protosource_message_type, annotation);
}

interface Checked {
  readonly code: number;
  readonly lines: readonly Record<string, unknown>[];
}

async function check(image: string, ...args: readonly string[]): Promise<Checked> {
  const { code, stdout, stderr } = await runHere(["schema", "check", deployed, image, "--json", ...args]);
  expect(stderr).toBe("");
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, lines };
}

const replay = (image: string, ...args: readonly string[]): Promise<Checked> =>
  check(image, "--replay", "--store", `sqlite:${database}`, ...args);

describe("schema check", () => {
  it("says nothing of a schema that is the same", async () => {
    expect(await replay(deployed)).toMatchObject({
      code: 0,
      lines: [{ checked: { changes: 0, harmful: 0, streams: ORDER_COUNT, differences: 0, isComplete: true } }],
    });
  });

  it("names a harmful change with its place, what comes of it and what to do", async () => {
    const image = changed(without("TagRemoved", "RemoveTag"));
    const { code, lines } = await check(image);
    expect(code).toBe(3);
    expect(lines).toEqual([
      {
        change: "EVENT_REMOVED",
        severity: "breaks",
        type: "example.app.order.v1.TagRemoved",
        file: "example/app/order/v1/order_v1.proto",
        line: 1,
        column: 1,
        problem: expect.stringContaining("TagRemoved is gone"),
        remedy: expect.stringContaining("put it back"),
      },
      { checked: { changes: 1, harmful: 1 } },
    ]);
    const { stdout } = await runHere(["schema", "check", deployed, image]);
    expect(stdout).toMatch(/^breaks EVENT_REMOVED \S+order_v1.proto:1:1\n {2}TagRemoved is gone.*\n {2}put it back/);
  });

  it("ends with 3 for rows to be made anew only when it is asked to be strict", async () => {
    const image = changed(without("OrderSummary"));
    expect(await check(image)).toMatchObject({ code: 0, lines: [{ change: "ROW_REMOVED" }, {}] });
    expect((await check(image, "--strict")).code).toBe(3);
  });

  it.each([
    ["what isn't a set of descriptors", "orders.db", "is no set of descriptors"],
    ["a file that isn't there", "nowhere.binpb", "can't be read"],
  ])("refuses %s", async (_, name, problem) => {
    const { code, stderr } = await runHere(["schema", "check", deployed, join(folder, name)]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(problem) });
  });
});

describe("schema check --replay", () => {
  it("clears the removal of an event that isn't stored", async () => {
    const image = changed(without("TagRemoved", "RemoveTag"));
    const { code, lines } = await replay(image);
    expect({ code, change: lines[0] }).toMatchObject({ code: 0, change: { severity: "safe", stored: 0 } });
    // A part of the streams proves nothing.
    expect(await replay(image, "--sample", "7")).toMatchObject({
      code: 3,
      lines: [{ severity: "breaks" }, { checked: { streams: 7, isComplete: false } }],
    });
  });

  it("names streams that hold an event that is gone", async () => {
    const { code, lines } = await replay(changed(without("ItemAdded", "AddItem")));
    const differences = lines.filter(({ difference }) => difference === "unknown_type");
    expect({ code, streams: differences.length }).toEqual({ code: 3, streams: (ORDER_COUNT * 3) / 4 });
    expect(differences.every(({ version }) => version === "2")).toBe(true);
    expect(lines.find(({ change }) => change === "EVENT_REMOVED")?.["stored"]).toBe((ORDER_COUNT * 6) / 4);
  });

  it("shows the first version and field that are something else", async () => {
    const { code, lines } = await replay(changed(otherState));
    const differences = lines.filter(({ difference }) => difference === "other_state");
    expect({ code, streams: differences.length }).toEqual({ code: 3, streams: ORDER_COUNT / 5 });
    expect(differences).toContainEqual(
      expect.objectContaining({ stream: `${ORDERS}4`, version: "2", field: "state", was: "2", now: "3" }),
    );
  });

  it("compares numbers across their types", async () => {
    const image = changed((messages) => {
      const quantity = named(messages, "LineItem").field.find(({ name }) => name === "quantity");
      Object.assign(quantity ?? {}, { type: FieldDescriptorProto_Type.INT64 });
    });
    expect(await replay(image)).toMatchObject({ code: 0, lines: [{ change: "FIELD_WIDENED" }, {}] });
  });

  it("compares what code derives where it has the code of both", async () => {
    const generated = JSON.stringify(
      new URL("../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js", import.meta.url).pathname,
    );
    const now = await buildDomain();
    const was = await buildDomain(
      `import { defineOrder } from ${generated}; export const order = defineOrder({ afterOn(order) { order.itemCount = 1; } });`,
    );
    expect(await replay(deployed, "--domain", now)).toMatchObject({ code: 0 });
    const { code, lines } = await replay(deployed, "--domain", now, "--old-domain", was, "--segments", "1");
    expect(code).toBe(3);
    expect(lines).toContainEqual(
      expect.objectContaining({ stream: `${ORDERS}0`, version: "1", field: "item_count", was: "1", now: "0" }),
    );
  });
});
