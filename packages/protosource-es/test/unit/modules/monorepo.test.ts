/** A monorepo whose packages are installed at its root alone, as docs/module-systems.md lays it out. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readBlocks } from "../../snippets.js";
import { installedHere } from "./installed.js";

const root = fileURLToPath(new URL("../../../../..", import.meta.url));

test("generates code in a package below the one buf.yaml", () => {
  const monorepo = mkdtempSync(join(tmpdir(), "protosource-monorepo-"));
  try {
    const orders = join(monorepo, "packages/orders");
    mkdirSync(orders, { recursive: true });
    cpSync(join(root, "proto"), join(monorepo, "node_modules/protosource-es/proto"), { recursive: true });
    cpSync(join(root, "examples/orders/proto"), join(orders, "proto"), { recursive: true });
    const page = readFileSync(join(root, "docs/module-systems.md"), "utf8");
    const [layout] = readBlocks(page).filter(({ language }) => language === "yaml");
    writeFileSync(join(monorepo, "buf.yaml"), layout?.code ?? "");
    const plugin = { local: installedHere(".bin/protoc-gen-es"), out: "gen", opt: "target=ts" };
    writeFileSync(join(orders, "buf.gen.yaml"), JSON.stringify({ version: "v2", plugins: [plugin] }));
    execFileSync(installedHere(".bin/buf"), ["generate", "proto"], { cwd: orders, stdio: "pipe" });
    expect(readFileSync(join(orders, "gen/example/app/order/v1/order_v1_pb.ts"), "utf8")).toContain("AddItem");
  } finally {
    rmSync(monorepo, { recursive: true });
  }
});
