import { readdirSync, readFileSync } from "node:fs";
import { RULES, WARNINGS } from "protoc-gen-protosource-es";
import { SCHEMA_CHANGES } from "protosource-es/model";
import { describe, expect, it } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const diagnostics = ["proto/invalid/", "proto/invalid_service/"]
  .map((path) => new URL(path, import.meta.url))
  .flatMap((folder) => readdirSync(folder).map((file) => new URL(file, folder)))
  .filter(({ pathname }) => pathname.endsWith(".txt"))
  .map((file) => readFileSync(file, "utf8"))
  .join("");

describe("the rules", () => {
  it("are those of the readme", () => {
    const [, table] = /<!-- rules -->\n([\s\S]*)<!-- \/rules -->/.exec(readme) ?? [];
    const rows = Object.entries({ ...RULES, ...WARNINGS }).map(([id, rule]) => `| ${id} | ${rule} |\n`);
    expect(table).toBe(`| id | rule |\n|---|---|\n${rows.join("")}`);
  });

  it("of changes are those of the readme", () => {
    const [, table] = /<!-- changes -->\n([\s\S]*)<!-- \/changes -->/.exec(readme) ?? [];
    const rows = Object.entries(SCHEMA_CHANGES).flatMap(([severity, changes]) =>
      Object.entries(changes).map(([id, change]) => `| ${id} | ${severity} | ${change} |\n`),
    );
    expect(table).toBe(`| id | it comes to | change |\n|---|---|---|\n${rows.join("")}`);
  });

  it.each(Object.keys({ ...RULES, ...WARNINGS }))("%s is broken by a schema of the tests", (id) => {
    expect(diagnostics).toContain(`[${id}]\n`);
  });
});
