/** The second page of the documentation as a newcomer follows it: in an empty folder, with the packages as packed. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type {} from "@protosource-es/engines/global-setup";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const page = readFileSync(join(root, "docs/2-your-own-aggregate.md"), "utf8");
const packages = ["protosource-es", "protoc-gen-protosource-es"];

const temporary = mkdtempSync(join(tmpdir(), "coffee-"));
const folder = join(temporary, "coffee");
afterAll(() => rmSync(temporary, { recursive: true }));

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a terminal, and not of a test. */
const terminal = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")));

async function run(directory: string, command: string, env: NodeJS.ProcessEnv = {}): Promise<Output> {
  const [file = "", ...args] = command.split(" ");
  try {
    return await promisify(execFile)(file, args, { cwd: directory, env: { ...terminal, ...env } });
  } catch (error) {
    const { stdout, stderr } = error as Output;
    throw new Error(`${command} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** Runs a command of the page. */
function follow(command: string, env?: NodeJS.ProcessEnv): Promise<Output> {
  expect(page).toContain(`\n${command}\n`);
  return run(folder, command, env);
}

/** Gives a folder the modules of the repository, without its own packages. Nothing is downloaded. */
function linkModules(directory: string): void {
  const modules = join(directory, "node_modules");
  mkdirSync(join(modules, ".bin"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name.startsWith(".") || packages.includes(name)) continue;
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  for (const name of readdirSync(join(root, "node_modules/.bin"))) {
    if (!packages.includes(name)) symlinkSync(join(root, "node_modules/.bin", name), join(modules, ".bin", name));
  }
}

/** Builds and packs the packages in a copy of their sources, so that the builds of the repository stay as they are. */
async function pack(): Promise<void> {
  const clone = join(temporary, "clone");
  linkModules(clone);
  for (const path of ["tsconfig.base.json", "proto", "proto-validate"]) {
    cpSync(join(root, path), join(clone, path), { recursive: true });
  }
  for (const name of packages) {
    const copy = join(clone, "packages", name);
    for (const path of readdirSync(join(root, "packages", name))) {
      if (["dist", "node_modules", "proto", "proto-validate", "test"].includes(path)) continue;
      cpSync(join(root, "packages", name, path), join(copy, path), { recursive: true });
    }
    // What is declared for the build lies with the types of the tests.
    if (name === "protosource-es")
      cpSync(join(root, "packages", name, "test/types"), join(copy, "test/types"), { recursive: true });
    symlinkSync(copy, join(clone, "node_modules", name));
    await run(copy, "npm run build");
    await run(copy, `npm pack --pack-destination ${temporary}`);
  }
}

async function install(): Promise<void> {
  linkModules(folder);
  for (const name of packages) {
    const target = join(folder, "node_modules", name);
    mkdirSync(target);
    await run(target, `tar xzf ${join(temporary, `${name}-0.0.0.tgz`)} --strip-components=1`);
  }
  const plugin = "protoc-gen-protosource-es";
  symlinkSync(join(folder, "node_modules", plugin, "bin", `${plugin}.js`), join(folder, "node_modules/.bin", plugin));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "coffee", type: "module" }));
}

/** Writes the files that the page shows. */
function writeFiles(): readonly string[] {
  const shown = [...page.matchAll(/^<!-- (?:new file: |examples\/coffee\/)([^\n]*) -->\n```\w+\n(.*?)^```$/gms)];
  return shown.map(([, path = "", text = ""]) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    return path;
  });
}

describe("the page on an aggregate of one's own", () => {
  beforeAll(async () => {
    await pack();
    await install();
  }, 120_000);

  it("shows all files, which lead to a program that compiles and whose tests pass", async () => {
    await follow("npx tsc --init");
    expect(writeFiles()).toEqual([
      "buf.yaml",
      "buf.gen.yaml",
      "proto/coffee/card/v1/card.proto",
      "src/card.ts",
      "test/card.test.ts",
      "src/main.ts",
    ]);
    await follow("npx buf generate");
    await follow("npx vitest run");
    await run(folder, "npx tsc --noEmit");
  });

  it.each(inject("engines"))("shows what the program prints, on $name", async ({ endpoint }) => {
    const env = {
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    };
    const { stdout } = await follow("npx tsx src/main.ts", env);
    expect(stdout).not.toBe("");
    expect(page).toContain(`\`\`\`text\n${stdout}\`\`\`\n`);
  });

  it("shows what the generator says when something is missing", async () => {
    const file = join(folder, "proto/coffee/card/v1/card.proto");
    writeFileSync(file, readFileSync(file, "utf8").replace(/message CardList \{.*?\}\n/s, ""));
    const said = /```text\n(coffee.*)\n```/.exec(page)?.[1] ?? "no text";
    await expect(follow("npx buf generate")).rejects.toThrow(said);
  });
});
