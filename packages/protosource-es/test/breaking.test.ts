/** What the documentation says of `buf breaking` is what it does: the category that it names, in its own commands. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const page = readFileSync(join(root, "docs/changing-a-domain.md"), "utf8");
const [, config = ""] = /```yaml\n(?:# buf.yaml\n)?(breaking:\n[^`]*)```/.exec(page) ?? [];
const [build = "", check = ""] = [...page.matchAll(/^npx (buf (?:build|breaking) .*)$/gm)].map(
  ([, command]) => command,
);

const schema = readFileSync(join(root, "examples/orders/proto/example/app/order/v1/order_v1.proto"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "breaking-"));
const file = join(folder, "proto/example/app/order/v1/order_v1.proto");

function buf(command: string): { readonly status: number | null; readonly stdout: string } {
  const path = [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter);
  return spawnSync(command, { cwd: folder, shell: true, encoding: "utf8", env: { ...process.env, PATH: path } });
}

/** Checks a schema against the one that is in use. */
function findings(changed: string, breaking = config): string {
  write(changed, breaking);
  const { status, stdout } = buf(check);
  expect(status).toBe(stdout === "" ? 0 : 100);
  return stdout;
}

function write(text: string, breaking: string): void {
  writeFileSync(join(folder, "buf.yaml"), `version: v2\nmodules:\n  - path: proto\n${breaking}`);
  writeFileSync(file, text);
}

mkdirSync(dirname(file), { recursive: true });
cpSync(join(root, "proto"), join(folder, "proto"), { recursive: true });
write(schema, config);
const built = buf(build);
afterAll(() => rmSync(folder, { recursive: true }));

test("the schema in use is kept, and breaks nothing", () => {
  expect(built.status).toBe(0);
  expect(findings(schema)).toBe("");
});

const [event = ""] = /^message TagRemoved \{.*?^\}\n/ms.exec(schema) ?? [];

test.each([
  ["an event removed", schema.replace(event, "")],
  ["an event renamed", schema.replaceAll("TagRemoved", "TagTakenOff")],
  ["a field removed", schema.replace(/^ *int64 placed_at = 5.*\n/m, "")],
  ["a field with another number", schema.replace("string reason = 5", "string reason = 6")],
  ["a field of another type", schema.replace("string reason = 5", "bytes reason = 5")],
  ["another package", schema.replace("package example.app.order.v1;", "package example.app.order.v2;")],
])("%s is found", (_, changed) => {
  expect(changed).not.toBe(schema);
  expect(findings(changed)).toContain("order_v1.proto:");
});

test("a removed event isn't found by a category that looks at fields alone", () => {
  expect(findings(schema.replace(event, ""), "breaking:\n  use: [WIRE_JSON]\n")).toBe("");
});
