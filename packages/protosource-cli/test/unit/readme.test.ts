/** What the README and the pages about operating and the studio tell people to type is what the command takes, and its table of exit codes is the true one. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Register } from "../../src/command.js";
import { EXIT } from "../../src/exit-codes.js";
import { createProgram } from "../../src/program.js";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** Splits a command line as a shell does, as far as the README needs it. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

const pages = [
  readme,
  ...["10-operating.md", "17-studio.md"].map((page) =>
    readFileSync(new URL(`../../../../docs/${page}`, import.meta.url), "utf8"),
  ),
];
const lines = [
  ...new Set(pages.flatMap((page) => [...page.matchAll(/^protosource (.*)$/gm)].map(([, line = ""]) => line))),
];

describe("the README", () => {
  it("has command lines", () => {
    expect(lines.length).toBeGreaterThan(20);
  });

  it.each(lines)("protosource %s is a command line", async (line) => {
    const run: string[] = [];
    const register: Register = (command) => {
      command.action(() => {
        run.push(command.name());
      });
    };
    await createProgram(register, { writeErr: () => {} }).parseAsync(words(line), { from: "user" });
    expect(run).toHaveLength(1);
  });

  it("lists the exit codes", () => {
    const codes = [...readme.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT));
  });

  it("names every problem that verify finds", () => {
    const source = readFileSync(new URL("../../src/stream-problems.ts", import.meta.url), "utf8");
    const kinds = /type ProblemKind =(.*?);/s.exec(source)?.[1] ?? "";
    const names = [...kinds.matchAll(/\| "(\w+)"/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(readme).toContain(`\`${name}\``);
  });
});
