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
    const response = generate(set, files, name.startsWith("g") ? "target=ts,shared_with_go=true" : undefined);
    warn.mockRestore();
    const lines = [...warnings, ...(response.error ? [response.error] : [])];
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(new URL(`${name}.txt`, folder).pathname);
    expect(response.file.length === 0).toBe(response.error !== "" || name === "w2" || name === "w2_disabled");
  });

  it.each([
    ["W1", ["w3.proto"]],
    ["W3", ["w1.proto"]],
    ["W1+W3", []],
  ])("leave out the warnings that are ignored: %s", (ignored, warned) => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const response = generate(set, ["w1.proto", "w3.proto"], `target=ts,ignore_warnings=${ignored}`);
    const files = warn.mock.calls.map(([text]) => String(text).split(":")[0]);
    warn.mockRestore();
    expect(response).toMatchObject({ error: "", file: [{}, {}] });
    expect(files).toEqual(warned);
  });

  it("are fewer where Go shares nothing", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    generate(set, ["g.proto"], "target=ts,shared_with_go=false");
    expect(warn.mock.calls).toEqual([]);
    warn.mockRestore();
  });

  it.each([
    ["ignore_warnings=W9", `"W9" is no warning; write "W1", "W2"`],
    ["shared_with_go=1", 'shared_with_go can\'t be "1"'],
    ["ignore_warnings=F1", '"F1" is no warning'],
    ["ignore_warning=W1", 'there is no option "ignore_warning"'],
  ])("can't be left out by %s", (option, reason) => {
    expect(() => generate(set, ["w1.proto"], `target=ts,${option}`)).toThrow(reason);
  });
});
