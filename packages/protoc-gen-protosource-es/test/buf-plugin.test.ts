/** The rules as a plugin of buf: what `buf lint` and `buf breaking` say of schemas, with what is asked for in `buf.yaml`. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { RULES, WARNINGS } from "protoc-gen-protosource-es";
import { SCHEMA_CHANGES } from "protosource-es/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "buf-plugin-"));
afterAll(() => rmSync(folder, { recursive: true }));

const plugin = join(folder, "plugin/main.js");
const order = "example/app/order/v1/order_v1.proto";
const schema = readFileSync(join(root, "examples/orders/proto", order), "utf8");

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL("../src/buf-plugin/main.ts", import.meta.url))],
    outdir: dirname(plugin),
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    conditions: ["@protosource-es/source"],
    external: ["@bufbuild/*"],
    logLevel: "warning",
  });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  cpSync(join(root, "proto"), join(folder, "proto"), { recursive: true });
  mkdirSync(dirname(join(folder, "proto", order)), { recursive: true });
});

/** What buf says of a place. */
interface Said {
  readonly path: string;
  readonly start_line: number;
  readonly type: string;
  readonly message: string;
}

/** Runs buf, without a network, on a schema of orders. */
function buf(text: string, config: string, ...args: readonly string[]): readonly Said[] {
  writeFileSync(join(folder, "proto", order), text);
  const plugins = `plugins:\n  - plugin: [${process.execPath}, ${plugin}]\n`;
  writeFileSync(join(folder, "buf.yaml"), `version: v2\nmodules:\n  - path: proto\n${config}${plugins}`);
  const env = { PATH: dirname(process.execPath), HOME: folder, HTTPS_PROXY: "http://127.0.0.1:1" };
  const options = { cwd: folder, encoding: "utf8", env } as const;
  const { status, stdout, stderr } = spawnSync(join(root, "node_modules/.bin/buf"), args, options);
  if (stderr !== "") throw new Error(`buf ${args.join(" ")} failed: ${stderr}`);
  expect(status).toBe(stdout === "" ? 0 : 100);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Said);
}

/** The line of a schema that a text begins on. */
function lineOf(text: string, part: string): number {
  const at = text.indexOf(part);
  expect(at).toBeGreaterThan(0);
  return text.slice(0, at).split("\n").length;
}

it("shows in buf lint which rules of the generator are broken, and where", () => {
  const wrong = schema.replace('produces_events: ["Placed"]', 'produces_events: ["Plcaed"]');
  const config = "lint:\n  use: [PROTOSOURCE]\n  except: [PROTOSOURCE_W5]\n";
  expect(buf(wrong, config, "lint", "--error-format", "json")).toEqual([
    expect.objectContaining({
      path: `proto/${order}`,
      start_line: lineOf(wrong, '"Plcaed"'),
      type: "PROTOSOURCE_C3",
      message: expect.stringContaining('Place emits "Plcaed"'),
    }),
  ]);
});

it("finds in buf breaking what the annotations alone tell, of the categories that are asked for", () => {
  const changed = schema
    .replaceAll("STATE_SHIPPED", "STATE_SENT")
    .replace('sets_state: "STATE_PLACED"', 'sets_state: "STATE_PAID"');
  buf(schema, "", "build", "--output", "deployed.binpb");
  const config = "breaking:\n  use: [PROTOSOURCE, PROTOSOURCE_ROWS]\n";
  const said = buf(changed, config, "breaking", "--against", "deployed.binpb", "--error-format", "json");
  expect(said.map(({ type, start_line }) => [type, start_line]).sort()).toEqual([
    ["PROTOSOURCE_INDEX_CHANGED", lineOf(changed, "message OrderSummary {")],
    ["PROTOSOURCE_SETS_STATE", lineOf(changed, "message Placed {")],
  ]);
});

describe("the plugin", () => {
  const ask = (...args: readonly string[]): unknown =>
    JSON.parse(
      spawnSync(process.execPath, [plugin, ...args, "--format", "json"], { encoding: "utf8", input: "" }).stdout,
    );

  it("has a rule for each of the generator and for each change that isn't safe", () => {
    const { safe, ...changes } = SCHEMA_CHANGES;
    const ids = [RULES, WARNINGS, ...Object.values(changes)].flatMap((rules) => Object.keys(rules));
    const { value } = ask("list-rules") as { value: { rules: { id: string; categoryIds: string[] }[] } };
    expect(value.rules.map(({ id }) => id)).toEqual(ids.map((id) => `PROTOSOURCE_${id}`));
    const ofGo = value.rules.filter(({ categoryIds }) => categoryIds.includes("PROTOSOURCE_GO")).map(({ id }) => id);
    expect(ofGo).toEqual(ids.filter((id) => /^G\d|^SNAPSHOT_INTERVAL/.test(id)).map((id) => `PROTOSOURCE_${id}`));
  });

  it("answers a question that it doesn't know, or can't read, with an error", () => {
    expect(ask("generate")).toMatchObject({ error: { code: 13, message: expect.stringContaining("buf.yaml") } });
  });
});
