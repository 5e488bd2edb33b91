/** What the documentation shows is what is compiled, and what it tells people to run is there. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findProblems, type Repository, readBlocks } from "./snippets.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const run = (command: string, ...args: string[]): readonly string[] =>
  execFileSync(command, args, { cwd: root, encoding: "utf8" }).split("\n").filter(Boolean);
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const files = new Set(run("git", "ls-files", "--cached", "--others", "--exclude-standard"));
const pages = [...files].filter((file) => /^((packages\/[^/]+\/)?README\.md|docs\/.*\.md)$/.test(file));

describe("the documentation", () => {
  const compiled = new Set(run("npx", "tsc", "--listFilesOnly").map((file) => relative(root, file)));
  const protoFolders = [...read("buf.yaml").matchAll(/- path: (.*)/g)].map(([, folder]) => folder);
  const repository: Repository = {
    read: (path) => (files.has(path) ? read(path) : undefined),
    isCompiled: (path) => compiled.has(path) || protoFolders.some((folder) => path.startsWith(`${folder}/`)),
    scripts(workspace = ".") {
      const manifest = join(workspace, "package.json");
      if (!files.has(manifest)) return undefined;
      return Object.keys((JSON.parse(read(manifest)) as { readonly scripts?: object }).scripts ?? {});
    },
  };

  it("has pages with code", () => {
    expect(pages).toContain("README.md");
    expect(pages.filter((page) => readBlocks(read(page)).length > 0).length).toBeGreaterThan(5);
  });

  it.each(pages)("%s shows only code that is compiled", (page) => {
    expect(findProblems(read(page), repository)).toEqual([]);
  });

  it("tells of every error", () => {
    const details = /interface ErrorDetails \{.*?^\}/ms.exec(read("packages/protosource-es/src/errors.ts"))?.[0] ?? "";
    const codes = [...details.matchAll(/^ {2}(\w+): \{/gm)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(15);
    const page = read("docs/6-errors.md");
    expect(codes.filter((code) => !page.includes(`| \`${code}\` |`))).toEqual([]);
  });

  it.each(pages)("%s links only to what is there", (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link = ""]) => link);
    expect(links.filter((link) => !existsSync(resolve(root, dirname(page), link)))).toEqual([]);
  });
});

describe("the check of the documentation", () => {
  const repository: Repository = {
    read: (path) => ({ "a.ts": "function f() {\n  one();\n\n  two();\n}\n", "b.ts": "one();" })[path],
    isCompiled: (path) => path === "a.ts",
    scripts: (workspace) => (workspace === undefined ? ["there"] : workspace === "w" ? ["start"] : undefined),
  };
  const problems = (...lines: readonly string[]): readonly string[] => findProblems(lines.join("\n"), repository);

  it("takes a part of a compiled file, at any depth", () => {
    expect(problems("<!-- a.ts -->", "```ts", "one();", "", "two();", "```")).toEqual([]);
    expect(problems("<!-- a.ts -->", "```ts", "  one();", "```", "text", "```", "const x = 1;", "```")).toEqual([]);
  });

  it("refuses a block that isn't a part of its file", () => {
    expect(problems("<!-- a.ts -->", "```ts", "one();", "two();", "```")).toEqual([
      "line 2: a.ts doesn't hold this block",
    ]);
    expect(problems("<!-- a.ts -->", "```ts", "one()", "```")).toHaveLength(1);
    expect(problems("<!-- a.ts -->", "```ts", "function f() {", "one();", "```")).toHaveLength(1);
  });

  it("refuses a block of an unknown file", () => {
    expect(problems("<!-- c.ts -->", "```ts", "one();", "```")).toHaveLength(1);
    expect(problems("<!-- b.ts -->", "```ts", "one();", "```")).toHaveLength(1);
    expect(problems("```ts", "one();", "```")).toHaveLength(1);
    expect(problems("<!-- a.ts -->", "", "```proto", "one();", "```")).toHaveLength(1);
  });

  it("refuses a script that isn't there", () => {
    expect(problems("```sh", "npm ci && npm run there", "npm run start -w w", "```")).toEqual([]);
    expect(problems("```sh", "npm run gone", "```")).toHaveLength(1);
    expect(problems("```sh", "npm run there --workspace w", "```")).toHaveLength(1);
    expect(problems("```sh", "npm run start --workspace=v", "```")).toHaveLength(1);
  });
});
