import { readdirSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { compile, generate } from "./generate.js";

const folder = new URL("proto/invalid/", import.meta.url);
const set = compile("invalid");

/** The schemas of each case; those that are wrong only together have names up to a last letter: `f9_a`, `f9_b`. */
const cases = new Map<string, string[]>();
for (const file of readdirSync(folder).filter((name) => name.endsWith(".proto"))) {
  const name = file.replace(/(_[a-z])?\.proto$/, "");
  cases.set(name, [...(cases.get(name) ?? []), file]);
}

describe("diagnostics", () => {
  it.each([...cases])("of %s", async (name, files) => {
    const warnings: string[] = [];
    const warn = vi.spyOn(console, "warn").mockImplementation((text: string) => warnings.push(text));
    const response = generate(set, files);
    warn.mockRestore();
    const lines = [...warnings, ...(response.error ? [response.error] : [])];
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(new URL(`${name}.txt`, folder).pathname);
    expect(response.file.length === 0).toBe(response.error !== "" || name === "w2" || name === "w2_disabled");
  });
});
