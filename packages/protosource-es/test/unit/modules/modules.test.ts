/** The built package in programs of every make: ES modules, CommonJS, bundles of both, and transformed like Jest does. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Application, installedHere, makeApplication } from "./installed.js";

const packedSources = fileURLToPath(new URL("../../../src/", import.meta.url));
const source = fileURLToPath(new URL("./program.ts", import.meta.url));

/** An application that has libsql, and one that hasn't. */
let applications: Record<"libsql" | "bare", Application>;
beforeAll(async () => {
  applications = { libsql: await makeApplication("libsql"), bare: await makeApplication() };
});
afterAll(() => {
  for (const application of Object.values(applications)) application.remove();
});

/** Makes the program as a file of the application, and gives its path. */
type Make = (application: Application) => Promise<string>;

const compiled =
  (format: "esm" | "cjs", packages: "external" | "bundle"): Make =>
  async ({ folder, path }) => {
    const outfile = path(`${packages}.${format === "esm" ? "mjs" : "cjs"}`);
    await build({
      // The program's packages are those of the application.
      stdin: { contents: readFileSync(source, "utf8"), loader: "ts", resolveDir: folder },
      outfile,
      bundle: true,
      platform: "node",
      format,
      packages,
      external: ["libsql"],
      logLevel: "error",
    });
    return outfile;
  };

/** Makes CommonJS of each file of the package, and leaves its imports as they are, as Jest does where it is told to. */
const transformed: Make = async (application) => {
  const home = application.path("node_modules/protosource-es");
  const copy = application.path("transformed/node_modules/protosource-es");
  cpSync(home, copy, { recursive: true });
  const { type: _, ...manifest } = JSON.parse(readFileSync(join(copy, "package.json"), "utf8")) as { type: string };
  writeFileSync(join(copy, "package.json"), JSON.stringify(manifest));
  for (const name of readdirSync(join(copy, "dist"), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".js")) continue;
    const file = join(copy, "dist", name);
    const { code } = await transform(readFileSync(file, "utf8"), { format: "cjs", platform: "node" });
    writeFileSync(file, code);
  }
  const program = application.path("transformed/program.cjs");
  cpSync(await compiled("cjs", "external")(application), program);
  return program;
};

const makes: readonly (readonly [string, Make])[] = [
  ["an ES module", compiled("esm", "external")],
  ["CommonJS that requires it", compiled("cjs", "external")],
  ["a bundle that is an ES module", compiled("esm", "bundle")],
  ["a bundle that is CommonJS", compiled("cjs", "bundle")],
  ["CommonJS of each of its files", transformed],
];

describe.each(makes)("the package in %s", (_, make) => {
  test("opens a file by libsql", async () => {
    const { libsql } = applications;
    expect(await libsql.run(await make(libsql))).toBe("loaded 1");
  });

  test("opens a file by another driver, without libsql", async () => {
    const { bare } = applications;
    expect(await bare.run(await make(bare), installedHere("libsql/index.js"))).toBe("loaded 1");
  });

  test("says what to install where there is no driver", async () => {
    const { bare } = applications;
    expect(await bare.run(await make(bare))).toMatch(/install .*libsql/);
  });
});

test("the package has no import.meta, which is a syntax error in what Jest makes of it", () => {
  const dist = applications.libsql.path("node_modules/protosource-es/dist");
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((name) => readFileSync(join(dist, name), "utf8").includes("import.meta"))).toEqual([]);
});

test("the package's maps name the sources that are packed with it, and don't hold them once more", () => {
  const dist = applications.libsql.path("node_modules/protosource-es/dist");
  const maps = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js.map"));
  expect(maps.length).toBeGreaterThan(10);
  for (const name of maps) {
    const map = JSON.parse(readFileSync(join(dist, name), "utf8")) as { sources: string[]; sourcesContent?: unknown };
    expect(map.sourcesContent).toBeUndefined();
    const sources = map.sources.map((path) => resolve(dirname(join(dist, name)), path));
    expect(sources.filter((path) => !path.startsWith(packedSources) || !existsSync(path))).toEqual([]);
  }
});
